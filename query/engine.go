package query

import (
	"context"
	"errors"
	"time"

	"rollcall"
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
	Now                            func() time.Time // default time.Now
}

// Engine answers requests. It is safe for concurrent use.
type Engine struct {
	cfg    Config
	viewer store.Viewer
}

// New makes an engine that reads through viewer.
func New(cfg Config, viewer store.Viewer) *Engine {
	orDefault(&cfg.MinuteRetention, 48*time.Hour)
	orDefault(&cfg.HourRetention, 90*24*time.Hour)
	orDefault(&cfg.MaxRows, 1_000_000)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Engine{cfg, viewer}
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
	view, err := e.viewer.View(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	p, err := e.plan(req, view.Head())
	if err != nil {
		return nil, err
	}
	return p.run(ctx, view)
}

// Tag names the answer to a request as the store is now: two equal tags mean equal rows. It reads no block.
func (e *Engine) Tag(ctx context.Context, req *Request) (tag string, err error) {
	view, err := e.viewer.View(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	p, err := e.plan(req, view.Head())
	if err != nil {
		return "", err
	}
	return p.tag(), nil
}

func (p *plan) run(ctx context.Context, view store.View) (*Result, error) {
	if err := p.rank(ctx, view); err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, view: view, plan: p, table: newTable(newGroups(p))}
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.result()
}

// read gives figures to the rows.
func (r *reader) read() error {
	for _, step := range []func() error{r.readCells, r.countActive, r.fill, r.countTrailing} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// reader answers one plan from one view.
type reader struct {
	ctx   context.Context
	view  store.View
	plan  *plan
	table *table
}
