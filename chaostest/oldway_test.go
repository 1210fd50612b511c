//go:build unix

package chaostest

import (
	"fmt"
	"testing"
	"time"

	"rollcall/store/mysql/mysqltest"
)

// oldWay is the double beside the product.
type oldWay struct {
	OldWay
	feed     *OldFeed
	seats    []*Seat
	database string
	maria    *mysqltest.Server
}

func startOldWay(t *testing.T, c *Cluster) *oldWay {
	t.Helper()
	o := &oldWay{OldWay: OldWay{Brokers: c.Kafka.Brokers(), Topic: "old", Group: "old", Session: chaosSession}, database: c.Maria.NewDatabase(t), maria: c.Maria}
	o.DSN = c.Maria.DSN(o.database)
	o.feed = o.Prepare(t, c.Maria.Open(t, o.database), int32(c.shape.Shards))
	for i := range 3 {
		s := o.Seat(t, fmt.Sprintf("old-%d", i), c.Logs)
		s.Up()
		o.seats = append(o.seats, s)
	}
	return o
}

// isFoundOut waits until the old way is done, and sees to it that it is wrong.
func (o *oldWay) isFoundOut(t *testing.T, ledger *Ledger) (lost, doubled int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; <-time.After(200 * time.Millisecond) {
		if done, err := o.feed.drained(t.Context(), o.Group); done {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the old way does not come to an end: %v", err)
		}
	}
	want, got, err := OldCounts(t.Context(), o.maria.Open(t, o.database), ledger.Events())
	if err != nil {
		t.Fatal(err)
	}
	lost, doubled = off(want, got)
	t.Logf("the old way: %d events lost, %d doubled", lost, doubled)
	if lost+doubled == 0 {
		t.Error("the old way counts right: the test would not notice")
	}
	return lost, doubled
}
