package apptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"rollcall/simtest"
)

// Client talks to a server.
type Client struct{ URL string }

// Reply is an HTTP reply, read to its end.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Accepted is what POST /v1/events answers.
type Accepted struct {
	Accepted           int  `json:"accepted"`
	DuplicatesPossible bool `json:"duplicates_possible"`
	Rejected           []struct {
		Index  int    `json:"index"`
		Reason string `json:"reason"`
	} `json:"rejected"`
}

// Send makes one request. The error is that of the transport only.
func (c Client) Send(method, path string, params url.Values, header map[string]string, body []byte) (Reply, error) {
	req, err := http.NewRequest(method, c.URL+path+"?"+params.Encode(), bytes.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := http.Client{Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	return Reply{resp.StatusCode, resp.Header, read}, err
}

// Get is Send for GET.
func (c Client) Get(path string, params url.Values) (Reply, error) {
	return c.Send(http.MethodGet, path, params, nil, nil)
}

// Post sends a body of events, which has to be answered with 202.
func (c Client) Post(body []byte, header map[string]string) (a Accepted, err error) {
	reply, err := c.Send(http.MethodPost, "/v1/events", nil, header, body)
	if err != nil {
		return a, err
	}
	if reply.Status != http.StatusAccepted {
		return a, fmt.Errorf("status %d: %s", reply.Status, reply.Body)
	}
	return a, json.Unmarshal(reply.Body, &a)
}

// Query asks GET /api/v1/query.
func (c Client) Query(q *simtest.Query, loc *time.Location) ([]simtest.Row, error) {
	reply, err := c.Get("/api/v1/query", q.Params(loc))
	if err != nil {
		return nil, err
	}
	if reply.Status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", reply.Status, reply.Body)
	}
	return Rows(reply.Body)
}

// Retention asks GET /api/v1/retention.
func (c Client) Retention(q *simtest.Cohorts, loc *time.Location) ([]simtest.Row, error) {
	reply, err := c.Get("/api/v1/retention", q.Params(loc))
	if err == nil && reply.Status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", reply.Status, reply.Body)
	}
	if err != nil {
		return nil, err
	}
	return simtest.CohortRows(reply.Body)
}

// Rows reads the rows of a JSON reply, and sees to it that the reply says what it has to.
func Rows(body []byte) ([]simtest.Row, error) {
	var reply struct {
		Rows  []simtest.Row `json:"rows"`
		Exact *bool         `json:"exact"`
		Build *int          `json:"build"`
		AsOf  *string       `json:"as_of"`
		Late  *int          `json:"late"`
		Dups  *int          `json:"duplicates"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, fmt.Errorf("%w in %s", err, body)
	}
	if reply.Rows == nil || reply.Exact == nil || !*reply.Exact || reply.Build == nil || reply.Late == nil || reply.Dups == nil {
		return nil, fmt.Errorf("incomplete reply: %s", body)
	}
	return reply.Rows, nil
}

// Counts is a part of GET /api/v1/status.
type Counts struct {
	Accepted   int64
	Duplicates int64
	Commits    int64  `json:"commits_since_start"`
	Lag        *int64 // null: the log can't be asked
	Source     struct{ Gaps, Missed int64 }
}

func (c Client) counts() (s Counts, err error) {
	reply, err := c.Get("/api/v1/status", nil)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(reply.Body, &s); err != nil {
		return s, fmt.Errorf("status %d: %w in %s", reply.Status, err, reply.Body)
	}
	return s, nil
}

// Committed waits until everything in the log is in the figures.
func (c Client) Committed() error {
	return c.Until(func() (bool, error) {
		status, err := c.counts()
		return status.Lag != nil && *status.Lag == 0, err
	})
}

// Until looks again and again until something is so.
func (c Client) Until(so func() (bool, error)) error {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	late := time.After(patience)
	for {
		if ok, err := so(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-late:
			return errors.New("nothing changed in " + patience.String())
		}
	}
}
