package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall"
	"rollcall/block"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/store"
)

// Config is what the figures depend on besides the events, as it was when they were folded, and what to compare.
type Config struct {
	Cuboids  []rollcall.Cuboid
	Calendar rollcall.Calendar
	Gap      time.Duration
	Passive  []string
	Earlier  []rollcall.Rule   // that sessions of before are made by, by rising Until
	Renamed  map[string]string // dimensions by the names they had before
	// These are needed where the store did not keep yet which rows were late, and what was in force.
	LateHorizon                    time.Duration // 0 for no limit
	MinuteRetention, HourRetention time.Duration

	// DayRetention is how long the cells of days are kept, by the day's date; 0 for ever. Older days are not recounted.
	DayRetention time.Duration

	Days  Days
	Limit int // differences of a kind that the Report lists; the others are counted
	// PassEvents is how many events of a shard are counted at a time; 0 for 32 Mi, which take some 2 GiB.
	PassEvents int64
	Workers    int // shards counted at a time; 0 for one a core, at most four
	// Brief holds no view of the store open: what is committed to meanwhile is told as moved, and not compared.
	Brief bool
}

// Days says which days to recount: all of them, those named, or a sample. Otherwise none.
type Days struct {
	All    bool
	Dates  []rollcall.Date
	Sample int    // this many that have data, the newest whole one among them
	Seed   uint64 // of the sample
}

// Deps are what a verification reads.
type Deps struct {
	Source Source
	Store  store.Viewer
	Now    func() time.Time
	// Progress is told which part of the work is done, from 0 to 1 or so, by several goroutines; nil for nobody.
	Progress func(done float64)
	// Pace is called after each small piece of work, and may wait; nil for no pause.
	Pace func(ctx context.Context) error
}

const (
	defaultPass = 32 << 20
	maxWorkers  = 4 // by default: shards counted at a time, each with the memory of a pass
)

// run is one verification.
type run struct {
	cfg      Config
	progress func(events int)
	pace     func(ctx context.Context) error
	source   Source
	view     figures
	head     *store.Head
	now      int64
	values   *values
	picked   map[rollcall.Date]bool
	stored   map[int][]store.LedgerRow // by shard
	limits   [][]record.Limits         // by shard, in the order of its log: at least one
	gone     [2]int64                  // minutes and hours before these times (Unix ms) may have been deleted
	first    map[int]rollcall.Offset   // of each shard that is whole

	mu       sync.Mutex
	caps     map[rollcall.Date]*dateFacts
	expected map[block.CellKey][]*block.Cells
	suspects []rollcall.Date // rising: of which the ledger differs
	report   *Report
}

// Run compares the newest committed state of the store with the log below its offsets. It changes nothing and may run
// beside a writer. The error tells why it could not be done; what differs is in the Report.
func Run(ctx context.Context, cfg Config, deps Deps) (*Report, error) {
	view, err := openView(ctx, cfg.Brief, deps.Store)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { _ = view.Close() }()
	start := deps.Now()
	r := newRun(cfg, deps, view, start)
	if err := r.verify(ctx); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	r.report.finish(deps.Now().Sub(start))
	return r.report, nil
}

func openView(ctx context.Context, short bool, s store.Viewer) (figures, error) {
	if short {
		return newBrief(ctx, s)
	}
	return s.View(ctx)
}

func newRun(cfg Config, deps Deps, view figures, now time.Time) *run {
	if cfg.PassEvents == 0 {
		cfg.PassEvents = defaultPass
	}
	if cfg.Workers == 0 {
		cfg.Workers = min(runtime.GOMAXPROCS(0), maxWorkers)
	}
	if deps.Pace == nil {
		deps.Pace = context.Cause
	}
	head := view.Head()
	r := &run{cfg: cfg, source: deps.Source, view: view, head: head, now: now.UnixMilli(), values: newValues(head.Dimensions, head.Values),
		stored: map[int][]store.LedgerRow{}, first: map[int]rollcall.Offset{}, caps: map[rollcall.Date]*dateFacts{}, expected: map[block.CellKey][]*block.Cells{},
		report: newReport(head, cfg.Limit), pace: deps.Pace}
	r.progress = r.meter(deps.Progress)
	return r
}

// meter gives what is told of events that were read or recounted, in any shard.
func (r *run) meter(told func(done float64)) func(events int) {
	if told == nil {
		return func(int) {}
	}
	total := int64(0)
	for i := range r.head.Shards {
		p := &r.head.Shards[i]
		total += (p.Accepted + p.Duplicates + p.Late) * r.passes(p)
		if d := &r.cfg.Days; d.All || len(d.Dates) > 0 || d.Sample > 0 {
			total += p.Accepted
		}
	}
	var done atomic.Int64
	return func(n int) { told(float64(done.Add(int64(n))) / float64(total)) }
}

// passes is how many times a shard is read, for a part of its users each.
func (r *run) passes(p *store.Position) int64 { return 1 + (p.Accepted+p.Duplicates)/r.cfg.PassEvents }

func (r *run) verify(ctx context.Context) error {
	rows, err := r.view.Ledger(ctx, math.MinInt64, math.MaxInt64, false)
	if err != nil {
		return err
	}
	for _, row := range rows {
		r.stored[row.Shard] = append(r.stored[row.Shard], row)
	}
	if err := r.readLimits(ctx); err != nil {
		return err
	}
	whole, err := r.wholeShards(ctx)
	if err != nil {
		return err
	}
	r.choose(len(whole) == len(r.head.Shards))
	if err := r.readCaps(ctx); err != nil {
		return err
	}
	if err := r.countShards(ctx, whole); err != nil {
		return err
	}
	return r.compareCells(ctx)
}

// wholeShards tells which shards the source has from their first event on, and up to where.
func (r *run) wholeShards(ctx context.Context) (until map[int]rollcall.Offset, err error) {
	until = map[int]rollcall.Offset{}
	begun := errors.New("the first batch is there")
	for _, p := range r.head.Shards {
		next, err := r.source.Next(ctx, p.Shard)
		if err != nil {
			return nil, err
		}
		if next < p.Offset {
			r.lostEnd(p.Shard, p.Offset, next)
		}
		until[p.Shard] = min(next, p.Offset)
		err = r.source.Read(ctx, p.Shard, until[p.Shard], func(b *Batch) error {
			r.first[p.Shard] = b.Offset
			return begun
		})
		if errors.Is(err, eventlog.ErrTrimmed) {
			delete(until, p.Shard)
			r.unverified("shard %d: %v", p.Shard, err)
		} else if err != nil && !errors.Is(err, begun) {
			return nil, err
		}
	}
	return until, nil
}

// countShards counts the shards that are whole, and compares their ledgers and user sets.
func (r *run) countShards(ctx context.Context, until map[int]rollcall.Offset) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.cfg.Workers)
	seed := rand.Uint64()
	for _, p := range r.head.Shards {
		if end, ok := until[p.Shard]; ok {
			g.Go(func() error { return r.newShard(p.Shard, end, seed).verify(ctx) })
		}
	}
	return g.Wait()
}

func (s *shard) verify(ctx context.Context) error {
	if err := s.findMarks(ctx); err != nil {
		return err
	}
	for pass := range s.parts {
		if err := s.scan(ctx, pass); err != nil {
			return err
		}
		s.seen = nil
		if s.recounts() && len(s.events) > 0 {
			if err := s.recount(ctx); err != nil {
				return err
			}
		}
		s.columns = columns{}
	}
	s.compareLedger()
	return s.compareSets(ctx)
}
