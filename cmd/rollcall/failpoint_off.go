//go:build !failpoint || !unix

package main

func failpoint() func(string) { return nil }
