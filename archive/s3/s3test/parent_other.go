//go:build !linux

package s3test

import "syscall"

// dieWithParent can't be had: a server outlives a test that is killed.
func dieWithParent() *syscall.SysProcAttr { return nil }
