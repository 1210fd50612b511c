package verify

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// BackgroundConfig is how a process verifies closed days beside its other work.
type BackgroundConfig struct {
	Config
	Interval time.Duration // between verifications, unless days are left from the last
	Look     time.Duration // between looks at which days have changed; a day that changed between two looks is not quiet
	Share    float64       // of one core, above 0 up to 1
	MaxDays  int           // of one verification; the newest come first
}

// BackgroundStore is what it reads and where it keeps what it finds.
type BackgroundStore interface {
	store.Viewer
	store.Verifications
}

// BackgroundDeps are its parts.
type BackgroundDeps struct {
	Source Source
	Store  BackgroundStore
	Mine   func() bool // whether it is this process's turn, of several
	Logger *slog.Logger
	Now    func() time.Time
}

// Background verifies closed days that have changed and are quiet, slowly, one verification after the other.
type Background struct {
	cfg  BackgroundConfig
	deps BackgroundDeps

	before map[rollcall.Date]uint64 // versions at the last look
	tried  time.Time

	mu    sync.Mutex
	state BackgroundState
}

// BackgroundState is what it is at.
type BackgroundState struct {
	Running    bool
	Unverified string // why days could not be verified; empty when they could
}

// NewBackground makes one that does nothing until Run.
func NewBackground(cfg BackgroundConfig, deps BackgroundDeps) *Background {
	cfg.Brief, cfg.Workers = true, 1
	return &Background{cfg: cfg, deps: deps}
}

// State tells what it is at.
func (b *Background) State() BackgroundState {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

func (b *Background) set(s BackgroundState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = s
}

// Run verifies until ctx is done.
func (b *Background) Run(ctx context.Context) {
	tick := time.NewTicker(b.cfg.Look)
	defer tick.Stop()
	for more := false; ; {
		var err error
		if more, err = b.look(ctx, more); err != nil && ctx.Err() == nil {
			b.deps.Logger.Warn("verify closed days", "error", err)
			b.set(BackgroundState{Unverified: err.Error()})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look verifies the days that are due. more tells that there are others.
func (b *Background) look(ctx context.Context, more bool) (bool, error) {
	if !b.deps.Mine() {
		b.before = nil
		return false, nil
	}
	due, at, err := b.due(ctx)
	if err != nil || len(due) == 0 {
		return false, err
	}
	now := b.deps.Now()
	if last := time.UnixMilli(at); !more && (now.Sub(last) < b.cfg.Interval || now.Sub(b.tried) < b.cfg.Interval) {
		return false, nil
	}
	b.tried = now
	days := due[max(len(due)-b.cfg.MaxDays, 0):]
	return len(days) < len(due), b.verify(ctx, days)
}

// due lists the days to verify that have not changed since the last look, and tells when the last verification was.
func (b *Background) due(ctx context.Context) (days []rollcall.Date, at int64, err error) {
	head, err := headOf(ctx, b.deps.Store)
	if err != nil {
		return nil, 0, err
	}
	kept, err := b.deps.Store.Verified(ctx)
	if err != nil {
		return nil, 0, err
	}
	s := StandingOf(head, kept, b.cfg.OldestDay(b.deps.Now().UnixMilli()), b.cfg.Calendar.Date(b.deps.Now().UnixMilli()))
	versions := map[rollcall.Date]uint64{}
	for _, d := range s.Pending {
		versions[d] = head.Stamp(store.DayClock, block.Period(d))
		if b.before[d] == versions[d] {
			days = append(days, d)
		}
	}
	b.before = versions
	return days, s.At, nil
}

func headOf(ctx context.Context, s store.Viewer) (*store.Head, error) {
	view, err := s.View(ctx)
	if err != nil {
		return nil, err
	}
	return view.Head(), view.Close()
}

func (b *Background) verify(ctx context.Context, days []rollcall.Date) error {
	b.set(BackgroundState{Running: true})
	cfg := b.cfg.Config
	cfg.Days, cfg.Limit = Days{Dates: days}, 20
	p := &pace{share: b.cfg.Share, since: time.Now()}
	start := b.deps.Now()
	r, err := Run(ctx, cfg, Deps{Source: b.deps.Source, Store: b.deps.Store, Now: b.deps.Now, Pace: p.wait})
	if err != nil {
		return err
	}
	now := b.deps.Now()
	found := r.Verified(days, now.UnixMilli(), now.Sub(start).Milliseconds())
	if err := b.deps.Store.SetVerified(ctx, found); err != nil {
		return err
	}
	state := BackgroundState{}
	if len(r.Unverified) > 0 {
		state.Unverified = r.Unverified[0]
	}
	b.set(state)
	b.tell(r, found)
	return nil
}

// tell logs what was found.
func (b *Background) tell(r *Report, found []store.Verified) {
	for _, v := range found {
		if v.Differences == 0 {
			continue
		}
		_, first := r.Of(v.Day)
		shown := make([]string, 0, toldDifferences)
		for i := range first[:min(len(first), toldDifferences)] {
			shown = append(shown, first[i].String())
		}
		day := v.Day.String()
		if v.Day == store.WholeLog {
			day = "of the whole log"
		}
		b.deps.Logger.Error("the store differs from the log: run rollcall verify --days with it, then rollcall rebuild --days", "day", day, "differences", v.Differences, "first", shown)
	}
	b.deps.Logger.Info("verified closed days", "days", len(found)-1, "differences", r.Different(), "seconds", r.Seconds)
}

// toldDifferences is how many differences of a day are logged.
const toldDifferences = 5

// String names a difference in one line.
func (d *Difference) String() string {
	text := d.What
	if d.Shard != nil {
		text += fmt.Sprintf(" shard %d", *d.Shard)
	}
	for _, part := range []string{d.Grain, d.Bucket} {
		if part != "" {
			text += " " + part
		}
	}
	for _, v := range d.Values {
		text += fmt.Sprintf(" %s=%q", v.Dimension, v.Value)
	}
	return fmt.Sprintf("%s: %s is %v, should be %v", text, d.Figure, d.Found, d.Expected)
}

// pace keeps work to a share of one core: after some work it waits so much longer. It is for one goroutine.
type pace struct {
	share float64
	since time.Time // when the work began that was not rested from
}

// restAfter is how long is worked before a rest.
const restAfter = 5 * time.Millisecond

func (p *pace) wait(ctx context.Context) error {
	worked := time.Since(p.since)
	if worked < restAfter {
		return ctx.Err()
	}
	rest := time.NewTimer(time.Duration(float64(worked) * (1/p.share - 1)))
	defer rest.Stop()
	select {
	case <-rest.C:
		p.since = time.Now()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
