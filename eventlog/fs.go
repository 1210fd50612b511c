package eventlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FS is the file system that the embedded log stands on. Names are paths within the log's directory.
type FS interface {
	// Lock makes the directory if there is none and takes it for this process; ErrLocked when another one has it.
	Lock(dir string) (release func() error, err error)
	// List gives the regular files of a directory.
	List(dir string) ([]FileInfo, error)
	// Open opens a file to read and write; with create it makes it, or empties it.
	Open(name string, create bool) (File, error)
	// Remove deletes a file.
	Remove(name string) error
	// SyncDir makes the creation and deletion of files in the directory durable.
	SyncDir(dir string) error
}

// FileInfo is the name, without directory, and the size of a file.
type FileInfo struct {
	Name string
	Size int64
}

// File is an open file. Sync makes its content and size durable.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// ErrLocked tells that another process has the log open.
var ErrLocked = errors.New("the log is in use")

const lockName = "LOCK"

// OS is the file system of the machine.
type OS struct{}

// Lock takes the file LOCK in dir and writes the process id into it. The system gives it free when the process ends.
func (OS) Lock(dir string) (func() error, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		_ = f.Close()
		return nil, fmt.Errorf("%w by process %s (%s): stop it, or talk to it over HTTP: %w", ErrLocked, strings.TrimSpace(string(pid)), name, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f.Close, nil
}

// List gives the regular files of a directory.
func (OS) List(dir string) ([]FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files = append(files, FileInfo{info.Name(), info.Size()})
		}
	}
	return files, nil
}

// Open opens a file.
func (OS) Open(name string, create bool) (File, error) {
	flag := os.O_RDWR
	if create {
		flag |= os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(name, flag, 0o640)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Remove deletes a file.
func (OS) Remove(name string) error { return os.Remove(name) }

// SyncDir makes the directory's entries durable.
func (OS) SyncDir(dir string) error { return syncDir(dir) }

type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncFile(f.File) }
