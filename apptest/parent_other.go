//go:build !linux

package apptest

import "syscall"

// dieWithParent can't be had: a server outlives a test that is killed.
func dieWithParent() *syscall.SysProcAttr { return nil }
