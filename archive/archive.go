package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/store"
)

// passRows is about how many rows are held in memory and written at once.
const passRows = 1 << 18

// Config is what the files look like, and for how long they stay.
type Config struct {
	Dimensions []string
	Calendar   rollcall.Calendar
	UserKey    []byte        // user ids are kept as their hashes under this key; nil for the ids themselves
	MaxAge     time.Duration // files of older days are deleted; 0 for never
	Interval   time.Duration // between passes of Run

	RecordOffsets bool // the log numbers records, not their events
}

// Deps are the parts an archive works with.
type Deps struct {
	Log    eventlog.Fetcher
	Shards int
	Store  store.Viewer
	Place  Place
	Fence  Fence // of Place, when several processes write, each the shards it owns (see Following); nil for one process with all
	// Erasing has the owner of a shard erase users from its files; nil for nobody.
	Erasing *Erasing
	Logger  *slog.Logger
	Now     func() time.Time
	// Step is told the name of each step it passes (see Steps); nil in production.
	Step func(name string)
}

// Steps are the points that Deps.Step is told of.
var Steps = [...]string{"archive.begun", "archive.file", "archive.written", "archive.staged", "archive.merging", "archive.removed", "archive.moved", "archive.merged"}

// Archive follows the shards of a log behind what is committed.
type Archive struct {
	cfg     Config
	deps    Deps
	users   *userNames
	columns *columns
	wake    chan struct{}
	working sync.Mutex // one step at a time

	mu        sync.Mutex
	manifests []*manifest         // by shard; replaced, never changed; nil as long as the shard is another's
	versions  []string            // by shard: of the manifest, with a Fence
	owned     []bool              // by shard, with a Fence
	stale     []bool              // by shard: another may have changed the manifest
	heard     []eventlog.Progress // by shard: the last report
	reporter  eventlog.Reporter
	failures  int64
	failed    error // of the last round of Run
}

// New reads the manifests. An archive of other dimensions, time zone or key is refused; one that can't be read is not, and is
// tried again at each step: figures do not wait for it.
func New(cfg Config, deps Deps) (*Archive, error) {
	if deps.Step == nil {
		deps.Step = func(string) {}
	}
	a := &Archive{cfg: cfg, deps: deps, users: newUserNames(cfg.UserKey), wake: make(chan struct{}, 1), manifests: make([]*manifest, deps.Shards),
		heard: make([]eventlog.Progress, deps.Shards), versions: make([]string, deps.Shards), owned: make([]bool, deps.Shards), stale: make([]bool, deps.Shards)}
	var err error
	if a.columns, err = newColumns(cfg.Dimensions, a.users); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	for shard := range a.manifests {
		err := a.open(shard)
		if errors.Is(err, errAway) {
			deps.Logger.Warn("the archive can't be read; it is tried again, and nothing is archived until then", "error", err)
			break
		}
		if err != nil {
			return nil, fmt.Errorf("archive: %s: %w", manifestName(shard), err)
		}
	}
	return a, nil
}

// open reads the manifest of a shard. With a fence that only shows whether this is its archive: take reads it again.
func (a *Archive) open(shard int) error {
	m, err := readManifest(&a.cfg, a.users, a.deps.Place, shard)
	if err != nil || a.deps.Fence != nil {
		return err
	}
	a.mu.Lock()
	a.manifests[shard] = m
	a.mu.Unlock()
	if m.Merge != nil {
		return nil
	}
	return a.deps.Place.Remove(stagedName(shard, 0)) // of a merge that had not begun
}

// restRatio is how much longer Run rests than it works: an archive takes a fraction of a core, and the log keeps what it lacks.
const restRatio = 3

// Run writes what is committed, merges and expires files, again and again until ctx ends. A failure is logged and tried
// again: figures do not depend on it, but the log is kept.
func (a *Archive) Run(ctx context.Context) {
	tick := time.NewTicker(a.cfg.Interval)
	defer tick.Stop()
	for {
		a.round(ctx)
		select {
		case <-tick.C:
		case <-a.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (a *Archive) round(ctx context.Context) {
	err := a.work(ctx, false, restRatio)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.deps.Logger.Error("archive", "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed = err; err != nil {
		a.failures++
	}
}

// Work writes everything that is committed, merges what there is of a day into one file, and expires files.
func (a *Archive) Work(ctx context.Context) error { return a.work(ctx, true, 0) }

// work goes on step by step, and rests between the steps of a shard so many times as long as they took.
func (a *Archive) work(ctx context.Context, all bool, ratio int64) error {
	for shard := range a.manifests {
		for {
			began := time.Now()
			more, err := a.step(ctx, shard, all)
			if err != nil {
				return fmt.Errorf("shard %d: %w", shard, err)
			}
			if !more {
				break
			}
			select {
			case <-time.After(time.Duration(ratio * int64(time.Since(began)))):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// step writes the next rows of a shard and, when these were the last, merges some files, or else expires some.
func (a *Archive) step(ctx context.Context, shard int, all bool) (more bool, err error) {
	a.working.Lock()
	defer a.working.Unlock()
	if mine, err := a.take(shard); !mine || err != nil {
		return false, err
	}
	defer func() {
		if err != nil {
			a.doubt(shard)
		}
	}()
	if a.due(shard) {
		return true, a.eraseShard(ctx, shard)
	}
	if more, err = a.pass(ctx, shard); more || err != nil {
		return more, err
	}
	if more, err = a.merge(shard, all); more || err != nil {
		return more, err
	}
	return false, a.expire(shard)
}

// manifest is that of a shard as it is now.
func (a *Archive) manifest(shard int) *manifest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.manifests[shard]
}

// change makes a changed manifest durable, and then that of the shard.
func (a *Archive) change(m *manifest) error {
	if err := a.save(m); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.manifests[m.Shard] = m
	return nil
}

// Holding gives a reporter that tells next of commits, but never that it may let go of what is not in the archive yet.
func (a *Archive) Holding(next eventlog.Reporter) eventlog.Reporter {
	a.reporter = next
	return holding{a}
}

type holding struct{ a *Archive }

func (h holding) Report(ctx context.Context, progress []eventlog.Progress) error {
	a, held := h.a, make([]eventlog.Progress, len(progress))
	a.mu.Lock()
	for i, p := range progress {
		next := rollcall.Offset(0)
		if m := a.manifests[p.Shard]; m != nil {
			next = m.Next
		}
		if p.Committed > next+passRows { // do not wait for the next tick
			a.hurry()
		}
		a.heard[p.Shard] = p
		p.Snapshot = min(p.Snapshot, next)
		held[i] = p
	}
	a.mu.Unlock()
	return a.reporter.Report(ctx, held)
}

// hurry has Run not wait for its next tick.
func (a *Archive) hurry() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// release repeats the last report of a shard: the archive has gone on, and commits may have ceased.
func (a *Archive) release(ctx context.Context, shard int) {
	a.mu.Lock()
	p := a.heard[shard]
	a.mu.Unlock()
	if p.Committed == 0 || a.reporter == nil {
		return
	}
	if err := (holding{a}).Report(ctx, []eventlog.Progress{p}); err != nil {
		a.deps.Logger.Warn("tell the log what is archived", "error", err)
	}
}
