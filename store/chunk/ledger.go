package chunk

import "rollcall/store"

// Limbs gives the 128-bit hash of a row of the ledger as four 32-bit limbs, lowest first: columns that add up in SQL
// without overflow for 2^31 commits of one hour.
func Limbs(r *store.LedgerRow) [4]int64 {
	return [4]int64{int64(uint32(r.HashLo)), int64(r.HashLo >> 32), int64(uint32(r.HashHi)), int64(r.HashHi >> 32)}
}

// Carry gives the 128-bit number of sums of limbs, mod 2^128.
func Carry(limbs [4]uint64) (hi, lo uint64) {
	for i := range 3 {
		limbs[i+1] += limbs[i] >> 32
	}
	return limbs[3]<<32 | limbs[2]&0xffffffff, limbs[1]<<32 | limbs[0]&0xffffffff
}
