package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"rollcall/store"
)

var (
	_ store.Writer        = (*Store)(nil)
	_ store.Viewer        = (*Store)(nil)
	_ store.Keeper        = (*Store)(nil)
	_ store.Letters       = (*Store)(nil)
	_ store.Verifications = (*Store)(nil)
	_ store.Viewer        = (*Reader)(nil)
)

// Config says which store to open.
type Config struct {
	Path       string   // the file; its directory must exist
	Dimensions []string // recorded when the store is made, and checked ever after
	Shards     int      // recorded when the store is made, and checked ever after
	Build      uint32   // recorded when the store is made; 0 for 1
	Logger     *slog.Logger
	Step       func(name string) // called between the steps of a commit; nil but for crash tests
}

// The steps of a commit that Config.Step is told of, each once it is done.
const (
	StepFenced    = "store.fenced"
	StepCells     = "store.cells"
	StepSets      = "store.sets"
	StepState     = "store.state"
	StepLedger    = "store.ledger"
	StepLetters   = "store.letters"
	StepVersions  = "store.versions"
	StepCommitted = "store.committed"
)

// Store is a store open for reading and writing. It is safe for concurrent use.
type Store struct {
	*Reader
	config  Config
	lock    *lock
	writer  *writer
	own     *pool // reads of the owner of the shards and of housekeeping, which never wait for views
	compact sync.Mutex
	builds  *Builds // that it is a build of; nil for a store by itself
	retired bool    // its build has changed roles; the lock of builds guards it
	closed  func()  // told of Close; nil for nobody
}

// Reader is a store open for reading. It is safe for concurrent use.
type Reader struct {
	views *pool
	heads headCache
}

const (
	pageSize      = 8192
	maxViews      = 16       // open at a time; a further View waits until its context is done
	maxReads      = 8        // of the owner, at a time
	maxWAL        = 64 << 20 // bytes of WAL after which a commit also checkpoints
	writerCacheKB = 32 << 10 // of pages
	readerCacheKB = 4 << 10  // of pages, a session: blocks are read once and cached decoded, elsewhere
	busyTimeout   = 5000     // ms
)

// Open opens the store for writing and makes it when there is none. It fails with ErrHeld while it is open for writing
// elsewhere, and with what the store holds when it was made for other dimensions or another number of shards.
func Open(ctx context.Context, config Config) (*Store, error) {
	if config.Step == nil {
		config.Step = func(string) {}
	}
	s := &Store{config: config}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", config.Path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	path := s.config.Path
	if err = checkLibrary(ctx); err != nil {
		return err
	}
	if s.lock, err = takeLock(ctx, path); err != nil {
		return err
	}
	if s.writer, err = openWriter(ctx, path); err != nil {
		return err
	}
	s.writer.enter = s.enter
	if err = s.writer.migrate(ctx, s.config); err != nil {
		return err
	}
	if s.own, err = newPool(path, maxReads, readerCacheKB); err != nil {
		return err
	}
	if s.Reader, err = openReader(path); err != nil {
		return err
	}
	return s.checkConfig(ctx)
}

// View opens a view of the store as of now.
func (s *Store) View(ctx context.Context) (store.View, error) {
	leave, err := s.enter()
	if err != nil {
		return nil, fmt.Errorf("open view: %w", err)
	}
	defer leave()
	return s.Reader.View(ctx)
}

// OpenReadOnly opens a store that may be open for writing elsewhere.
func OpenReadOnly(ctx context.Context, path string) (*Reader, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open store for reading: %w", err)
	}
	r, err := openReader(path)
	if err != nil {
		return nil, fmt.Errorf("open store %s for reading: %w", path, err)
	}
	v, err := r.View(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s for reading: %w", path, err), r.Close())
	}
	return r, v.Close()
}

func openReader(path string) (*Reader, error) {
	views, err := newPool(path, maxViews, readerCacheKB)
	if err != nil {
		return nil, err
	}
	return &Reader{views: views}, nil
}

// Close waits for the transaction under way and writes the WAL back into the file. Views still open fail from then on.
func (s *Store) Close() error {
	var errs []error
	if s.Reader != nil {
		errs = append(errs, s.Reader.Close())
	}
	if s.own != nil {
		errs = append(errs, s.own.close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
		s.lock = nil
	}
	if s.closed != nil {
		s.closed()
	}
	return errors.Join(errs...)
}

// Close closes the store for reading. Views still open fail from then on.
func (r *Reader) Close() error { return r.views.close() }
