package store

import (
	"context"
	"errors"
	"fmt"

	"rollcall"
)

// ErrRetired tells that another build has become the active one. Who meets it opens that one and goes on there.
var ErrRetired = errors.New("another build is active")

// The reasons of dead letters that commits bring. What was rejected before it reached the log has other ones.
const (
	ReasonLate    = "beyond_late_horizon" // an event beyond the late horizon
	ReasonForeign = "foreign_record"      // a record that somebody else wrote into the log
)

// BuildState tells what a build is for.
type BuildState string

// The states of a build.
const (
	Building BuildState = "building" // made beside the active one, and not yet whole
	Active   BuildState = "active"   // the one that is read and written
	Kept     BuildState = "kept"     // was active; one can go back to it
)

// Build is one complete version of the figures: cells, user sets, state, ledger, values, positions and dead letters.
type Build struct {
	Number     uint32            `json:"number"` // from 1 on, never given again
	State      BuildState        `json:"state"`
	Dimensions []string          `json:"dimensions"`
	Shards     int               `json:"shards"`
	Settings   map[string]string `json:"settings,omitempty"`  // what else its figures depend on, by key of the configuration
	Begun      int64             `json:"begun"`               // Unix ms
	Activated  int64             `json:"activated,omitempty"` // the last time, Unix ms; 0 for never
	Log        int               `json:"log,omitempty"`       // of a data directory: the log it is made from, by how often there was another before
}

// Builds keeps the builds of one data set. A handle on one of them is what an adapter's Open gives: on the active one, until
// View, Acquire, Commit and Intern give ErrRetired, or on one beside it, whose Acquire, Commit and Intern give ErrRetired
// once it is active.
type Builds interface {
	// Builds lists them by number.
	Builds(ctx context.Context) ([]Build, error)
	// Begin makes an empty build of these dimensions, shards and settings, and gives it a number.
	Begin(ctx context.Context, b Build) (Build, error)
	// Activate makes the build to the active one in place of from, in one step: whoever opens a view, acquires a shard or
	// commits sees one or the other. The epochs of both are raised, the version of to goes
	// above that of from, and the dead letters of from that no commit brought go over (those since from became active when to
	// was active before). ErrRetired when from is not active; a BehindError, when shards are as many in both, for a shard
	// of to that is behind that of from and nothing has changed. Of a data directory, where to is made from another log, all
	// builds of the log before go in the same step: what comes from now on is not in that log.
	Activate(ctx context.Context, from, to uint32) error
	// Drop deletes a build that is not active, with all that it holds. One that is gone is none to delete.
	Drop(ctx context.Context, number uint32) error
}

// BehindError names a shard in which a build has not come as far as the active one.
type BehindError struct {
	Shard    int
	At, Want rollcall.Offset
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("shard %d of the new build is at offset %d, the active one at %d", e.Shard, e.At, e.Want)
}

// ActiveBuild gives the one that is active.
func ActiveBuild(all []Build) (Build, bool) {
	for _, b := range all {
		if b.State == Active {
			return b, true
		}
	}
	return Build{}, false
}
