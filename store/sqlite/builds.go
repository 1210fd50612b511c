package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"rollcall/store"
)

var _ store.Builds = (*Builds)(nil)

// Builds keeps the builds of a directory: build 1 in store.db, build n in store-n.db, and in builds.json which there are and
// which of them is active. That file is replaced in one step; it is what decides after a crash. One process at a time has
// the directory. It is safe for concurrent use.
type Builds struct {
	dir    string
	logger *slog.Logger
	step   func(name string) // called after each write; of crash tests

	mu       sync.Mutex // of what is below, and of one Begin, Activate or Drop at a time
	registry registry
	open     map[uint32]*Store

	flip sync.RWMutex // held by each call of a handle, and by Activate alone
}

// registry is what builds.json holds.
type registry struct {
	Newest uint32        `json:"newest"` // number that was given last
	Builds []store.Build `json:"builds"`
}

// Registry is the file of a directory that tells which builds it holds.
const Registry = "builds.json"

// OpenBuilds reads which builds a directory holds. One without builds.json has none, or build 1 from before there were any:
// first describes that one, nil for none.
func OpenBuilds(dir string, first *store.Build, logger *slog.Logger) (*Builds, error) {
	b := &Builds{dir: dir, logger: logger, step: func(string) {}, open: map[uint32]*Store{}}
	body, err := os.ReadFile(filepath.Join(dir, Registry))
	if errors.Is(err, fs.ErrNotExist) {
		if first != nil {
			b.registry = registry{Newest: 1, Builds: []store.Build{*first}}
		}
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &b.registry)
	}
	if err != nil {
		return nil, fmt.Errorf("read the builds in %s: %w", filepath.Join(dir, Registry), err)
	}
	return b, nil
}

// Builds lists the builds.
func (b *Builds) Builds(context.Context) ([]store.Build, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.registry.Builds), nil
}

func (b *Builds) path(number uint32) string {
	if number == 1 {
		return filepath.Join(b.dir, "store.db")
	}
	return filepath.Join(b.dir, "store-"+strconv.FormatUint(uint64(number), 10)+".db")
}

func (r *registry) find(number uint32) *store.Build {
	for i := range r.Builds {
		if r.Builds[i].Number == number {
			return &r.Builds[i]
		}
	}
	return nil
}

// save makes a registry the one in force, durably.
func (b *Builds) save(r registry) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(b.dir, Registry)
	f, err := os.Create(path + ".new") // the same each time: what a crash leaves is written over
	if err != nil {
		return err
	}
	b.step("registry made")
	_, err = f.Write(append(body, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		b.step("registry written")
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	b.step("registry renamed")
	if err := syncDir(b.dir); err != nil {
		return err
	}
	b.registry = r
	return nil
}

func (r registry) clone() registry {
	r.Builds = slices.Clone(r.Builds)
	return r
}

// Begin makes an empty build. The first one of a directory is active at once.
func (b *Builds) Begin(ctx context.Context, build store.Build) (store.Build, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.registry.clone()
	next.Newest++
	build.Number, build.State, build.Begun, build.Activated = next.Newest, store.Building, time.Now().UnixMilli(), 0
	if len(next.Builds) == 0 {
		build.State, build.Activated = store.Active, build.Begun
	}
	next.Builds = append(next.Builds, build)
	err := b.save(next)
	if err == nil {
		var s *Store
		if s, err = Open(ctx, b.config(build, nil)); err == nil {
			b.step("file made")
			err = s.Close()
		}
	}
	if err != nil {
		return store.Build{}, fmt.Errorf("begin build %d: %w", build.Number, err)
	}
	return build, nil
}

func (b *Builds) config(build store.Build, step func(string)) Config {
	return Config{Path: b.path(build.Number), Dimensions: build.Dimensions, Shards: build.Shards, Build: build.Number, Logger: b.logger, Step: step}
}

// Open gives a handle on a build: the active one, or one beside it. At most one handle on a build is open at a time. What a
// crash has left of builds that were dropped goes with it.
func (b *Builds) Open(ctx context.Context, number uint32, beside bool, step func(string)) (*Store, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	build := b.registry.find(number)
	if build == nil {
		return nil, fmt.Errorf("open build %d: there is no such build", number)
	}
	if beside == (build.State == store.Active) {
		return nil, fmt.Errorf("open build %d: %w", number, store.ErrRetired)
	}
	s, err := Open(ctx, b.config(*build, step))
	if err != nil {
		return nil, err
	}
	if err := b.sweep(); err != nil {
		return nil, errors.Join(fmt.Errorf("delete what is left of dropped builds: %w", err), s.Close())
	}
	s.builds, s.closed = b, func() { b.mu.Lock(); delete(b.open, number); b.mu.Unlock() }
	b.open[number] = s
	return s, nil
}

// Drop deletes a build: first from the registry, then its file.
func (b *Builds) Drop(_ context.Context, number uint32) error {
	if err := b.drop(number); err != nil {
		return fmt.Errorf("drop build %d: %w", number, err)
	}
	return nil
}

func (b *Builds) drop(number uint32) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	build := b.registry.find(number)
	if build == nil {
		return b.sweep()
	}
	if build.State == store.Active {
		return errors.New("it is the active one")
	}
	if b.open[number] != nil {
		return ErrHeld
	}
	next := b.registry.clone()
	next.Builds = slices.DeleteFunc(next.Builds, func(x store.Build) bool { return x.Number == number })
	if err := b.save(next); err != nil {
		return err
	}
	return b.removeFiles(number)
}

// sweep removes the files of the builds that are no more.
func (b *Builds) sweep() error {
	var errs []error
	for number := uint32(1); number <= b.registry.Newest; number++ {
		if b.registry.find(number) == nil {
			errs = append(errs, b.removeFiles(number))
		}
	}
	return errors.Join(errs...)
}

func (b *Builds) removeFiles(number uint32) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
		if err := os.Remove(b.path(number) + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			b.step("file removed")
		}
	}
	return errors.Join(errs...)
}
