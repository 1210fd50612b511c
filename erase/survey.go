package erase

import (
	"context"
	"fmt"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// Survey tells what a log holds of some users.
type Survey struct {
	Events  int64
	Records int64 // that hold them
	Days    map[rollcall.Date]bool
}

const surveyBytes = 1 << 20

// Look reads the whole log up to its end, and decodes what holds events of the users.
func Look(ctx context.Context, log eventlog.Fetcher, shards int, users record.Users, calendar rollcall.Calendar) (Survey, error) {
	s := Survey{Days: map[rollcall.Date]bool{}}
	for shard := range shards {
		at, next, err := log.Bounds(ctx, shard)
		if err != nil {
			return s, err
		}
		var records []eventlog.Record
		for ; at < next; at = records[len(records)-1].Next {
			if records, err = log.Fetch(ctx, shard, at, next, surveyBytes, records); err != nil {
				return s, fmt.Errorf("read shard %d at %d: %w", shard, at, err)
			}
			for i := range records {
				if err := s.add(&records[i], users, calendar); err != nil {
					return s, fmt.Errorf("shard %d: record at offset %d: %w", shard, records[i].Offset, err)
				}
			}
		}
	}
	return s, nil
}

func (s *Survey) add(r *eventlog.Record, users record.Users, calendar rollcall.Calendar) error {
	if r.Count == 0 || r.Foreign {
		return nil
	}
	_, n, err := users.Erase(r.Payload)
	if err != nil || n == 0 {
		return err
	}
	s.Events, s.Records = s.Events+int64(n), s.Records+1
	var b record.Batch
	if err := b.Decode(r.Payload); err != nil {
		return err
	}
	for i := range b.Rows {
		if users.Match(b.Rows[i].User) {
			s.Days[calendar.Date(b.Rows[i].Time)] = true
		}
	}
	return nil
}
