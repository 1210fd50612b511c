package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"rollcall/query"
	"rollcall/store"
)

// Builds knows the builds of the figures.
type Builds interface {
	// State tells which builds there are, and of the rebuild under way or the last one.
	State(ctx context.Context) (BuildsState, error)
}

// Rebuilds makes builds of the figures anew beside the active one. Its calls return at once.
type Rebuilds interface {
	// Rebuild begins one. ErrBusy while there is one; *query.BadRequest for what can't be made.
	Rebuild(r RebuildRequest) error
	// Cancel ends the one under way; what it has made is kept, to go on from.
	Cancel()
}

// ErrBusy tells that a rebuild is under way.
var ErrBusy = errors.New("a rebuild is under way: wait for its end, or cancel it")

// RebuildRequest is what one asks of a rebuild.
type RebuildRequest struct {
	Settings map[string]string `json:"settings,omitempty"` // lasting settings by key of the configuration; those left out stay
	Rollback bool              `json:"rollback,omitempty"` // go back to the build that was active before instead
	Days     []string          `json:"days,omitempty"`     // repair these: recount them, and let nothing else change
	Since    string            `json:"since,omitempty"`    // a day: the changed session_gap and passive_types hold from it on; for all days unless given
	Rate     int64             `json:"rate,omitempty"`     // events/s at most; 0 for the server's own choice
	Keep     *int              `json:"keep,omitempty"`     // builds to keep besides the new one; 1 unless given
	Proof    string            `json:"proof,omitempty"`    // what to verify: sample, all, ledger or none
	Fresh    bool              `json:"fresh,omitempty"`    // begin anew, though one was begun before
}

// BuildsState is the reply of GET /api/v1/builds.
type BuildsState struct {
	Active  uint32        `json:"active"`
	Builds  []store.Build `json:"builds"`
	Rebuild *RebuildState `json:"rebuild"` // null when there was none since the start of the process
}

// RebuildState is a rebuild under way, or one that has ended.
type RebuildState struct {
	State       string  `json:"state"` // running, done, failed or cancelled
	Phase       string  `json:"phase"` // folding, verifying or activating
	Build       uint32  `json:"build"` // 0 before it is known
	Events      int64   `json:"events"`
	Total       int64   `json:"events_total"` // about
	SecondsLeft float64 `json:"seconds_left"` // about; 0 when it is not known
	Started     string  `json:"started"`
	Ended       string  `json:"ended"` // empty while it runs
	Error       string  `json:"error"`
}

// keyed lets only those with a key in, where there are keys.
func (s *server) keyed(w http.ResponseWriter, r *http.Request) bool {
	status := s.allowed(r)
	if status == 0 {
		return true
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	s.writeProblem(w, r, problem{Type: "about:blank", Status: status, Detail: "send a valid key as Authorization: Bearer KEY, or as X-Api-Key"})
	return false
}

func (s *server) builds(w http.ResponseWriter, r *http.Request) {
	state, err := s.Builds.State(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.writeJSON(w, r, state)
}

// rebuild begins a rebuild. It wants a body that no form of another site can send.
func (s *server) rebuild(w http.ResponseWriter, r *http.Request) {
	if !s.keyed(w, r) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var asked RebuildRequest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&asked); err != nil {
		s.fail(w, r, &query.BadRequest{Param: "body", Detail: "no request for a rebuild: " + err.Error()})
		return
	}
	switch err := s.Rebuilds.Rebuild(asked); {
	case errors.Is(err, ErrBusy):
		s.writeProblem(w, r, problem{Type: "about:blank", Status: http.StatusConflict, Detail: err.Error()})
	case err != nil:
		s.fail(w, r, err)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func (s *server) cancelRebuild(w http.ResponseWriter, r *http.Request) {
	if s.keyed(w, r) {
		s.Rebuilds.Cancel()
		w.WriteHeader(http.StatusAccepted)
	}
}

func (s *server) describeBuilds() object {
	return object{"summary": "The builds of the figures, and the rebuild under way",
		"responses": refused(object{"200": response("All builds, and how far the rebuild is.", content("application/json", schema[BuildsState](), nil))}, "500", "503")}
}

func keyedOperation(o object) object {
	o["security"] = array{object{}, object{"bearer": array{}}, object{"key": array{}}}
	return o
}

func (s *server) describeRebuild() object {
	return keyedOperation(object{"summary": "Make all figures anew, beside those in use, and take over",
		"description": "Where the server has API keys, one is needed. GET /api/v1/builds tells how far it is.",
		"requestBody": object{"required": true, "content": content("application/json", schema[RebuildRequest](), object{"settings": object{"session_gap": "1h"}})},
		"responses":   refused(object{"202": object{"description": "It has begun."}}, "400", "401", "403", "409", "413", "500")})
}

func (s *server) describeCancel() object {
	return keyedOperation(object{"summary": "End the rebuild under way; what it has made is kept, to go on from",
		"responses": refused(object{"202": object{"description": "It ends."}}, "401", "403")})
}
