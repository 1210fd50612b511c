package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/api"
	"rollcall/rebuild"
)

// remake asks a server for a rebuild or rollback, and shows how far it is. An interrupt leaves the server at work.
func remake(e *world, address, key string, o api.RebuildRequest) error {
	c, err := newClient(address, key)
	if err != nil {
		return err
	}
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := c.send(e.ctx, "/api/v1/rebuild", body); err != nil {
		return err
	}
	last := ""
	for {
		state, err := c.builds(e.ctx)
		if e.ctx.Err() != nil {
			return errors.New("the server goes on with it: rollcall status tells how far it is")
		}
		if err != nil {
			return fmt.Errorf("rebuild at %s: %w", address, err)
		}
		r := state.Rebuild
		if r == nil {
			return fmt.Errorf("the server at %s was restarted: ask again to go on", address)
		}
		switch r.State {
		case "running":
			line := remakeProgress{rebuild.Phase(r.Phase), r.Build, r.Events, r.Total, r.SecondsLeft}.line()
			if line != last && r.Build > 0 {
				fmt.Fprintln(e.err, line)
				last = line
			}
		case "done":
			_, err := fmt.Fprintf(e.out, "build %d is active: %s events\n", r.Build, humanize.Comma(r.Events))
			return err
		default:
			return fmt.Errorf("the rebuild was %s: %s", r.State, r.Error)
		}
		select {
		case <-time.After(askAgain):
		case <-e.ctx.Done():
		}
	}
}

// askAgain is the pause between two questions of how far a server is.
const askAgain = time.Second

func (c *client) builds(ctx context.Context) (state api.BuildsState, err error) {
	body, err := c.get(ctx, "/api/v1/builds", nil)
	if err == nil {
		err = json.Unmarshal(body, &state)
	}
	return state, err
}

// send posts a JSON body; the reply must be 202.
func (c *client) send(ctx context.Context, path string, body []byte) error {
	req, err := c.request(ctx, http.MethodPost, path, nil, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusAccepted {
		err = refused(c.base, resp.Status, reply)
	}
	return err
}
