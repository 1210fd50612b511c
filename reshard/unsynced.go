package reshard

import (
	"errors"
	"sync"

	"rollcall/eventlog"
)

// unsynced is the machine's file system, whose files become durable when they are closed or at sync: of a copy that is not whole
// nothing has to be durable, and a log that was written event by event has as many groups as syncs.
type unsynced struct {
	eventlog.OS

	mu    sync.Mutex
	dirty map[*unsyncedFile]struct{}
}

func newUnsynced() *unsynced { return &unsynced{dirty: map[*unsyncedFile]struct{}{}} }

// Open opens a file.
func (u *unsynced) Open(name string, create bool) (eventlog.File, error) {
	f, err := u.OS.Open(name, create)
	if err != nil {
		return nil, err
	}
	return &unsyncedFile{f, u}, nil
}

// SyncDir leaves the directory to sync.
func (u *unsynced) SyncDir(string) error { return nil }

// sync makes all files durable, and the directories.
func (u *unsynced) sync(dirs ...string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var errs []error
	for f := range u.dirty {
		errs = append(errs, f.File.Sync())
	}
	for _, dir := range dirs {
		errs = append(errs, u.OS.SyncDir(dir))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	clear(u.dirty)
	return nil
}

type unsyncedFile struct {
	eventlog.File
	of *unsynced
}

// Sync remembers that the file is to be synced.
func (f *unsyncedFile) Sync() error {
	f.of.mu.Lock()
	defer f.of.mu.Unlock()
	f.of.dirty[f] = struct{}{}
	return nil
}

// Close makes the file durable.
func (f *unsyncedFile) Close() error {
	f.of.mu.Lock()
	_, dirty := f.of.dirty[f]
	delete(f.of.dirty, f)
	f.of.mu.Unlock()
	var err error
	if dirty {
		err = f.File.Sync()
	}
	return errors.Join(err, f.File.Close())
}
