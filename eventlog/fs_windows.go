package eventlog

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile locks a byte far behind the process id, so that the id can be read.
func lockFile(f *os.File) error {
	at := windows.Overlapped{Offset: 1 << 20}
	flags := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY)
	return os.NewSyscallError("LockFileEx", windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &at))
}

// syncDir has nothing to do: the system journals directory entries itself.
func syncDir(string) error { return nil }
