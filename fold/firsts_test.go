package fold_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/fold"
)

// checkFirsts compares the first events in a shard's dictionary with the new users of its cells, and with what is left of the
// dictionary when its chunks are merged.
func (r *rig) checkFirsts() {
	want, got := map[string]int64{}, map[string]int64{}
	for key, c := range r.cells {
		if key.Grain == rollcall.Day && key.Cuboid == rollcall.Full(r.cfg.Dims) {
			for row, n := range c.Counters[rollcall.NewUsers] {
				want[cellText(rollcall.Date(key.Period), c.Dims, row)] += n
			}
		}
	}
	maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
	for _, part := range slices.Sorted(maps.Keys(r.users)) {
		f, err := fold.ReadFirsts(r.users[part])
		r.must(err)
		for i, ms := range f.Time {
			got[cellText(r.cfg.Calendar.Date(ms), f.Dims, i)]++
		}
		merged, err := fold.MergeUsers(r.users[part])
		r.must(err)
		if again, err := fold.ReadFirsts([][]byte{merged}); err != nil || !reflect.DeepEqual(f, again) {
			r.t.Errorf("part %d: %+v, merged %+v, %v", part, f, again, err)
		}
		if !slices.IsSorted(f.User) {
			r.t.Errorf("part %d: users %v", part, f.User)
		}
	}
	if !maps.Equal(want, got) {
		r.t.Errorf("first events %v, new users %v", got, want)
	}
}

func cellText(d rollcall.Date, dims [][]rollcall.Value, row int) string {
	values := []rollcall.Value{}
	for _, column := range dims {
		values = append(values, column[row])
	}
	return fmt.Sprint(d, values)
}

func TestFirstsOfNothing(t *testing.T) {
	if f, err := fold.ReadFirsts(nil); err != nil || f.Len() != 0 {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, err := fold.ReadFirsts([][]byte{[]byte("nonsense")}); !errors.Is(err, fold.ErrState) {
		t.Fatal(err)
	}
}

// BenchmarkReadFirsts reads a full part of the dictionary.
func BenchmarkReadFirsts(b *testing.B) {
	f := newFeed(b)
	f.draw(b, 900_000) // fewer than the feed cuts at
	f.run(b)
	chunk := f.shards[0].Cut().Users[0]
	var firsts *block.Firsts
	for b.Loop() {
		var err error
		if firsts, err = fold.ReadFirsts([][]byte{chunk}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*firsts.Len()), "ns/user")
	b.ReportMetric(float64(len(chunk))/float64(firsts.Len()), "B/user")
}
