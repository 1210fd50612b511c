//go:build unix

package chaostest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"rollcall/apptest"
	"rollcall/simtest"
)

// Producer sends bodies to one of several intakes until each is acknowledged, and some again after that.
type Producer struct {
	Traffic  *Traffic
	Ledger   *Ledger
	Config   *simtest.Config
	Intakes  []string      // host:port
	Pause    time.Duration // between bodies
	Most     int           // events in a body
	Timeout  time.Duration // of one request
	Patience time.Duration // for one body
	// Give, if any, is called with what was acknowledged.
	Give func(ctx context.Context, events []simtest.Logged) error
}

// againOnce in so many bodies is sent once more on purpose.
const againOnce = 8

// Run sends until ctx ends, and ends with everything that it sent acknowledged.
func (p *Producer) Run(ctx context.Context) error {
	client := &http.Client{Timeout: p.Timeout, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(p.Pause)
	defer tick.Stop()
	for ctx.Err() == nil {
		events := p.Traffic.Body(p.Most, p.Ledger.Phase())
		if err := p.deliver(client, events); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

func (p *Producer) deliver(client *http.Client, events []simtest.Logged) error {
	body, err := apptest.Lines(p.Config, events)
	if err != nil {
		return err
	}
	if err := p.insist(client, body, len(events)); err != nil {
		return err
	}
	p.Ledger.Accepted(events)
	if p.Give != nil {
		if err := p.Give(context.Background(), events); err != nil {
			return err
		}
	}
	if p.Traffic.dice.Intn(againOnce) == 0 {
		p.Ledger.Again(len(events))
		return p.insist(client, body, len(events))
	}
	return nil
}

// insist sends a body until it is acknowledged.
func (p *Producer) insist(client *http.Client, body []byte, events int) error {
	end := time.Now().Add(p.Patience)
	for {
		p.Ledger.Sent(events)
		taken, outcome, err := p.post(client, p.Intakes[p.Traffic.dice.Intn(len(p.Intakes))], body, events)
		if taken || err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("producer %s: %d events not acknowledged in %v: %s", p.Traffic.name, events, p.Patience, outcome)
		}
		<-time.After(20 * time.Millisecond) // as a client would, before it tries again
	}
}

// post makes one request. Whatever is not a 202 may be retried, except a refusal that would be one again.
func (p *Producer) post(client *http.Client, intake string, body []byte, events int) (taken bool, outcome string, err error) {
	reply, err := client.Post("http://"+intake+"/v1/events", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		p.Ledger.Unknown(events)
		return false, err.Error(), nil
	}
	defer func() { _ = reply.Body.Close() }()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		p.Ledger.Unknown(events)
		return false, err.Error(), nil
	}
	outcome = fmt.Sprintf("status %d: %s", reply.StatusCode, text)
	switch status := reply.StatusCode; {
	case status == http.StatusAccepted:
		var a apptest.Accepted
		if err := json.Unmarshal(text, &a); err != nil || a.Accepted != events || a.DuplicatesPossible {
			return false, outcome, fmt.Errorf("of %d events: %s: %w", events, outcome, err)
		}
		return true, outcome, nil
	case status == http.StatusTooManyRequests:
	case status >= 500:
		p.Ledger.Unknown(events)
	default:
		return false, outcome, fmt.Errorf("refused: %s", outcome)
	}
	return false, outcome, nil
}
