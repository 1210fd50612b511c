package archive

import "context"

// Small makes an archive write small row groups.
func (a *Archive) Small(rows int64) { a.columns.group = rows }

// Small makes a reader hold few rows in memory.
func (r *Reader) Small(rows int64) { r.held = rows }

// Pass writes what is committed and merges nothing.
func (a *Archive) Pass(ctx context.Context, shard int) error {
	for {
		if more, err := a.pass(ctx, shard); !more || err != nil {
			return err
		}
	}
}

// Merge merges some files, or all of a day.
func (a *Archive) Merge(shard int, all bool) error {
	_, err := a.merge(shard, all)
	return err
}

// Round does the steps of a shard, and does not merge all of a day.
func (a *Archive) Round(ctx context.Context, shard int) error {
	for {
		if more, err := a.step(ctx, shard, false); !more || err != nil {
			return err
		}
	}
}
