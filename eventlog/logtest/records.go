package logtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"rollcall"
	"rollcall/eventlog"
)

// rec makes a record whose payload holds a number.
func rec(shard, count, n int) eventlog.Record {
	return eventlog.Record{Shard: shard, Count: count, Payload: binary.BigEndian.AppendUint64([]byte("payload "), uint64(n))}
}

func number(r eventlog.Record) int { return int(binary.BigEndian.Uint64(r.Payload[8:])) }

// sized makes a record of shard 0 with a payload of size bytes, which differ from those of any other n.
func sized(n, size int) eventlog.Record {
	r := rec(0, 1, n)
	for len(r.Payload) < size {
		r.Payload = fmt.Appendf(r.Payload, "%d.%d,", n, len(r.Payload))
	}
	r.Payload = r.Payload[:size]
	return r
}

func same(a, b eventlog.Record) bool {
	return a.Shard == b.Shard && a.Offset == b.Offset && a.Next == b.Next && a.Count == b.Count &&
		a.Received == b.Received && bytes.Equal(a.Payload, b.Payload)
}

// checkRun checks that the records are numbered 0 to n-1 and lie one behind the other.
func checkRun(t *testing.T, records []eventlog.Record, n int) {
	t.Helper()
	if len(records) != n {
		t.Fatalf("%d records, want %d", len(records), n)
	}
	for i, r := range records {
		if number(r) != i {
			t.Fatalf("record %d has number %d", i, number(r))
		}
		if r.Next <= r.Offset || i > 0 && r.Offset < records[i-1].Next {
			t.Fatalf("record %d: offsets [%d, %d) overlap the one before", i, r.Offset, r.Next)
		}
	}
}

// readAll reads what a shard holds now.
func readAll(t *testing.T, log Log, shard int) []eventlog.Record {
	t.Helper()
	var all []eventlog.Record
	at, next := bounds(t, log, shard)
	for at < next {
		records := fetch(t, log, shard, at, 2500)
		all = append(all, records...)
		at = records[len(records)-1].Next
	}
	return all
}

// follow reads n records as they come.
func follow(t *testing.T, log Log, shard, n int) []eventlog.Record {
	var all []eventlog.Record
	for at := rollcall.Offset(0); len(all) < n; at = all[len(all)-1].Next {
		records, err := log.Fetch(t.Context(), shard, at, 0, 100, nil)
		if err != nil {
			t.Error(err)
			return all
		}
		all = append(all, records...)
	}
	return all
}

func fetch(t *testing.T, log Log, shard int, from rollcall.Offset, maxBytes int) []eventlog.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	records, err := log.Fetch(ctx, shard, from, 0, maxBytes, nil)
	must(t, err)
	if len(records) == 0 {
		t.Fatalf("shard %d from %d: no records and no error", shard, from)
	}
	return records
}

func bounds(t *testing.T, log Log, shard int) (first, next rollcall.Offset) {
	t.Helper()
	first, next, err := log.Bounds(t.Context(), shard)
	must(t, err)
	return first, next
}

func wait(t *testing.T, failed <-chan error) error {
	t.Helper()
	select {
	case err := <-failed:
		return err
	case <-time.After(patience):
		t.Fatal("still waiting")
		return nil
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
