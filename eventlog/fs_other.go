//go:build !linux

package eventlog

import "os"

func syncFile(f *os.File) error { return f.Sync() }
