package verify

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// TestStanding draws days, versions and findings, and computes how far all is verified the plain way.
func TestStanding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const today = 12
		h := &store.Head{Build: 2}
		var kept []store.Verified
		good, bad, pending := map[rollcall.Date]bool{}, 0, 0
		var days []rollcall.Date
		for d := rollcall.Date(0); d < 15; d++ {
			if rapid.IntRange(0, 3).Draw(t, "has data") == 0 {
				continue
			}
			version := rapid.Uint64Range(1, 3).Draw(t, "version")
			h.Stamps[store.DayClock] = append(h.Stamps[store.DayClock], store.Stamp{Period: block.Period(d), Version: version})
			v := store.Verified{Day: d, Build: rapid.SampledFrom([]uint32{1, 2, 2, 2}).Draw(t, "build"), Version: rapid.Uint64Range(version-1, version).Draw(t, "verified"),
				At: int64(d), Took: int64(d), Differences: rapid.SampledFrom([]int64{0, 0, 0, 0, 7}).Draw(t, "differences")}
			there := rapid.IntRange(0, 9).Draw(t, "verified at all") > 0
			if there {
				kept = append(kept, v)
			}
			if d >= today {
				continue
			}
			days = append(days, d)
			switch current := there && v.Build == 2 && v.Version == version; {
			case !current:
				pending++
			case v.Differences > 0:
				bad++
			default:
				good[d] = true
			}
		}
		whole := rapid.SampledFrom([]int64{0, 0, 0, 1}).Draw(t, "of the whole")
		kept = append(kept, store.Verified{Day: store.WholeLog, Build: 2, Differences: whole})
		if whole > 0 {
			bad++
		}
		var through *rollcall.Date
		for _, d := range days {
			if !good[d] || whole > 0 {
				break
			}
			through = &d
		}
		s := StandingOf(h, kept, math.MinInt32, today)
		if !reflect.DeepEqual(s.Through, through) || s.Days != len(days) || s.Good != len(good) || len(s.Bad) != bad || len(s.Pending) != pending {
			t.Fatalf("%+v; want %d days, %d good, %d bad, %d pending, through %v", s, len(days), len(good), bad, pending, through)
		}
	})
}
