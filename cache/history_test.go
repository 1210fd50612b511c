package cache

import (
	"context"
	"testing"
	"time"

	"rollcall/store"
)

// The history of a day is of the state that the rest of the read is of: when the store has gone on for that day, the whole read
// begins again, and else it does not.
func TestHistoryIsOfOneState(t *testing.T) {
	w := newWorld(1, 1, 2)
	c := cacheOver(w, nil, Config{Poll: time.Hour}, nil)
	read := func(day int64) (tries int, version uint64) {
		must(t, c.Read(context.Background(), func(v *View) error {
			tries++
			h, _, err := v.History(context.Background(), 1, day*dayMS, (day+1)*dayMS)
			if err == nil {
				version = h.Changes[0].LastVersion
				if version != v.Head().Stamp(store.DayClock, 1) {
					t.Errorf("history of version %d, day of %d", version, v.Head().Stamp(store.DayClock, 1))
				}
			}
			return err
		}))
		return tries, version
	}
	if tries, version := read(1); tries != 1 || version != 1 {
		t.Fatal(tries, version)
	}
	w.commit(2) // another day, that nobody announces
	if tries, version := read(1); tries != 1 || version != 1 {
		t.Fatal(tries, version)
	}
	w.commit(1)
	if tries, version := read(1); tries != 2 || version != 3 {
		t.Fatal(tries, version)
	}
}
