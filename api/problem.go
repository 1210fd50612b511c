package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"rollcall/query"
	"rollcall/store"
)

// problem is the body of an error reply (RFC 9457).
type problem struct {
	Type      string   `json:"type"`
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	Parameter string   `json:"parameter,omitzero"`
	Valid     []string `json:"valid,omitempty"`
	Estimate  int64    `json:"estimate,omitzero"` // cells and user-set entries
	Limit     int64    `json:"limit,omitzero"`
}

// fail replies what went wrong. Causes that are not the client's are logged and not told.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad *query.BadRequest
	var costly *query.TooCostly
	var large *http.MaxBytesError
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError, Detail: "the figures could not be read; the server's log says why"}
	switch {
	case errors.As(err, &bad):
		p.Status, p.Detail, p.Parameter, p.Valid = http.StatusBadRequest, bad.Error(), bad.Param, bad.Valid
	case errors.As(err, &costly):
		p.Status, p.Detail, p.Estimate, p.Limit = http.StatusUnprocessableEntity, costly.Error(), costly.Estimate, costly.Limit
	case errors.As(err, &large):
		p.Status, p.Detail = http.StatusRequestEntityTooLarge, "the body is larger than "+strconv.FormatInt(large.Limit, 10)+" bytes"
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(r.Context().Err(), context.DeadlineExceeded):
		p.Status, p.Detail = http.StatusServiceUnavailable, "the answer took longer than "+s.Deadline.String()+": ask for a shorter range or fewer groups"
		w.Header().Set("Retry-After", "5")
	case errors.Is(err, store.ErrRetired):
		p.Status, p.Detail = http.StatusServiceUnavailable, "the server is going over to another build: try again"
		w.Header().Set("Retry-After", "1")
	case r.Context().Err() != nil:
		return // the client has gone
	default:
		s.Logger.Error("answer a request", "path", r.URL.Path, "query", r.URL.RawQuery, "error", err)
	}
	s.writeProblem(w, r, p)
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	var valid []string
	for _, rt := range s.routes {
		if rt.path != "" {
			valid = append(valid, rt.name())
		}
	}
	s.writeProblem(w, r, problem{Type: "about:blank", Status: http.StatusNotFound, Detail: "nothing answers " + r.Method + " " + r.URL.Path, Valid: valid})
}

func (s *server) writeProblem(w http.ResponseWriter, r *http.Request, p problem) {
	p.Title = http.StatusText(p.Status)
	body, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		body = []byte(`{"type":"about:blank","status":` + strconv.Itoa(p.Status) + `}`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, err = w.Write(append(body, '\n'))
	s.lost(r, err)
}

func (s *server) writeJSON(w http.ResponseWriter, r *http.Request, v any) {
	var body bytes.Buffer
	if err := json.MarshalWrite(&body, v); err != nil {
		s.fail(w, r, err)
		return
	}
	body.WriteByte('\n')
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write(body.Bytes())
	s.lost(r, err)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a prober that went away needs no answer
}

// broken ends a connection whose reply could not be written whole.
func (s *server) broken(r *http.Request, err error) {
	if err != nil {
		s.lost(r, err)
		panic(http.ErrAbortHandler)
	}
}

func (s *server) lost(r *http.Request, err error) {
	if err != nil {
		s.Logger.Debug("write a reply", "path", r.URL.Path, "error", err)
	}
}
