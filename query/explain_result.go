package query

import (
	"io"
	"time"

	"github.com/go-json-experiment/json"
)

// Explanation is the answer to an ExplainRequest, of one state of the store. Its JSON is the reply of GET /api/v1/explain.
type Explanation struct {
	Day     string         `json:"day"`
	Over    bool           `json:"over"`    // the day has ended
	Verdict string         `json:"verdict"` // one of Verdicts
	Since   DayStep        `json:"since"`   // the sum of the steps that came later
	Figures []DayFigure    `json:"figures"` // under the filter; as GET /api/v1/query has them
	Cuboid  []string       `json:"cuboid"`  // the dimensions of the cells
	Cells   []DayCell      `json:"cells"`   // that the filter lets through, most events first
	Rest    *DayCellsBelow `json:"rest"`    // the cells beyond those; null for none
	Steps   []DayStep      `json:"steps"`   // how the whole day came about, whatever the filter
	Begins  time.Time      `json:"history_begins,omitzero"`
	Hours   []DayHour      `json:"hours"`   // of the ledger of the whole day
	Version uint64         `json:"version"` // of the last commit that touched the day; 0 for none
	Newest  uint64         `json:"store_version"`
	Build   uint32         `json:"build"`
	Builds  []DayBuild     `json:"builds"` // rebuilds and rollbacks: how the build came to be the one in use, the last first
	Shards  int            `json:"shards"`
	AsOf    time.Time      `json:"as_of,omitzero"`
	// CompleteThrough is as in Result.
	CompleteThrough time.Time `json:"complete_through,omitzero"`
}

// DayBuild is a build that is or was in use.
type DayBuild struct {
	Build    uint32            `json:"build"`
	Begun    time.Time         `json:"begun"`    // when its figures were begun
	InUse    time.Time         `json:"in_use"`   // since when it is in use, or was the last time
	Settings map[string]string `json:"settings"` // that its figures depend on
}

// DayFigure is one figure; null for a rate without sessions.
type DayFigure struct {
	Metric string   `json:"metric"`
	Value  *float64 `json:"value"`
}

// DayCell is one cell of the cuboid with its counters.
type DayCell struct {
	Values      []string `json:"values"` // of the dimensions of the cuboid
	Events      int64    `json:"events"`
	Sessions    int64    `json:"sessions"`
	Bounces     int64    `json:"bounces"`
	Duration    float64  `json:"total_session_duration"` // seconds
	NewUsers    int64    `json:"new_users"`
	ActiveUsers int64    `json:"active_users"`
}

// DayCellsBelow sums cells. Their active users do not add up, and are left out.
type DayCellsBelow struct {
	Cells    int     `json:"cells"` // how many
	Events   int64   `json:"events"`
	Sessions int64   `json:"sessions"`
	Bounces  int64   `json:"bounces"`
	Duration float64 `json:"total_session_duration"`
	NewUsers int64   `json:"new_users"`
}

// DayStep is what the commits of some hours did to the day. Its counters are signed.
type DayStep struct {
	Kind         string    `json:"kind"`          // one of StepKinds
	From         time.Time `json:"from,omitzero"` // the first commit; none for what is older than the history
	To           time.Time `json:"to,omitzero"`   // the last commit
	Hours        int       `json:"hours"`         // that had any
	Commits      int64     `json:"commits"`
	FirstVersion uint64    `json:"first_version"`
	LastVersion  uint64    `json:"last_version"`
	Events       int64     `json:"events"`
	Sessions     int64     `json:"sessions"`
	TakenBack    int64     `json:"sessions_taken_back"` // at least: sessions that moved to another cell or day, or went into another session
	Bounces      int64     `json:"bounces"`
	Duration     float64   `json:"total_session_duration"`
	NewUsers     int64     `json:"new_users"`
	ActiveUsers  int64     `json:"active_users"`
	Duplicates   int64     `json:"duplicates"` // dropped
	Late         int64     `json:"late"`       // in the quarantine
}

// DayHour is one UTC hour of the ledger.
type DayHour struct {
	Hour       time.Time `json:"hour"`
	Accepted   int64     `json:"accepted"`
	Duplicates int64     `json:"duplicates"`
	Late       int64     `json:"late"`
}

// The verdicts.
const (
	verdictEmpty     = "empty"     // nothing is counted on the day
	verdictOpen      = "open"      // the day has not ended
	verdictUnchanged = "unchanged" // nothing has changed since it was first counted whole
	verdictChanged   = "changed"   // later commits changed figures of it
)

// The kinds of steps.
const (
	stepBefore = "before_history" // before the history begins, or outside of it
	stepDay    = "day"            // by the end of the day
	stepFirst  = "first"          // in the first hour that had any of it, after its end
	stepLater  = "later"
)

// Verdicts lists the verdicts on a day.
func Verdicts() []string {
	return []string{verdictEmpty, verdictOpen, verdictUnchanged, verdictChanged}
}

// StepKinds lists the kinds of steps in the order of time.
func StepKinds() []string { return []string{stepBefore, stepDay, stepFirst, stepLater} }

// WriteJSON writes the reply of GET /api/v1/explain.
func (e *Explanation) WriteJSON(w io.Writer) error {
	if err := json.MarshalWrite(w, e); err != nil {
		return err
	}
	_, err := w.Write([]byte{'\n'})
	return err
}
