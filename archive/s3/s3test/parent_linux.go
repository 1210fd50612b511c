package s3test

import "syscall"

// dieWithParent has a server killed when the test is killed before it can clean up.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
