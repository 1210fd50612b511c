package logtest

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"rollcall/eventlog"
)

// Op is one operation on a Disk.
type Op struct {
	Number int // from 1, rising
	Kind   Kind
	Name   string
	Size   int // bytes to write
}

// Kind tells what an operation does.
type Kind string

// The kinds of operations.
const (
	Create   Kind = "create"
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
	Remove   Kind = "remove"
	SyncDir  Kind = "syncdir"
)

// Fault is asked before each operation. A write that fails has written keep bytes nevertheless; with no error and less
// than all bytes it is a short write.
type Fault func(op Op) (keep int, err error)

// Disk is a file system in memory, for one directory. The zero value is not usable: see NewDisk.
type Disk struct {
	mu      sync.Mutex
	files   map[string]*diskFile
	durable map[string]*diskFile // as of the last SyncDir
	locked  bool
	ops     int
	fault   Fault
}

// NewDisk makes an empty disk without faults.
func NewDisk() *Disk {
	return &Disk{files: map[string]*diskFile{}, durable: map[string]*diskFile{}}
}

// SetFault sets what is asked from now on; nil for no faults. The function may call Crash on the operation's disk only
// through CrashLocked.
func (d *Disk) SetFault(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// Ops is the number of operations so far.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

func (d *Disk) ask(kind Kind, name string, size int) (keep int, err error) {
	d.ops++
	if d.fault == nil {
		return size, nil
	}
	return d.fault(Op{d.ops, kind, name, size})
}

type diskFile struct {
	data    []byte
	synced  []byte
	pending []change // since the last sync
}

// change writes data at pos, or cuts the file off there.
type change struct {
	pos  int64
	data []byte
	cut  bool
}

func (c change) apply(b []byte) []byte {
	if c.cut {
		return resize(b, int(c.pos))
	}
	b = resize(b, max(len(b), int(c.pos)+len(c.data)))
	copy(b[c.pos:], c.data)
	return b
}

func resize(b []byte, n int) []byte {
	if n <= len(b) {
		return b[:n]
	}
	return append(b, make([]byte, n-len(b))...)
}

// Content gives the bytes of a file as they are seen now.
func (d *Disk) Content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.files[name]; f != nil {
		return slices.Clone(f.data)
	}
	return nil
}

// With gives a copy of the disk on which name has another content; nil for no such file.
func (d *Disk) With(name string, content []byte) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	for n, f := range d.files {
		b := slices.Clone(f.data)
		c.files[n] = &diskFile{data: b, synced: slices.Clone(b)}
	}
	if content == nil {
		delete(c.files, name)
	} else {
		c.files[name] = &diskFile{data: slices.Clone(content), synced: slices.Clone(content)}
	}
	maps.Copy(c.durable, c.files)
	return c
}

// Crash gives the disk as it may be after losing power now: what is not synced is there, gone, or there in part. choose
// gives a number in [0, n).
func (d *Disk) Crash(choose func(n int) int) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.CrashLocked(choose)
}

// CrashLocked is Crash from within a Fault.
func (d *Disk) CrashLocked(choose func(n int) int) *Disk {
	c := NewDisk()
	names := maps.Clone(d.durable)
	maps.Copy(names, d.files)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		seen, kept := d.files[name], d.durable[name]
		f := seen
		if seen != kept && choose(2) == 0 {
			f = kept
		}
		if f != nil {
			b := f.crash(choose)
			c.files[name] = &diskFile{data: b, synced: slices.Clone(b)}
		}
	}
	maps.Copy(c.durable, c.files)
	return c
}

func (f *diskFile) crash(choose func(n int) int) []byte {
	b := slices.Clone(f.synced)
	for _, c := range f.pending {
		switch choose(4) {
		case 0: // lost
		case 1:
			b = c.apply(b)
		case 2:
			c.data = c.data[:choose(len(c.data)+1)]
			b = c.apply(b)
		case 3:
			b = c.applySectors(b, choose)
		}
	}
	return b
}

const sector = 32 // bytes that are written whole or not; smaller than on any real disk

func (c change) applySectors(b []byte, choose func(n int) int) []byte {
	if c.cut {
		return b
	}
	for i := 0; i < len(c.data); i += sector {
		if choose(2) == 0 {
			b = change{pos: c.pos + int64(i), data: c.data[i:min(i+sector, len(c.data))]}.apply(b)
		}
	}
	return b
}

// Lock takes the disk.
func (d *Disk) Lock(string) (func() error, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, eventlog.ErrLocked
	}
	d.locked = true
	return d.unlock, nil
}

func (d *Disk) unlock() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locked = false
	return nil
}

// List gives all files.
func (d *Disk) List(string) ([]eventlog.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	files := make([]eventlog.FileInfo, 0, len(d.files))
	for name, f := range d.files {
		files = append(files, eventlog.FileInfo{Name: filepath.Base(name), Size: int64(len(f.data))})
	}
	return files, nil
}

// Open opens or creates a file.
func (d *Disk) Open(name string, create bool) (eventlog.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil && !create {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	if create {
		if _, err := d.ask(Create, name, 0); err != nil {
			return nil, err
		}
	}
	if f == nil {
		f = &diskFile{}
		d.files[name] = f
	} else if create {
		f.change(change{cut: true})
	}
	return &handle{d, f, name}, nil
}

// Remove deletes a file.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.ask(Remove, name, 0); err != nil {
		return err
	}
	if d.files[name] == nil {
		return fmt.Errorf("remove %s: %w", name, fs.ErrNotExist)
	}
	delete(d.files, name)
	return nil
}

// SyncDir makes creations and deletions durable.
func (d *Disk) SyncDir(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.ask(SyncDir, "", 0); err != nil {
		return err
	}
	d.durable = maps.Clone(d.files)
	return nil
}

type handle struct {
	disk *Disk
	file *diskFile
	name string
}

func (f *diskFile) change(c change) {
	f.data = c.apply(f.data)
	f.pending = append(f.pending, c)
}

func (h *handle) ReadAt(b []byte, pos int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if pos >= int64(len(h.file.data)) {
		return 0, io.EOF
	}
	n := copy(b, h.file.data[pos:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(b []byte, pos int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	keep, err := h.disk.ask(Write, h.name, len(b))
	keep = min(keep, len(b))
	if keep > 0 {
		h.file.change(change{pos: pos, data: slices.Clone(b[:keep])})
	}
	return keep, err
}

func (h *handle) Truncate(size int64) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if _, err := h.disk.ask(Truncate, h.name, 0); err != nil {
		return err
	}
	h.file.change(change{pos: size, cut: true})
	return nil
}

func (h *handle) Sync() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if _, err := h.disk.ask(Sync, h.name, 0); err != nil {
		return err
	}
	for _, c := range h.file.pending {
		h.file.synced = c.apply(h.file.synced)
	}
	h.file.pending = nil
	return nil
}

func (h *handle) Close() error { return nil }
