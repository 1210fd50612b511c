package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/api"
	"rollcall/cache"
	"rollcall/query"
)

// localTarget measures a data directory in this process. Repeated questions go to a server on a loopback address that is
// part of the process, so that client and server share its cores.
type localTarget struct {
	node     *node
	http     *http.Server
	client   *client
	stop     context.CancelFunc
	followed chan struct{} // nobody looks for commits any more
}

func newLocalTarget(e *world, cfg Config, fold bool) (*localTarget, error) {
	start := openAnswers
	if fold {
		start = openExisting
	}
	n, err := start(e, cfg)
	if err != nil {
		return nil, err
	}
	t := &localTarget{node: n, followed: make(chan struct{})}
	ctx, stop := context.WithCancel(context.WithoutCancel(e.ctx))
	t.stop = stop
	go t.follow(ctx)
	err = n.caughtUp(e.ctx)
	if err == nil {
		err = t.listen()
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// follow looks for commits when there is no aggregator that has it done.
func (t *localTarget) follow(ctx context.Context) {
	defer close(t.followed)
	if t.node.aggregator == nil {
		t.node.report(ctx, "follow the commits", t.node.cache.Run(ctx))
	}
}

func (t *localTarget) listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fresh := time.Now
	if t.node.aggregator != nil {
		fresh = t.node.freshness
	}
	t.http = &http.Server{Handler: api.New(api.Config{Engine: t.node.engine, Freshness: fresh, Logger: t.node.logger}), ReadHeaderTimeout: time.Minute}
	go func() { _ = t.http.Serve(l) }() // it ends with an error, that of being closed
	t.client, err = newClient(l.Addr().String(), "")
	return err
}

func (t *localTarget) close() (err error) {
	if t.client != nil {
		t.client.http.CloseIdleConnections()
	}
	if t.http != nil {
		err = t.http.Close()
	}
	t.stop()
	<-t.followed
	return errors.Join(err, t.node.close())
}

func (t *localTarget) server() *client { return t.client }
func (t *localTarget) modes() []string { return []string{modeWarm, modeCold, modeRepeated} }

func (t *localTarget) dimensions(context.Context) ([]string, error) {
	return t.node.engine.Dimensions(), nil
}

func (t *localTarget) dataset(ctx context.Context) (*dataset, error) {
	days, err := t.node.engine.Metrics(ctx, url.Values{})
	if err != nil {
		return nil, err
	}
	dims := t.node.engine.Dimensions()
	values := make([][]query.DimensionValue, len(dims))
	for i, name := range dims {
		if values[i], err = t.node.engine.Values(ctx, name, "", seen); err != nil {
			return nil, err
		}
	}
	return newDataset(days, dims, values)
}

func (t *localTarget) ask(ctx context.Context, mode string, q *question) (reply, error) {
	engine := t.node.engine
	if mode == modeCold {
		engine = t.emptyEngine()
	}
	switch q.path {
	case queryPath:
		return askQuery(ctx, engine, q.values)
	case reportPath:
		return timed(func() ([]query.DailyMetric, error) { return engine.Metrics(ctx, q.values) })
	default:
		name := strings.TrimPrefix(q.path, dimensionsPath+"/")
		return timed(func() ([]query.DimensionValue, error) { return engine.Values(ctx, name, q.values.Get("search"), 100) })
	}
}

// emptyEngine gives an engine that has nothing in memory yet.
func (t *localTarget) emptyEngine() *query.Engine {
	c := &t.node.cfg
	empty := cache.New(cache.Config{Bytes: c.CacheMemory, Poll: c.CachePoll, Cuboids: rollcall.Cuboids(len(c.Dimensions))},
		cache.Deps{Store: t.node.store, Logger: t.node.logger, Now: time.Now})
	return query.New(t.node.engineConfig(), empty)
}

func askQuery(ctx context.Context, engine *query.Engine, values url.Values) (r reply, err error) {
	start := time.Now()
	request, err := query.ParseValues(values)
	if err != nil {
		return r, err
	}
	result, err := engine.Query(ctx, request)
	if err != nil {
		return r, err
	}
	r.answer = time.Since(start)
	err = result.WriteJSON(io.Discard)
	r.whole = time.Since(start)
	return r, err
}

// timed measures an answer that is a list.
func timed[T any](answer func() ([]T, error)) (r reply, err error) {
	start := time.Now()
	list, err := answer()
	if err != nil {
		return r, err
	}
	r.answer = time.Since(start)
	err = json.MarshalWrite(io.Discard, list)
	r.whole = time.Since(start)
	return r, err
}

func (t *localTarget) ingest([]string) (sink, func(context.Context) error) {
	return newFeed(t.node), func(ctx context.Context) error {
		if err := t.node.caughtUp(ctx); err != nil {
			return err
		}
		_, err := t.node.store.Compact(ctx, false, aggregate.MergeState)
		return err
	}
}
