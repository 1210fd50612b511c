package block

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"rollcall"
)

var setKey = SetKey{Grain: rollcall.Day, Period: 20400, Shard: 2}

func unions(entries []entry) map[string]uint64 {
	m := map[string]uint64{}
	for _, e := range entries {
		m[fmt.Sprint(e.values, e.user)] |= e.mask
	}
	return m
}

func (s *Sets) entries() []entry {
	var es []entry
	for i := range s.Len() {
		var values []rollcall.Value
		for _, col := range s.Dims {
			values = append(values, col[i])
		}
		for j := s.Start[i]; j < s.Start[i+1]; j++ {
			es = append(es, entry{values, s.Users[j], s.Masks[j]})
		}
	}
	return es
}

func TestSetsBuildUnitesAndSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.IntRange(0, 3).Draw(t, "dims")
		entries := genEntries(t, dims)
		s := buildSets(setKey, dims, entries)
		for i := range s.Len() {
			if i > 0 && !dimsLess(s.Dims, i-1, s.Dims, i) {
				t.Fatal("cells not sorted")
			}
			if users := s.Users[s.Start[i]:s.Start[i+1]]; !slices.IsSorted(users) || len(users) == 0 {
				t.Fatal("users not sorted")
			}
		}
		if got, want := unions(s.entries()), unions(entries); !maps.Equal(got, want) || len(got) != len(s.Users) {
			t.Fatalf("%v\n%v", got, want)
		}
	})
}

func TestSetsMergeOfSplitIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := genEntries(t, 2)
		whole := buildSets(setKey, 2, entries).Encode(nil)
		var parts []*Sets
		for _, hand := range deal(t, entries, rapid.IntRange(1, 6).Draw(t, "parts")) {
			parts = append(parts, buildSets(setKey, 2, hand))
		}
		if got := MergeSets(parts).Encode(nil); !bytes.Equal(got, whole) {
			t.Fatal("merge of the parts is not the whole")
		}
		slices.Reverse(parts)
		nested := append(parts[:len(parts)/2:len(parts)/2], MergeSets(parts[len(parts)/2:]))
		if got := MergeSets(nested).Encode(nil); !bytes.Equal(got, whole) {
			t.Fatal("merge depends on order or grouping")
		}
	})
}

func TestSetsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := buildSets(setKey, 2, genEntries(t, 2))
		blob := s.Encode([]byte("before"))[6:]
		back, err := DecodeSets(blob, setKey, true)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Encode(nil), blob) || !maps.Equal(unions(back.entries()), unions(s.entries())) {
			t.Fatal("round trip changed the sets")
		}
		users, err := DecodeSets(blob, setKey, false)
		if err != nil || users.Masks != nil || !slices.Equal(users.Users, s.Users) || !slices.Equal(users.Start, back.Start) {
			t.Fatalf("without masks: %v", err)
		}
	})
}

// Merging without masks must give the users of merging with them.
func TestSetsMergeWithoutMasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var with, without []*Sets
		for range rapid.IntRange(1, 5).Draw(t, "parts") {
			s := buildSets(setKey, 1, genEntries(t, 1))
			bare := *s
			bare.Masks = nil
			with, without = append(with, s), append(without, &bare)
		}
		a, b := MergeSets(with), MergeSets(without)
		if !slices.Equal(a.Users, b.Users) || !slices.Equal(a.Start, b.Start) || b.Masks != nil {
			t.Fatal("masks change the users")
		}
	})
}

func TestDamagedSetsAreCorrupt(t *testing.T) {
	blob := buildSets(setKey, 1, []entry{{make([]rollcall.Value, 1), 7, 3}}).Encode(nil)
	for i := range blob {
		blob[i] ^= 4
		for _, masks := range []bool{false, true} {
			if _, err := DecodeSets(blob, setKey, masks); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d: %v", i, err)
			}
		}
		blob[i] ^= 4
	}
	other := setKey
	other.Shard++
	if _, err := DecodeSets(blob, other, true); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

func FuzzDecodeSets(f *testing.F) {
	for _, s := range []*Sets{buildSets(setKey, 0, nil), sampleSets(setKey, 900, 40, 4000)} {
		blob := s.Encode(nil)
		f.Add(blob[1 : len(blob)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		blob := seal(append([]byte{formatSets}, body...), 0, setKey.bytes())
		s, err := DecodeSets(blob, setKey, true)
		if err != nil {
			return
		}
		if n := maxRatio*len(blob) + 1; s.Len() > n || len(s.Users) > n {
			t.Fatalf("%d cells, %d users from %d bytes", s.Len(), len(s.Users), len(blob))
		}
		if back, err := DecodeSets(s.Encode(nil), setKey, true); err != nil || !slices.Equal(back.Users, s.Users) {
			t.Fatal(err)
		}
	})
}
