package query

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"rollcall"
	"rollcall/cache"
	"rollcall/store"
)

// Config is what answers depend on besides the store.
type Config struct {
	Dimensions []string          // configured order
	Cuboids    []rollcall.Cuboid // materialised, smallest first; the last keeps all dimensions
	Calendar   rollcall.Calendar
	// Minute and hour cells exist for events younger than this. Defaults 48 h and 90 days.
	MinuteRetention, HourRetention time.Duration
	MaxRows                        int              // of a reply; default 1,000,000
	MaxCost                        int64            // cells and members of user sets that an answer may read; 0 for any
	Now                            func() time.Time // default time.Now
	// Builds lists the builds of the figures, for explanations; nil where there is but one.
	Builds func(ctx context.Context) ([]store.Build, error)
}

// Engine answers requests. It is safe for concurrent use.
type Engine struct {
	cfg       Config
	cache     *cache.Cache
	maxUnited int
	making    singleflight.Group // answers, by tag
	recent    recent
	values    dictionary
}

// maxUnited is the most groups whose daily unions are kept for the next question.
const maxUnited = 32

// New makes an engine that reads through a cache.
func New(cfg Config, c *cache.Cache) *Engine {
	orDefault(&cfg.MinuteRetention, 48*time.Hour)
	orDefault(&cfg.HourRetention, 90*24*time.Hour)
	orDefault(&cfg.MaxRows, 1_000_000)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Engine{cfg: cfg, cache: c, maxUnited: maxUnited}
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Dimensions lists the configured dimensions.
func (e *Engine) Dimensions() []string { return e.cfg.Dimensions }

// Query answers a request from one view. Errors: *BadRequest, what the store reports, or the context's.
func (e *Engine) Query(ctx context.Context, req *Request) (res *Result, err error) {
	err = e.cache.Read(ctx, func(v *cache.View) error {
		p, err := e.plan(req, v.Head())
		if err != nil {
			return err
		}
		res, err = p.run(ctx, v, e.cache.Memory())
		return err
	})
	return res, err
}

func (p *plan) run(ctx context.Context, view *cache.View, memory *cache.Memory) (*Result, error) {
	if err := p.rank(ctx, view, memory); err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, view: view, memory: memory, plan: p, table: newTable(newGroups(p))}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.result()
}

// read gives figures to the rows.
func (r *reader) read() error {
	for _, step := range []func() error{r.readCells, r.fill, r.countActive} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// reader answers one plan from one view.
type reader struct {
	ctx    context.Context
	view   *cache.View
	memory *cache.Memory
	plan   *plan
	table  *table
}
