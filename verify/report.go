package verify

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"rollcall"
	"rollcall/store"
)

// What a Difference is of.
const (
	LogEnd   = "log"         // the end of a shard's log
	Ledger   = "ledger"      // an hour of the ledger
	Drop     = "dropped row" // what the store says of a row that was dropped, or was not
	Position = "position"    // the sums in a shard's position
	Period   = "period"      // a day that readers must know to have data
	Cell     = "cell"        // a counter of a cell
	UserSet  = "user set"    // who was active in a cell, in one shard
)

// Difference is one figure of the store that is not what the log gives.
type Difference struct {
	What     string       `json:"what"`
	Shard    *int         `json:"shard,omitempty"` // absent where it is of all shards
	Grain    string       `json:"grain,omitempty"`
	Bucket   string       `json:"bucket,omitempty"` // the day, or RFC 3339
	Values   []NamedValue `json:"values,omitempty"` // of the cell; a dimension that is not there is not kept by its cuboid
	Figure   string       `json:"figure"`
	Expected any          `json:"expected"` // from the log: int64, or text for hashes
	Found    any          `json:"found"`    // in the store
	Hint     string       `json:"hint"`     // what may have happened

	days []rollcall.Date // that it is of; none for what is of the whole log
}

// NamedValue is the value of a dimension.
type NamedValue struct {
	Dimension string `json:"dimension"`
	Value     string `json:"value"`
}

// Report is what a verification compared, and what it found.
type Report struct {
	Build     uint32   `json:"build"`
	Version   uint64   `json:"version"` // of the store, as it was compared
	Committed string   `json:"as_of"`   // when that version was committed, RFC 3339
	Events    int64    `json:"events"`  // accepted ones in the log
	Dropped   int64    `json:"dropped"` // duplicates and late ones in the log
	Users     int64    `json:"users"`
	Hours     int64    `json:"ledger_hours"` // rows of the ledger compared
	Days      []string `json:"days"`         // recounted
	Moved     []string `json:"moved"`        // of them those committed to meanwhile: not compared, or not wholly
	Seed      *uint64  `json:"seed,omitempty"`
	Cells     int64    `json:"cells"`
	Sets      int64    `json:"user_sets"`
	Seconds   float64  `json:"seconds"`
	PerSecond int64    `json:"events_per_second"`

	Equal       bool           `json:"equal"` // nothing differs
	Unverified  []string       `json:"unverified"`
	Notes       []string       `json:"notes"` // what was taken for granted
	Verdict     string         `json:"verdict"`
	Differences map[string]int `json:"differences"` // how many, by what they are of
	Shown       []Difference   `json:"shown"`       // the first of each kind

	mu       sync.Mutex
	limit    int
	head     *store.Head
	against  string // the table that was counted by SQL; empty for the log
	movedSet map[rollcall.Date]bool
	daily    map[rollcall.Date]int64
}

func newReport(h *store.Head, limit int) *Report {
	r := &Report{Build: h.Build, Version: h.Version, Days: []string{}, Moved: []string{}, head: h, movedSet: map[rollcall.Date]bool{}, daily: map[rollcall.Date]int64{},
		Unverified: []string{}, Notes: []string{}, Differences: map[string]int{}, Shown: []Difference{}, limit: limit}
	if h.Committed > 0 {
		r.Committed = time.UnixMilli(h.Committed).UTC().Format(time.RFC3339)
	}
	return r
}

// Different is the number of differences.
func (r *Report) Different() (n int) {
	for _, k := range r.Differences {
		n += k
	}
	return n
}

func (r *Report) add(d Difference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.Shard != nil {
		shard := *d.Shard
		d.Shard = &shard
	}
	for _, day := range d.days {
		r.daily[day]++
	}
	if len(d.days) == 0 {
		r.daily[store.WholeLog]++
	}
	if r.Differences[d.What]++; r.Differences[d.What] <= r.limit {
		r.Shown = append(r.Shown, d)
	}
}

// moved keeps that a day was committed to while it was verified.
func (r *Report) moved(d rollcall.Date) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.movedSet[d] {
		r.movedSet[d] = true
		r.Moved = append(r.Moved, d.String())
	}
}

func (r *Report) hasMoved(d rollcall.Date) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.movedSet[d]
}

// Table is the table that was counted instead of the log; empty for the log.
func (r *Report) Table() string { return r.against }

// Of tells how much differs on a day (store.WholeLog: on none), and the first of it that is shown.
func (r *Report) Of(d rollcall.Date) (differences int64, first []Difference) {
	for i := range r.Shown {
		if s := &r.Shown[i]; slices.Contains(s.days, d) || len(s.days) == 0 && d == store.WholeLog {
			first = append(first, *s)
		}
	}
	return r.daily[d], first
}

// note is called by one who counts, or while there is nobody else.
func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *Report) count(f func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *Report) finish(took time.Duration) {
	kinds := []string{LogEnd, Ledger, Drop, Position, Period, Cell, UserSet, TableCell}
	slices.SortStableFunc(r.Shown, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.What), slices.Index(kinds, b.What)), cmp.Compare(a.Bucket, b.Bucket),
			cmp.Compare(shardOf(&a), shardOf(&b)))
	})
	r.Equal = r.Different() == 0
	r.Verdict = r.verdict()
	r.Seconds = took.Seconds()
	r.PerSecond = int64(float64(r.Events+r.Dropped) / max(took.Seconds(), 1e-9))
}

func shardOf(d *Difference) int {
	if d.Shard == nil {
		return -1
	}
	return *d.Shard
}

func (r *Report) verdict() string {
	recounted := "no day was recounted"
	if n := len(r.Days); n > 0 {
		recounted = fmt.Sprintf("every cell and user set of the %d days recounted", n)
	}
	switch {
	case !r.Equal && r.against != "":
		return fmt.Sprintf("The store differs from table %s in %d figures.", r.against, r.Different())
	case r.against != "":
		return fmt.Sprintf("The store is equal to what SQL counts in table %s: %d cells of %d days.", r.against, r.Cells, len(r.Days))
	case !r.Equal:
		return fmt.Sprintf("The store differs from the log in %d figures.", r.Different())
	case len(r.Unverified) > 0:
		return "What could be compared is equal, but not all could be."
	case len(r.Days) == 0:
		return "The ledger is equal to the log; " + recounted + "."
	default:
		return "The store is equal to the log: the ledger of every hour, and " + recounted + "."
	}
}
