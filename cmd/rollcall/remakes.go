package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"rollcall/api"
	"rollcall/query"
	"rollcall/rebuild"
	"rollcall/store"
	"rollcall/verify"
)

// remakes are the rebuilds of a serving process, one at a time. They outlive the node that they are made on: the node of the
// new build takes its place.
type remakes struct {
	front *front

	mu      sync.Mutex
	node    *node
	ctx     context.Context
	state   *api.RebuildState
	cancel  context.CancelFunc
	ended   chan struct{}
	closed  chan struct{}      // closed for a rebuild that waits until its node is; nil when none does
	request api.RebuildRequest // the last one
	prune   bool               // once another node is there
}

var (
	_ api.Builds   = (*remakes)(nil)
	_ api.Rebuilds = (*remakes)(nil)
)

// besideServer is the rate of a rebuild beside a server that was given none: live traffic keeps most of the machine.
const besideServer = 250_000

// bind makes a node the one that works. What the last rebuild left over goes; dimensions that are recorded and not in the
// figures get a build of their own.
func (r *remakes) bind(ctx context.Context, n *node) {
	r.mu.Lock()
	r.node, r.ctx = n, ctx
	left, keep := r.prune, kept(&r.request)
	r.prune = false
	r.mu.Unlock()
	if left {
		n.report(ctx, "delete builds that are not kept", prune(ctx, n.builds, keep))
	}
	if n.embedded != nil && n.cfg.becoming != nil {
		n.logger.Info("making a build with the dimensions that are configured", "dimensions", n.cfg.becoming[keyDimensions])
		n.report(ctx, "rebuild", r.Rebuild(api.RebuildRequest{Settings: n.cfg.becoming}))
	}
}

// State tells of the builds and the rebuild.
func (r *remakes) State(ctx context.Context) (api.BuildsState, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state, err := listing{r.node}.State(ctx)
	if r.state != nil {
		now := *r.state
		state.Rebuild = &now
	}
	return state, err
}

// Rebuild begins a rebuild.
func (r *remakes) Rebuild(o api.RebuildRequest) error {
	if err := checkRemake(&o); err != nil {
		return &query.BadRequest{Param: "rebuild", Detail: err.Error()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		return api.ErrBusy
	}
	n := r.node
	want, err := wanted(&n.cfg, o.Settings)
	if err != nil {
		return err
	}
	from := *want
	if err := from.from(o.Since, &n.build); err != nil {
		return &query.BadRequest{Param: "since", Detail: err.Error()}
	}
	if o.Rate == 0 {
		o.Rate = besideServer
	}
	ctx, cancel := context.WithCancel(r.ctx)
	r.cancel, r.ended, r.request = cancel, make(chan struct{}), o
	r.state = &api.RebuildState{State: "running", Phase: string(rebuild.Folding), Started: n.stamp(time.Now())}
	go r.run(ctx, n, want, o)
	return nil
}

// wanted is a configuration with some lasting settings changed.
func wanted(c *Config, changes map[string]string) (*Config, error) {
	want := *c
	want.Dimensions, want.PassiveTypes = slices.Clone(c.Dimensions), slices.Clone(c.PassiveTypes)
	var valid []string
	left := len(changes)
	for _, s := range settings(&want) {
		if !s.lasting {
			continue
		}
		valid = append(valid, s.key)
		text, is := changes[s.key]
		if !is {
			continue
		}
		left--
		if s.key == keyRenamed { // what is said replaces what was
			want.Renamed = nil
		}
		if err := s.value.set(text); err != nil {
			return nil, &query.BadRequest{Param: s.key, Detail: err.Error()}
		}
	}
	if left > 0 {
		return nil, &query.BadRequest{Param: "settings", Detail: "a build has no such setting", Valid: valid}
	}
	if want.LogShards != c.LogShards && !c.embedded() {
		return nil, &query.BadRequest{Param: keyShards, Detail: onServers(c)}
	}
	for _, p := range check(&want) {
		return nil, &query.BadRequest{Param: p.key, Detail: p.text}
	}
	return &want, nil
}

// Cancel ends the rebuild under way.
func (r *remakes) Cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		r.cancel()
	}
}

