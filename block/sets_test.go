package block

import (
	"bytes"
	"encoding/hex"
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
		whole := encode(buildSets(setKey, 2, entries))
		var parts []*Sets
		for _, hand := range deal(t, entries, rapid.IntRange(1, 6).Draw(t, "parts")) {
			parts = append(parts, buildSets(setKey, 2, hand))
		}
		if got := encode(MergeSets(parts)); !bytes.Equal(got, whole) {
			t.Fatal("merge of the parts is not the whole")
		}
		slices.Reverse(parts)
		nested := append(parts[:len(parts)/2:len(parts)/2], MergeSets(parts[len(parts)/2:]))
		if got := encode(MergeSets(nested)); !bytes.Equal(got, whole) {
			t.Fatal("merge depends on order or grouping")
		}
	})
}

func TestSetsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := buildSets(setKey, 2, genEntries(t, 2))
		users, masks := s.Encode()
		back := unpack(t, users, append([]byte{}, masks...))
		if !bytes.Equal(encode(back), encode(s)) || !maps.Equal(unions(back.entries()), unions(s.entries())) {
			t.Fatal("round trip changed the sets")
		}
		bare := unpack(t, users, nil)
		if bare.Masks != nil || !slices.Equal(bare.Users, s.Users) || !slices.Equal(bare.Start, back.Start) {
			t.Fatal("the users depend on the masks")
		}
	})
}

func unpack(t interface{ Fatal(...any) }, users, masks []byte) *Sets {
	p, err := OpenSets(users, masks, setKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Sets()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encode(s *Sets) []byte {
	users, masks := s.Encode()
	return append(users, masks...)
}

// The parts of packed sets are united, and each cell can be decoded and marked alone.
func TestPackedParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := genEntries(t, 2)
		for i := range entries {
			entries[i].user &= 1<<20 - 1
		}
		var packed []*Packed
		for _, hand := range deal(t, entries, rapid.IntRange(1, 4).Draw(t, "parts")) {
			users, masks := buildSets(setKey, 2, hand).Encode()
			p, err := OpenSets(users, append([]byte{}, masks...), setKey)
			if err != nil {
				t.Fatal(err)
			}
			packed = append(packed, p)
		}
		whole := buildSets(setKey, 2, entries)
		all := Join(packed)
		united, err := all.Sets()
		if err != nil || !maps.Equal(unions(united.entries()), unions(entries)) || !all.HasMasks() {
			t.Fatal("the parts are not the whole", err)
		}
		for cell := range whole.Len() {
			set, marked := make([]uint64, 1<<14), 0
			for i := range all.Parts {
				for c := range all.Parts[i].Len() {
					if dimsEqual2(all.Parts[i].Dims, c, whole.Dims, cell) {
						n, ok := all.Parts[i].Mark(c, set)
						if marked += n; !ok {
							t.Fatal("mark")
						}
					}
				}
			}
			for _, u := range whole.Users[whole.Start[cell]:whole.Start[cell+1]] {
				if set[u>>6]>>(u&63)&1 == 0 {
					t.Fatalf("user %d is not marked", u)
				}
			}
			if marked != int(whole.Start[cell+1]-whole.Start[cell]) {
				t.Fatalf("cell %d: marked %d", cell, marked)
			}
		}
	})
}

func dimsEqual2(a [][]rollcall.Value, i int, b [][]rollcall.Value, j int) bool {
	for d := range a {
		if a[d][i] != b[d][j] {
			return false
		}
	}
	return true
}

// A mark beyond the end of the set is refused, and nothing outside it is touched.
func TestMarkStaysInside(t *testing.T) {
	users, _ := buildSets(setKey, 0, []entry{{nil, 63, 0}, {nil, 64, 0}}).Encode()
	p, err := OpenSets(users, nil, setKey)
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := p.Parts[0].Mark(0, make([]uint64, 1)); ok || n != 1 {
		t.Fatal(n, ok)
	}
}

// Blobs of the one-blob form are still read.
func TestOldSetsAreRead(t *testing.T) {
	blob, err := hex.DecodeString("021a020301020205010304000201011007010780d0acf30e0c80010040803c7f25818e")
	if err != nil {
		t.Fatal(err)
	}
	want := buildSets(setKey, 2, []entry{{[]rollcall.Value{2, 3}, 7, 3}, {[]rollcall.Value{2, 3}, 9, 1}, {[]rollcall.Value{2, 4}, 7, 0},
		{[]rollcall.Value{5, 0}, 4_000_000_000, 1<<60 | 1}})
	if got := unpack(t, blob, []byte{}); !bytes.Equal(encode(got), encode(want)) {
		t.Fatalf("%+v", got)
	}
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
	users, masks := buildSets(setKey, 1, []entry{{make([]rollcall.Value, 1), 7, 3}}).Encode()
	for _, blob := range [][]byte{users, masks} {
		for i := range blob {
			blob[i] ^= 4
			if _, err := OpenSets(users, masks, setKey); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d: %v", i, err)
			}
			blob[i] ^= 4
		}
	}
	if _, err := OpenSets(users, []byte{}, setKey); !errors.Is(err, ErrCorrupt) {
		t.Fatal("masks that are gone", err)
	}
	other := setKey
	other.Shard++
	if _, err := OpenSets(users, masks, other); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

func FuzzOpenSets(f *testing.F) {
	for _, s := range []*Sets{buildSets(setKey, 0, nil), sampleSets(setKey, 900, 40, 4000)} {
		users, masks := s.Encode()
		f.Add(users[:len(users)-4], append([]byte{formatMasks}, masks...)[:max(len(masks)-3, 1)])
	}
	f.Add([]byte{formatSets}, []byte{})
	f.Fuzz(func(t *testing.T, users, masks []byte) {
		users, masks = seal(bytes.Clone(users), 0, setKey.bytes()), seal(bytes.Clone(masks), 0, setKey.bytes())
		p, err := OpenSets(users, masks, setKey)
		if err != nil {
			return
		}
		n := maxRatio*(len(users)+len(masks)) + 1
		if p.Parts[0].Len() > n {
			t.Fatalf("%d cells from %d bytes", p.Parts[0].Len(), len(users))
		}
		for cell := range p.Parts[0].Len() {
			p.Parts[0].Mark(cell, make([]uint64, 100))
		}
		s, err := p.Sets()
		if err != nil {
			return
		}
		if len(s.Users) > n {
			t.Fatalf("%d users from %d bytes", len(s.Users), len(users))
		}
		if back := unpack(t, firstOf(s.Encode()), nil); !slices.Equal(back.Users, s.Users) {
			t.Fatal("round trip")
		}
	})
}

func firstOf(users, _ []byte) []byte { return users }
