package apptest

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/store/mysql/mysqltest"
)

// TestGoingOverToAnotherLog: on servers another number of shards is another installation, which follows the log of the first while that
// goes on, is killed, and takes events in itself in the end. Each event is in it once: figures and ledger are those of the first.
func TestGoingOverToAnotherLog(t *testing.T) {
	t.Parallel()
	k, store, d := kafkatest.Start(t, kafkatest.Options{}), mysqltest.Start(t), rand.New(rand.NewSource(*seed))
	w, flags := recent(t, d, "Europe/Berlin")
	installation := func(name string, more ...string) (base string, all []string) {
		base = store.NewDatabase(t)
		return base, slices.Concat(flags, []string{"--log-kind", "kafka", "--log-brokers", k.Brokers()[0], "--log-topic", name, "--log-group", name,
			"--store-kind", "mysql", "--store-dsn", store.DSN(base), "--late-horizon", "0", "--log-session-timeout", "2s"}, more)
	}
	oldBase, oldFlags := installation("old", "--log-shards", "3")
	freshBase, freshFlags := installation("fresh", "--log-shards", "5", "--source-kind", "kafka", "--source-format", "rollcall",
		"--source-topic", "old", "--source-group", "going-over", "--source-brokers", k.Brokers()[0])
	old, third := Start(t, binary(t), nil, oldFlags...), len(w.Events)/3
	send := func(to *Server, from, until int) {
		for at := from; at < until; at += 10 {
			post(t, to.Client, d, &w.Config, w.Events[at:min(at+10, until)])
		}
	}
	send(old, 0, third)
	fresh := Start(t, binary(t), nil, freshFlags...)
	send(old, third, 3*third/2)
	fresh.Kill()
	send(old, 3*third/2, 2*third)
	fresh = Start(t, binary(t), nil, freshFlags...)
	arrived(t, old, 2*third)
	arrived(t, fresh, 2*third)
	compareSome(t, fresh, d, &w, 2*third)
	if was, is := ledgerIn(t, store, oldBase), ledgerIn(t, store, freshBase); was != is || was == "" {
		t.Errorf("the ledger is\n%s\nwas\n%s", is, was)
	}
	old.Stop(t)
	send(fresh, 2*third, len(w.Events))
	arrived(t, fresh, len(w.Events))
	compareServer(t, fresh, d, &w)
	fresh.Stop(t)
	MustRun(t, binary(t), nil, append([]string{"verify", "--all"}, freshFlags...)...)
}

// ledgerIn gives the sums of the ledger by hour, whatever the shards.
func ledgerIn(t *testing.T, store *mysqltest.Server, base string) string {
	t.Helper()
	db := store.Open(t, base)
	rows, err := db.QueryContext(t.Context(), "SELECT hour, SUM(events), SUM(hash0), SUM(hash1), SUM(hash2), SUM(hash3), SUM(duplicates) FROM ledger GROUP BY hour ORDER BY hour")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	text := ""
	for rows.Next() {
		var hour, events, duplicates int64
		var limbs [4]uint64
		if err := rows.Scan(&hour, &events, &limbs[0], &limbs[1], &limbs[2], &limbs[3], &duplicates); err != nil {
			t.Fatal(err)
		}
		for i := range 3 { // sums of 32 bits each, the lowest first
			limbs[i+1] += limbs[i] >> 32
		}
		text += fmt.Sprintln(hour, events, duplicates, uint32(limbs[3]), uint32(limbs[2]), uint32(limbs[1]), uint32(limbs[0]))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text
}
