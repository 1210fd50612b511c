package main

import (
	"os"
	"runtime/debug"
)

// beyondState is about what a process takes besides the states of days: the dictionary of two million users, filters of
// a hundred million ids, the newest part of the log, a commit under way.
const beyondState = 832 << 20

// keepMemory makes the collector keep the process near its budget. Nearly all of the heap is tables without pointers,
// which cost the collector nothing, so that it may run often. GOGC and GOMEMLIMIT, where set, rule.
func keepMemory(c *Config) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.StateMemory + beyondState)
	}
}
