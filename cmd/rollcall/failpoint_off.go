//go:build !failpoint

package main

func failpoint() func(string) { return nil }
