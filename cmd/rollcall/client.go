package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// patience is how long a client tries again before it gives up.
const patience = 2 * time.Minute

// client talks to a running server.
type client struct {
	base   *url.URL
	key    string
	http   http.Client
	packer *zstd.Encoder
	packed []byte
}

func newClient(address, key string) (*client, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" {
		return nil, usageError(fmt.Sprintf("--server %q: give an address such as http://localhost:8080", address))
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &client{base: base, key: key, http: http.Client{Timeout: time.Minute}, packer: packer}, nil
}

// accepted is a server's reply to events.
type accepted struct {
	Accepted int64 `json:"accepted"`
	Rejected []struct {
		Index  int    `json:"index"`
		Reason string `json:"reason"`
	} `json:"rejected"`
	RejectedTotal int64 `json:"rejected_total"`
}

func (a *accepted) rejected() int64 { return max(a.RejectedTotal, int64(len(a.Rejected))) }

// post sends lines until the server has them durably. The idempotency key makes sending them again harmless.
func (c *client) post(ctx context.Context, lines []byte, idempotency string) (accepted, error) {
	c.packed = c.packer.EncodeAll(lines, c.packed[:0])
	deadline := time.Now().Add(patience)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		reply, wait, err := c.postOnce(ctx, idempotency)
		if err == nil || wait < 0 || time.Now().After(deadline) || ctx.Err() != nil {
			return reply, err
		}
		select {
		case <-time.After(max(pause, wait)):
		case <-ctx.Done():
			return reply, ctx.Err()
		}
	}
}

// postOnce gives how long the server asks to wait, and a negative time for an error that stays.
func (c *client) postOnce(ctx context.Context, idempotency string) (reply accepted, wait time.Duration, err error) {
	// An interrupt lets the request finish: its outcome is known then.
	req, err := c.request(context.WithoutCancel(ctx), http.MethodPost, "/v1/events", nil, bytes.NewReader(c.packed))
	if err != nil {
		return reply, -1, err
	}
	req.Header.Set("Content-Encoding", "zstd")
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", idempotency)
	resp, err := c.http.Do(req)
	if err != nil {
		return reply, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	switch {
	case err != nil:
		return reply, 0, err
	case resp.StatusCode == http.StatusAccepted:
		if err := json.Unmarshal(body, &reply); err != nil {
			return reply, -1, fmt.Errorf("reply of %s: %w", c.base, err)
		}
		return reply, 0, nil
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return reply, time.Duration(seconds) * time.Second, refused(c.base, resp.Status, body)
	default:
		return reply, -1, refused(c.base, resp.Status, body)
	}
}

// get fetches a path; the reply must be 200.
func (c *client) get(ctx context.Context, path string, values url.Values) ([]byte, error) {
	req, err := c.request(ctx, http.MethodGet, path, values, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = refused(c.base, resp.Status, body)
	}
	return body, err
}

func (c *client) request(ctx context.Context, method, path string, values url.Values, body io.Reader) (*http.Request, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err == nil && c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	return req, err
}

// refused turns a server's problem document into an error; 400 is wrong use.
func refused(base *url.URL, status string, body []byte) error {
	var p struct {
		Detail string `json:"detail"`
	}
	text := strings.TrimSpace(string(body[:min(len(body), 500)]))
	if json.Unmarshal(body, &p) == nil && p.Detail != "" {
		text = p.Detail
	}
	if strings.HasPrefix(status, "400") {
		return usageError(text)
	}
	return errors.New(base.String() + " answers " + status + ": " + text)
}

func (c *client) status(ctx context.Context) (s nodeStatus, err error) {
	body, err := c.get(ctx, "/api/v1/status", nil)
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil {
		return s, fmt.Errorf("status of %s: %w", c.base, err)
	}
	return s, nil
}

// caughtUp waits until the server has committed everything that is in its log now.
func (c *client) caughtUp(ctx context.Context) (s nodeStatus, err error) {
	goal, err := c.status(ctx)
	if err != nil {
		return s, err
	}
	for {
		if s, err = c.status(ctx); err != nil || s.reached(&goal) {
			return s, err
		}
		if goal.Lag == nil { // its log could not be asked
			goal = s
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}
