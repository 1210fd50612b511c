package record

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
)

func TestDropsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Drop {
			return Drop{rollcall.Offset(rapid.Uint64().Draw(t, "offset")), int(rapid.Uint32().Draw(t, "row")),
				rapid.IntRange(1, 1<<31).Draw(t, "count"), rapid.Bool().Draw(t, "late")}
		}), 1, 20).Draw(t, "drops")
		var b []byte
		for _, d := range drops {
			b = AppendDrop(b, d)
		}
		if got, err := Drops(b); err != nil || !reflect.DeepEqual(got, drops) {
			t.Fatalf("%v %v, want %v", got, err, drops)
		}
		if _, err := Drops(b[:len(b)-1]); !errors.Is(err, ErrMalformed) && len(b) > 3 {
			t.Fatalf("a cut one: %v", err)
		}
	})
}
