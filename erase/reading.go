package erase

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// Reading gives the records of a log without the events of some users.
func Reading(log eventlog.Fetcher, users record.Users) eventlog.Fetcher {
	return reader{log, func(int, rollcall.Offset) (record.Users, bool) { return users, true }}
}

// reader erases what whose names in a record of a shard and offset; false for nobody.
type reader struct {
	eventlog.Fetcher
	whose func(shard int, at rollcall.Offset) (record.Users, bool)
}

// Fetch is that of the log; a payload with something to erase is in memory of its own.
func (r reader) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	records, err := r.Fetcher.Fetch(ctx, shard, from, until, maxBytes, buf)
	if err != nil {
		return records, err
	}
	for i := range records {
		users, some := r.whose(shard, records[i].Offset)
		if !some || records[i].Count == 0 || records[i].Foreign {
			continue
		}
		if records[i].Payload, _, err = users.Erase(records[i].Payload); err != nil {
			return records[:0], fmt.Errorf("erase from the record at offset %d of shard %d: %w", records[i].Offset, shard, err)
		}
	}
	return records, nil
}
