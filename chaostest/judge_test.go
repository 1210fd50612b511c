//go:build unix

package chaostest

import (
	"encoding/json"
	"math/rand"
	"testing"
	"time"

	"rollcall/apptest"
	"rollcall/simtest"
)

// judge compares what the processes in seats answer with what was acknowledged, and gives the table of faults.
func judge(t *testing.T, ledger *Ledger, w *simtest.World, o *simtest.Oracle, seats []*Seat) []Line {
	t.Helper()
	var table []Line
	for _, s := range seats {
		if err := served(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		c := apptest.Client{URL: s.URL()}
		settle(t, c, w, o)
		if n := totalsOf(t, c); n.Accepted != o.Accepted() || n.Duplicates < ledger.again+o.Duplicates || n.Late+n.Lag != 0 {
			t.Errorf("%s: status %+v of %d events acknowledged, %d sent again", s.Name, n, o.Accepted(), ledger.again+o.Duplicates)
		}
		q := eventsByPhase(w)
		rows, err := c.Query(&q, w.Config.Location)
		if err != nil {
			t.Fatal(err)
		}
		table = ledger.Table(Counts(o.Answer(q), w.Config.Dimensions), Counts(rows, w.Config.Dimensions))
		for _, difference := range Compare(c, rand.New(rand.NewSource(*seed)), w, o, questions) {
			t.Error(s.Name, difference)
		}
	}
	t.Logf("%s\n%s", ledger.Summary(), Markdown(table))
	for _, line := range table {
		if line.Lost+line.Doubled > 0 {
			t.Errorf("%+v", line)
		}
	}
	return table
}

// totals are what a status says of the whole log.
type totals struct{ Accepted, Duplicates, Late, Lag int }

func totalsOf(t *testing.T, c apptest.Client) (n totals) {
	t.Helper()
	reply, err := c.Get("/api/v1/status", nil)
	if err == nil {
		n.Lag = -1
		err = json.Unmarshal(reply.Body, &n)
	}
	if err != nil {
		t.Error(err)
	}
	return n
}

// settle waits until the figures have as many events as were acknowledged, or do not change any more.
func settle(t *testing.T, c apptest.Client, w *simtest.World, o *simtest.Oracle) {
	t.Helper()
	have, since := -1, time.Now()
	for time.Since(since) < quiet {
		n, err := total(c, w)
		if err == nil && n == o.Accepted() {
			return
		}
		if err == nil && n != have {
			have, since = n, time.Now()
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Errorf("%d events in the figures, %d acknowledged", have, o.Accepted())
}

// questions are asked of each that answers.
const questions = 20

// quiet is how long figures that are not complete have to stay as they are to be taken for final.
const quiet = 20 * time.Second
