package sqlite

import (
	"context"

	"rollcall/store"
	"rollcall/store/chunk"
)

var upsertLedger = values{"INSERT INTO ledger (hour, shard, count, hash0, hash1, hash2, hash3, duplicates, late) VALUES ", "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	` ON CONFLICT DO UPDATE SET count = count + excluded.count, hash0 = hash0 + excluded.hash0, hash1 = hash1 + excluded.hash1,
	hash2 = hash2 + excluded.hash2, hash3 = hash3 + excluded.hash3, duplicates = duplicates + excluded.duplicates, late = late + excluded.late`}

// addLedger adds the deltas; a hash goes as its four 32-bit limbs, lowest first.
func (s *session) addLedger(ctx context.Context, c *store.Commit) error {
	for i := range c.Shards {
		rows := c.Shards[i].Ledger
		err := s.execValues(ctx, &upsertLedger, len(rows), func(args []any, i int) []any {
			r := &rows[i]
			limbs := chunk.Limbs(r)
			return append(args, r.Hour, r.Shard, r.Count, limbs[0], limbs[1], limbs[2], limbs[3], r.Duplicates, r.Late)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	selectLedger = `SELECT hour, shard, count, hash0, hash1, hash2, hash3, duplicates, late FROM ledger
		WHERE hour >= ? AND hour < ? ORDER BY hour, shard`
	selectDropped = `SELECT hour, shard, count, hash0, hash1, hash2, hash3, duplicates, late FROM ledger
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
