package main

import "runtime"

// greeting is shared by every program of this folder.
func greeting(of string) string {
	return of + " of go-bare-procfile " + runtime.Version()
}
