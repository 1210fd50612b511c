package eventlog

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFile makes content and size durable, but not the times.
func syncFile(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
