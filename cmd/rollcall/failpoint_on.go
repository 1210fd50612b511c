//go:build failpoint && unix

package main

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// failpoint kills the process at the n-th pass of a step, as ROLLCALL_FAILPOINT=step:n says.
func failpoint() func(string) {
	step, count, ok := strings.Cut(os.Getenv("ROLLCALL_FAILPOINT"), ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if !ok || err != nil {
		return nil
	}
	var passes atomic.Int64
	return func(name string) {
		if name == step && passes.Add(1) == n {
			// It can't fail: the signal goes to the process itself.
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}
