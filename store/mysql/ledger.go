package mysql

import (
	"cmp"
	"context"
	"slices"

	"rollcall/store"
	"rollcall/store/chunk"
)

var upsertLedger = values{"INSERT INTO ~ledger (hour, shard, events, hash0, hash1, hash2, hash3, duplicates, late) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	` ON DUPLICATE KEY UPDATE events = events + VALUES(events), hash0 = hash0 + VALUES(hash0), hash1 = hash1 + VALUES(hash1),
	hash2 = hash2 + VALUES(hash2), hash3 = hash3 + VALUES(hash3), duplicates = duplicates + VALUES(duplicates), late = late + VALUES(late)`}

// ledgerRows lists the rows of all shards in order of key.
func ledgerRows(c *store.Commit) (rows []store.LedgerRow) {
	for i := range c.Shards {
		rows = append(rows, c.Shards[i].Ledger...)
	}
	slices.SortStableFunc(rows, func(a, b store.LedgerRow) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Shard, b.Shard))
	})
	return rows
}

func (s *session) addLedger(ctx context.Context, rows []store.LedgerRow) error {
	return s.execValues(ctx, &upsertLedger, len(rows), func(args []any, i int) []any {
		r := &rows[i]
		limbs := chunk.Limbs(r)
		return append(args, r.Hour, r.Shard, r.Count, limbs[0], limbs[1], limbs[2], limbs[3], r.Duplicates, r.Late)
	})
}

const (
	selectLedger = `SELECT hour, shard, events, hash0, hash1, hash2, hash3, duplicates, late FROM ~ledger
		WHERE hour >= ? AND hour < ? ORDER BY hour, shard`
	selectDropped = `SELECT hour, shard, events, hash0, hash1, hash2, hash3, duplicates, late FROM ~ledger
		WHERE (duplicates > 0 OR late > 0) AND hour >= ? AND hour < ? ORDER BY hour, shard`
)

func (s *session) ledger(ctx context.Context, from, until int64, dropped bool) ([]store.LedgerRow, error) {
	query := selectLedger
	if dropped {
		query = selectDropped
	}
	var rows []store.LedgerRow
	err := s.each(ctx, func(scan func(...any) error) error {
		var r store.LedgerRow
		var limbs [4]uint64
		if err := scan(&r.Hour, &r.Shard, &r.Count, &limbs[0], &limbs[1], &limbs[2], &limbs[3], &r.Duplicates, &r.Late); err != nil {
			return err
		}
		r.HashHi, r.HashLo = chunk.Carry(limbs)
		rows = append(rows, r)
		return nil
	}, query, from, until)
	return rows, err
}