// end ends the rebuild under way and waits for it.
func (r *remakes) end() {
	r.Cancel()
	r.mu.Lock()
	ended := r.ended
	r.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

func (r *remakes) run(ctx context.Context, n *node, want *Config, o api.RebuildRequest) {
	defer close(r.ended)
	m := &remaking{node: n, hold: n.hold, show: func(report *verify.Report) error { return n.logReport(report) }}
	if n.embedded != nil {
		m.alone = func(ctx context.Context) error { return r.alone(ctx, n) }
		m.reporter = n.holding(n.log)
		m.builds = quieted{n.builds, n, r.front}
		defer n.desk.keep(n.cfg.LogShards)()
	}
	made, before, err := m.run(ctx, want, o, func(p remakeProgress) { r.tell(p) })
	r.mu.Lock()
	r.state.Events, r.state.SecondsLeft, r.state.Ended = max(r.state.Events, m.folded()), 0, n.stamp(time.Now())
	switch {
	case err == nil:
		r.state.State, r.prune = "done", !o.Rollback
		n.logger.Info("another build is active", "build", made.Number, "before", before.Number)
	case ctx.Err() != nil:
		r.state.State = "cancelled"
	default:
		r.state.State, r.state.Error = "failed", err.Error()
		n.logger.Error("rebuild", "error", err)
	}
	r.cancel()
	r.cancel = nil
	r.mu.Unlock()
	if err == nil {
		n.retire()
	}
}

// alone ends the node, and returns when it is closed: its directory is the rebuild's until that ends.
func (r *remakes) alone(ctx context.Context, n *node) error {
	closed := make(chan struct{})
	r.mu.Lock()
	r.closed = closed
	r.mu.Unlock()
	n.retire()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave tells a rebuild that waits for it that the node is closed, and returns when that has ended.
func (r *remakes) leave() {
	r.mu.Lock()
	closed, ended := r.closed, r.ended
	r.closed = nil
	r.mu.Unlock()
	if closed != nil {
		close(closed)
		<-ended
	}
}

func (r *remakes) tell(p remakeProgress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Phase, r.state.Build, r.state.Events, r.state.Total, r.state.SecondsLeft = string(p.Phase), p.Build, p.Events, p.Total, p.Left
}

type everyBuild = store.Builds

// quieted lets nobody ask while another build becomes active.
type quieted struct {
	everyBuild
	node  *node
	front *front
}

// Activate lets the requests under way be answered first; those that come wait for the node of the new build.
func (q quieted) Activate(ctx context.Context, from, to uint32) error {
	handler := q.front.now()
	q.node.endStreams()
	drain, stop := context.WithTimeout(ctx, drainTime)
	defer stop()
	q.front.pause(drain)
	err := q.everyBuild.Activate(ctx, from, to)
	if err != nil {
		q.front.answer(handler)
	}
	return err
}

// hold keeps commits from the active build: here by giving its aggregator nothing more to fold, on servers by taking
// the shards from those that write them.
func (n *node) hold(ctx context.Context) (release func(), err error) {
	if n.embedded == nil {
		return n.fenceOthers(ctx)
	}
	return n.desk.pause(), nil
}

// logReport logs what a proof found.
func (n *node) logReport(report *verify.Report) error {
	for _, d := range report.Shown {
		n.logger.Error("the proof of the new build found a difference", "difference", d)
	}
	return nil
}

// retire ends the node, since another build is active.
func (n *node) retire() {
	n.retired.Store(true)
	if n.stop != nil {
		n.stop()
	}
}

// watched tells the node when a view is refused since another build is active.
type watched struct {
	store.Viewer
	node *node
}

func (w watched) View(ctx context.Context) (store.View, error) {
	v, err := w.Viewer.View(ctx)
	if errors.Is(err, store.ErrRetired) {
		w.node.retire()
	}
	return v, err
}

// beside opens a build that is not active.
func (n *node) beside(ctx context.Context, b store.Build) (rebuild.Handle, error) {
	return n.openBuild(ctx, b)
}

// afterAll keeps dead letters where they are looked for: in the build that is active by now, though the node is of another. There
// they are of the time since it became active, and go over with those when one goes back.
type afterAll struct{ node *node }

func (a afterAll) Quarantine(ctx context.Context, letters []store.DeadLetter) error {
	n := a.node
	err := n.store.Quarantine(ctx, letters)
	if !errors.Is(err, store.ErrRetired) {
		return err
	}
	all, err := n.builds.Builds(ctx)
	if err != nil {
		return err
	}
	active, _ := store.ActiveBuild(all)
	s, err := n.openBuild(ctx, active)
	if err != nil {
		return err
	}
	letters = slices.Clone(letters)
	for i := range letters {
		letters[i].At = max(letters[i].At, active.Activated)
	}
	err = s.Quarantine(ctx, letters)
	n.report(ctx, "close the active build", s.Close())
	return err
}
