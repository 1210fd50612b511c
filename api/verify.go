package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"rollcall/query"
)

// VerifyRequest says what to verify. Without days, a few are taken by chance.
type VerifyRequest struct {
	Days       []string `json:"days,omitempty"` // and ranges of them: 2026-11-01..2026-11-07
	All        bool     `json:"all,omitempty"`
	Sample     *int     `json:"sample,omitempty"`
	Seed       *uint64  `json:"seed,omitempty"` // of the sample
	LedgerOnly bool     `json:"ledger_only,omitempty"`
	Limit      int      `json:"limit,omitempty"` // differences of a kind to show; 20
}

// Verify compares the store with the log. Ask tells what is wrong with a request, or gives what does it; that calls tell
// with the part that is done, from several goroutines.
type Verify struct {
	Ask func(r *VerifyRequest) (run func(ctx context.Context, tell func(done float64)) (report any, err error), err error)
	Of  any // a value of the report's type, to describe it
}

// verifyLine is a line of the reply: progress until the last, which has the report or an error.
type verifyLine struct {
	Progress *float64 `json:"progress,omitempty"` // 0 to 1
	Report   any      `json:"report,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// verifyBeat is the time from one line of progress to the next.
const verifyBeat = 500 * time.Millisecond

// verify runs one verification at a time and tells how far it is. It takes a core, so it wants a key where there are any.
func (s *server) verify(w http.ResponseWriter, r *http.Request) {
	if status := s.allowed(r); status != 0 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		s.writeProblem(w, r, problem{Type: "about:blank", Status: status, Detail: "send a valid key as Authorization: Bearer KEY, or as X-Api-Key: a verification takes a core for a while"})
		return
	}
	run, err := s.askVerify(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.verifying.CompareAndSwap(false, true) {
		w.Header().Set("Retry-After", "60")
		s.writeProblem(w, r, problem{Type: "about:blank", Status: http.StatusConflict, Detail: "a verification is under way already: wait for it to end"})
		return
	}
	defer s.verifying.Store(false)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.Base, cancel)()
	if err := s.tellVerify(ctx, w, run); err != nil && ctx.Err() == nil {
		s.lost(r, err)
	}
}

func (s *server) askVerify(w http.ResponseWriter, r *http.Request) (func(context.Context, func(float64)) (any, error), error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	var asked VerifyRequest
	if len(body) > 0 {
		if err := json.Unmarshal(body, &asked, json.RejectUnknownMembers(true)); err != nil {
			return nil, &query.BadRequest{Param: "body", Detail: err.Error()}
		}
	}
	run, err := s.Verify.Ask(&asked)
	if err != nil {
		return nil, &query.BadRequest{Param: "verify", Detail: err.Error()}
	}
	return run, nil
}

// tellVerify writes lines until the verification has ended.
func (s *server) tellVerify(ctx context.Context, w http.ResponseWriter, run func(context.Context, func(float64)) (any, error)) error {
	out := http.NewResponseController(w)
	if err := out.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var done atomic.Value
	done.Store(0.0)
	last := make(chan verifyLine, 1)
	go func() {
		report, err := run(ctx, func(part float64) { done.Store(min(max(part, 0), 1)) })
		if err != nil {
			last <- verifyLine{Error: err.Error()}
			return
		}
		last <- verifyLine{Report: report}
	}()
	beat := time.NewTicker(verifyBeat)
	defer beat.Stop()
	for {
		part, _ := done.Load().(float64)
		if err := s.sendLine(w, out, verifyLine{Progress: &part}); err != nil {
			cancel()
			<-last // nothing goes on behind a client that has gone
			return err
		}
		select {
		case line := <-last:
			return s.sendLine(w, out, line)
		case <-beat.C:
		}
	}
}

func (s *server) sendLine(w io.Writer, out *http.ResponseController, line verifyLine) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if err := out.SetWriteDeadline(time.Now().Add(s.Pace)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return err
	}
	return out.Flush()
}

const verifyDoc = `Reads the log again below the committed offsets, counts it by other code than that which folds, and compares: the ledger of
every hour, and every counter and user set of the days asked for. One verification is under way at a time; it ends when the client goes.
The reply is a line of JSON about every half second: progress from 0 to 1, at last the report, or an error. Days that are committed to
meanwhile are listed as moved, and not compared.`

func (s *server) describeVerify() object {
	line := schema[verifyLine]()
	if s.Verify != nil && s.Verify.Of != nil {
		line = object{"type": "object", "properties": object{"progress": object{"type": "number"}, "report": schemaOf(reflect.TypeOf(s.Verify.Of)), "error": object{"type": "string"}}}
	}
	return object{"summary": "Compare the figures with the log", "description": verifyDoc,
		"requestBody": object{"required": false, "content": content("application/json", schema[VerifyRequest](), object{"days": array{"2026-11-01..2026-11-07"}, "limit": 20})},
		"responses": refused(object{"200": response("Progress and the report.", content("application/x-ndjson", object{"type": "string"}, "{\"progress\":0.5}\n"))},
			"400", "401", "403", "409", "413", "500"),
		"x-line": line}
}
