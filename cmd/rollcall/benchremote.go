package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall/generate"
	"rollcall/query"
)

// remoteTarget measures a server over HTTP.
type remoteTarget struct {
	client *client
	turn   atomic.Int64 // makes each warm question another one
	one    *connection  // of the warm questions
}

func newRemoteTarget(address, key string) (*remoteTarget, error) {
	c, err := newClient(address, key)
	if err != nil {
		return nil, err
	}
	t := &remoteTarget{client: c}
	t.turn.Store(time.Now().UnixNano() % 1e9)
	return t, nil
}

func (t *remoteTarget) server() *client { return t.client }
func (t *remoteTarget) modes() []string { return []string{modeWarm, modeRepeated} }

func (t *remoteTarget) close() error {
	t.client.http.CloseIdleConnections()
	if t.one == nil {
		return nil
	}
	return t.one.Close()
}

func (t *remoteTarget) dataset(ctx context.Context) (*dataset, error) {
	var days []query.DailyMetric
	if err := t.fetch(ctx, reportPath, nil, &days); err != nil {
		return nil, err
	}
	dims, err := t.dimensions(ctx)
	if err != nil {
		return nil, err
	}
	values := make([][]query.DimensionValue, len(dims))
	for i, name := range dims {
		var found struct {
			Values []query.DimensionValue `json:"values"`
		}
		if err := t.fetch(ctx, dimensionsPath+"/"+url.PathEscape(name), url.Values{"limit": {fmt.Sprint(seen)}}, &found); err != nil {
			return nil, err
		}
		values[i] = found.Values
	}
	return newDataset(days, dims, values)
}

func (t *remoteTarget) dimensions(ctx context.Context) ([]string, error) {
	var names struct {
		Dimensions []string `json:"dimensions"`
	}
	err := t.fetch(ctx, dimensionsPath, nil, &names)
	return names.Dimensions, err
}

func (t *remoteTarget) fetch(ctx context.Context, path string, values url.Values, into any) error {
	body, err := t.client.get(ctx, path, values)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reply of %s%s: %w", t.client.base, path, err)
	}
	return nil
}

// ask has the engine work: a query is varied so that no finished answer serves it.
func (t *remoteTarget) ask(ctx context.Context, _ string, q *question) (r reply, err error) {
	values := q.values
	if q.path == queryPath {
		values = varied(values, t.turn.Add(1))
	}
	request, err := t.client.plain(ctx, q.path, values)
	if err != nil {
		return r, err
	}
	if t.one == nil {
		if t.one, err = dial(ctx, t.client.base); err != nil {
			return r, err
		}
	}
	start := time.Now()
	err = t.one.exchange(request)
	r.whole = time.Since(start)
	return r, err
}

func (t *remoteTarget) ingest(dims []string) (sink, func(context.Context) error) {
	to := &lineSink{json: generate.NewJSON(dims), send: func(ctx context.Context, b []byte) error {
		_, err := t.client.post(ctx, b, "")
		return err
	}}
	return to, func(ctx context.Context) error {
		if _, err := t.client.caughtUp(ctx); err != nil {
			return err
		}
		return pause(ctx, compactEvery+500*time.Millisecond) // until the server has compacted what came
	}
}

// varied gives the parameters of a query in a form that means the same and was not asked before.
func varied(values url.Values, n int64) url.Values {
	v := url.Values{"limit": {strconv.FormatInt(1<<30+n, 10)}}
	for name, list := range values {
		v[name] = list
	}
	return v
}
