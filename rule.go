package rollcall

import "time"

// Rule is what sessions are made by before an instant, where a build does not have one rule for all days. Of several the one with
// the earliest Until holds first; behind the last of them holds what the build is configured with. A session by gap ends where
// the rule changes: none has events on both sides.
type Rule struct {
	Until   int64         // Unix ms, the first instant it does not hold for
	Gap     time.Duration // longest pause within a session
	Passive []string      // types that are not interactive
}
