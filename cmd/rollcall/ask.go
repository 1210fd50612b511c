package main

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// asking is where a question goes: to a server, or to the data directory.
type asking struct {
	Server string `help:"Ask a running server at this address." placeholder:"URL"`
	Key    string `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY"`
}

// request is one that a server answers as well as a node of this process.
type request interface {
	// path and values are the request as a server takes it.
	path() string
	values() (url.Values, error)
	// local answers it from a node.
	local(e *world, n *node, values url.Values) error
	// show shows the reply of a server.
	show(e *world, body []byte) error
}

func (a *asking) ask(e *world, s *Settings, q request) error {
	cfg, err := s.config(e.environ)
	if err != nil {
		return err
	}
	values, err := q.values()
	if err != nil {
		return err
	}
	if a.Server != "" {
		return a.remote(e, q, values)
	}
	n, err := openAnswers(e, cfg)
	if err != nil {
		return err
	}
	return errors.Join(q.local(e, n, values), n.close())
}

func (a *asking) remote(e *world, q request, values url.Values) error {
	cl, err := newClient(a.Server, a.Key)
	if err != nil {
		return err
	}
	body, err := cl.get(e.ctx, q.path(), values)
	if err != nil {
		return err
	}
	return q.show(e, body)
}

// complete waits until all that is in the log is committed, and gives the instant through which that is everything: nobody else writes
// to the log.
func (n *node) complete(ctx context.Context) (time.Time, error) {
	now := time.Now()
	return now.In(n.calendar.Location()), n.caughtUp(ctx)
}

// set sets the parameters of a request that were given.
func set(v url.Values, given map[string]string) {
	for name, value := range given {
		if value != "" {
			v.Set(name, value)
		}
	}
}
