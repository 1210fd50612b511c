package main

import (
	"os"
	"runtime/debug"
)

const (
	// collectAt is how much the heap may grow, in percent, before it is collected. Nearly all of it is tables without
	// pointers, which cost the collector nothing, so that it may run often and the process stays near what it needs.
	collectAt = 20
	// beyondState is room for what is not in state_memory: a dictionary of millions of users, filters of hundreds of
	// millions of event ids, the newest part of the log, a commit under way. Above it the heap gives freed memory back
	// at once.
	beyondState = 1 << 30
)

// keepMemory bounds what the collector leaves lying about. GOGC and GOMEMLIMIT, where set, rule.
func keepMemory(c *Config) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.StateMemory + c.CacheMemory + beyondState)
	}
}
