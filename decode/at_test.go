package decode

import (
	"testing"

	"rollcall"
)

// TestAt: a record without a time takes the one it is given, and one with a time keeps its own.
func TestAt(t *testing.T) {
	d, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var ev rollcall.Event
	if rej := d.Event([]byte(`{"user_id":"u"}`), &ev); rej == nil || rej.Reason != MissingTime {
		t.Fatalf("without At: %v", rej)
	}
	ms := int64(1793527200123)
	d.At(&ms)
	for record, want := range map[string]int64{
		`{"user_id":"u"}`:                           ms,
		`{"user_id":"u","time":""}`:                 ms,
		`{"user_id":"u","time":1793527201}`:         1793527201000,
		`{"user_id":"u","event_date":"2026-11-01"}`: 1793491200000,
	} {
		if rej := d.Event([]byte(record), &ev); rej != nil || ev.Time != want {
			t.Errorf("%s: %v, time %d, want %d", record, rej, ev.Time, want)
		}
	}
	ms = maxTime + 1
	if rej := d.Event([]byte(`{"user_id":"u"}`), &ev); rej == nil || rej.Reason != TimeOutOfRange {
		t.Errorf("a time out of range: %v", rej)
	}
}
