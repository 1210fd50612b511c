package reshard

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/eventlog"
)

// fetchBytes is what is read of a shard at a time.
const fetchBytes = 1 << 20

// cursor is where the copying of one shard is.
type cursor struct {
	shard     int
	next, end rollcall.Offset
	records   []eventlog.Record // read and not copied
	buf       []eventlog.Record
}

// head gives the next record, nil at the end.
func (u *cursor) head(ctx context.Context, from Source) (*eventlog.Record, error) {
	if len(u.records) == 0 && u.next < u.end {
		var err error
		if u.buf, err = from.Fetch(ctx, u.shard, u.next, u.end, fetchBytes, u.buf); err != nil {
			return nil, err
		}
		u.records = u.buf
	}
	if len(u.records) == 0 {
		return nil, nil
	}
	return &u.records[0], nil
}

func (u *cursor) pass() {
	u.next, u.records = u.records[0].Next, u.records[1:]
}

// copy copies what is in the log by now: all of it up to one instant, so that what comes later was received later.
func (c *Copy) copy(ctx context.Context) error {
	var cursors []*cursor
	ends := c.from.Ends()
	for shard, end := range ends {
		if c.at[shard] < end {
			cursors = append(cursors, &cursor{shard: shard, next: c.at[shard], end: end})
		}
	}
	received := int64(0)
	for {
		u, r, err := oldest(ctx, c.from, cursors)
		if err != nil {
			return err
		}
		if u == nil {
			break
		}
		if r.Received != received {
			if err := c.append(ctx, received); err != nil {
				return err
			}
			received = r.Received
		}
		if err := c.add(ctx, r); err != nil {
			return fmt.Errorf("shard %d, offset %d: %w", r.Shard, r.Offset, err)
		}
		u.pass()
	}
	err := c.append(ctx, received)
	c.at = ends
	return err
}

// oldest gives the record that the log received first, of those not copied.
func oldest(ctx context.Context, from Source, cursors []*cursor) (first *cursor, r *eventlog.Record, err error) {
	for _, u := range cursors {
		head, err := u.head(ctx, from)
		if err != nil {
			return nil, nil, err
		}
		if head != nil && (r == nil || head.Received < r.Received) {
			first, r = u, head
		}
	}
	return first, r, nil
}
