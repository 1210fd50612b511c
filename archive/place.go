package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Place keeps objects under names with slashes. What is there under a name is always whole.
type Place interface {
	// Put makes an object of what write writes, durable on return; it replaces one of the same name.
	Put(name string, write func(io.Writer) error) error
	// Open opens an object of some size; fs.ErrNotExist when there is none.
	Open(name string) (Object, int64, error)
	// Move gives an object another name. One that has it already stays as it is, so that a Move may be repeated.
	Move(from, to string) error
	// Remove deletes an object, if there is one.
	Remove(name string) error
}

// Object is an open object.
type Object interface {
	io.ReaderAt
	io.Closer
}

// ErrSwapped tells that an object is not of the version that was to be replaced: another process has written it.
var ErrSwapped = errors.New("another process has taken the shard over")

// Fence is of a place that several processes write to. It gives each change of a manifest to one of them.
type Fence interface {
	// Read gives an object whole, and its version; fs.ErrNotExist when there is none.
	Read(name string) (body []byte, version string, err error)
	// Swap puts an object in the place of the one of a version, "" for none at all, and gives the new version. ErrSwapped when
	// another is there, and nothing was changed.
	Swap(name string, body []byte, version string) (string, error)
}

// Folder is a place in a local directory.
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// Put writes beside the name, syncs, and renames.
func (f Folder) Put(name string, write func(io.Writer) error) error {
	path := f.path(name)
	if err := f.makeDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	out, err := os.Create(path + ".tmp")
	if err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	err = write(out)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", name, errors.Join(err, os.Remove(path+".tmp")))
	}
	return syncDir(filepath.Dir(path))
}

// makeDir makes a directory that outlives a crash, with those above it.
func (f Folder) makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	above := filepath.Dir(dir)
	if dir != filepath.Clean(string(f)) && above != dir {
		if err := f.makeDir(above); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return syncDir(above)
}

// Open opens a file.
func (f Folder) Open(name string) (Object, int64, error) {
	in, err := os.Open(f.path(name))
	if err != nil {
		return nil, 0, err
	}
	info, err := in.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, in.Close())
	}
	return in, info.Size(), nil
}

// Move renames a file.
func (f Folder) Move(from, to string) error {
	err := f.makeDir(filepath.Dir(f.path(to)))
	if err == nil {
		err = os.Rename(f.path(from), f.path(to))
	}
	if errors.Is(err, fs.ErrNotExist) {
		if _, there := os.Stat(f.path(to)); there == nil {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("move to %s: %w", to, err)
	}
	return syncDir(filepath.Dir(f.path(to)))
}

// Remove deletes a file, and its directory when that is empty then.
func (f Folder) Remove(name string) error {
	path := f.path(name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	if os.Remove(filepath.Dir(path)) == nil {
		return nil
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable, where the system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
