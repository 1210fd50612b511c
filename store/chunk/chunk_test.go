package chunk

import (
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"rollcall/store"
)

// Sums of limbs stand for the sum of the hashes mod 2^128.
func TestLimbsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var limbs [4]uint64
		var hi, lo uint64
		for range rapid.IntRange(0, 50).Draw(t, "rows") {
			r := store.LedgerRow{HashHi: rapid.Uint64().Draw(t, "high"), HashLo: rapid.Uint64().Draw(t, "low")}
			for i, l := range Limbs(&r) {
				limbs[i] += uint64(l)
			}
			var carry uint64
			lo, carry = bits.Add64(lo, r.HashLo, 0)
			hi, _ = bits.Add64(hi, r.HashHi, carry)
		}
		if gotHi, gotLo := Carry(limbs); gotHi != hi || gotLo != lo {
			t.Fatalf("%x %x, want %x %x", gotHi, gotLo, hi, lo)
		}
	})
}

// What State adds after it has removed is what follows the last full chunk of each key.
func TestStateKeepsWhatFollowsTheLastFullChunk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &store.Commit{Shards: make([]store.ShardCommit, 1)}
		want, full := map[Key]string{}, map[Key]bool{}
		for range rapid.IntRange(0, 12).Draw(t, "chunks") {
			st := store.StateChunk{Key: store.StateKey{Kind: store.IDs, Part: rapid.Int64Range(0, 2).Draw(t, "part")},
				Full: rapid.Bool().Draw(t, "full"), Data: []byte{rapid.Byte().Draw(t, "data")}}
			c.Shards[0].State = append(c.Shards[0].State, st)
			k := StateKey(st.Key)
			if st.Full {
				want[k], full[k] = "", true
			}
			want[k] += string(st.Data)
		}
		replaced, added := State(c)
		got := map[Key]string{}
		for _, a := range added {
			got[a.Key] += string(a.Data)
		}
		for k := range want {
			if got[k] != want[k] {
				t.Fatalf("%v: %q, want %q", k, got[k], want[k])
			}
		}
		for _, k := range replaced {
			if !full[k] {
				t.Fatalf("%v is replaced", k)
			}
			delete(full, k)
		}
		if len(full) > 0 {
			t.Fatalf("%v are not replaced", full)
		}
	})
}
