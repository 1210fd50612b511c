package record

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
)

func TestLimitsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Limits {
			return Limits{rollcall.Offset(rapid.Uint64().Draw(t, "offset")), rapid.Int64().Draw(t, "at"),
				rapid.Int64().Draw(t, "minute"), rapid.Int64().Draw(t, "hour"), rapid.Int64().Draw(t, "late")}
		}), 1, 5).Draw(t, "limits")
		var b []byte
		for _, l := range all {
			b = AppendLimits(b, l)
		}
		if got, err := ReadLimits(b); err != nil || !slices.Equal(got, all) {
			t.Fatalf("%v %v, want %v", got, err, all)
		}
		if _, err := ReadLimits(b[:len(b)-1]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("a cut one: %v", err)
		}
	})
}
