package main

import "fmt"

func main() {
	fmt.Println(greeting("release") + ": nothing to migrate")
}
