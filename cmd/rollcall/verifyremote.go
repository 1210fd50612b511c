package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"rollcall/api"
	"rollcall/verify"
)

// servedPass is how many events of a shard a server counts at a time: some 512 MiB.
const servedPass = 8 << 20

// askVerify answers POST /api/v1/verify: on one core, without a transaction that stays open.
func (n *node) askVerify(r *api.VerifyRequest) (func(context.Context, func(float64)) (any, error), error) {
	c := verifyCmd{LedgerOnly: r.LedgerOnly, Days: r.Days, All: r.All, Sample: r.Sample, Seed: r.Seed, Limit: r.Limit}
	if c.Limit == 0 {
		c.Limit = 20
	}
	given := 0
	for _, is := range []bool{r.LedgerOnly, len(r.Days) > 0, r.All, r.Sample != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return nil, errors.New("give one of days, all, sample and ledger_only")
	}
	days, err := c.days()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tell func(float64)) (any, error) {
		cfg := n.verifyConfig()
		cfg.Days, cfg.Limit, cfg.Brief, cfg.Workers, cfg.PassEvents = days, c.Limit, true, 1, servedPass
		return verify.Run(ctx, cfg, verify.Deps{Source: wholeLog{n}, Store: n.store, Now: time.Now, Progress: tell})
	}, nil
}

// serverOf gives the address of the server that holds a data directory; "" for none.
func serverOf(dir string) string {
	body, err := os.ReadFile(filepath.Join(dir, servedAt))
	var s serverFile
	if err != nil || json.Unmarshal(body, &s) != nil {
		return ""
	}
	return s.Address
}

// remote has a server verify.
func (c *verifyCmd) remote(e *world, address string) (*verify.Report, error) {
	cl, err := newClient(address, c.Key)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(api.VerifyRequest{Days: c.Days, All: c.All, Sample: c.Sample, Seed: c.Seed, LedgerOnly: c.LedgerOnly, Limit: c.Limit})
	if err != nil {
		return nil, err
	}
	req, err := cl.request(e.ctx, http.MethodPost, "/api/v1/verify", nil, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: cl.http.Transport}).Do(req) // it may take hours
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return nil, errors.Join(refused(cl.base, resp.Status, text), err)
	}
	report, err := readVerify(e, resp.Body)
	if err != nil {
		return nil, fmt.Errorf("verify on %s: %w", cl.base, err)
	}
	return report, nil
}

// readVerify shows the progress until the report comes.
func readVerify(e *world, from io.Reader) (*verify.Report, error) {
	const whole = 10_000
	var done atomic.Int64
	m := newMeter(e.err, whole, false, done.Load)
	m.parts = true
	defer m.end()
	lines := bufio.NewReader(from)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("the server ended before it was done: %w", err)
		}
		var line struct {
			Progress *float64       `json:"progress"`
			Report   *verify.Report `json:"report"`
			Error    string         `json:"error"`
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&line); err != nil {
			return nil, fmt.Errorf("the server's reply: %w", err)
		}
		switch {
		case line.Error != "":
			return nil, errors.New(line.Error)
		case line.Report != nil:
			return line.Report, nil
		case line.Progress != nil:
			done.Store(int64(*line.Progress * whole))
		}
	}
}
