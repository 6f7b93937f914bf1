package main

import (
	"fmt"
	"time"
)

func main() {
	fmt.Println(greeting("worker"))
	for range time.Tick(10 * time.Second) {
		fmt.Println("worker is waiting")
	}
}
