package archive

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"rollcall"
	"rollcall/eventlog"
)

// Behind is a log with the archive behind it: records that the log has let go of come from the archive, the others from the
// log. It reads as a log that was never trimmed, so far as the archive reaches.
type Behind struct {
	archive *Reader
	log     eventlog.Fetcher

	mu    sync.Mutex
	first []rollcall.Offset // by shard: what lies before comes from the archive
}

// ErrKeyed tells that an archive holds hashes of user ids, by which events can't be the log's.
var ErrKeyed = errors.New("the archive holds user ids as hashes (archive.user_key): it can be counted and queried by itself, but neither its events be compared with the ledger, nor be joined with those of the log")

// Behind gives a log with the archive behind it.
func (r *Reader) Behind(log eventlog.Fetcher) (*Behind, error) {
	if r.cfg.UserKey != nil {
		return nil, ErrKeyed
	}
	return &Behind{archive: r, log: log, first: make([]rollcall.Offset, len(r.shards))}, nil
}

// Before gives the archive with the log after it: what the archive has comes from there, whether or not the log has it too.
func (r *Reader) Before(ctx context.Context, log eventlog.Fetcher) (*Behind, error) {
	b, err := r.Behind(log)
	for shard := 0; err == nil && shard < len(b.first); shard++ {
		_, b.first[shard], err = r.Bounds(ctx, shard)
	}
	return b, err
}

// Bounds gives the first offset of the archive, when that reaches to the log, and the end of the log.
func (b *Behind) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	first, next, err = b.log.Bounds(ctx, shard)
	if err != nil {
		return 0, 0, err
	}
	whole, end, err := b.archive.Bounds(ctx, shard)
	if err != nil {
		return 0, 0, err
	}
	if end >= first {
		first = min(first, whole)
	}
	return first, next, nil
}

// Fetch asks the log, and the archive for what it has let go of.
func (b *Behind) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	for from >= b.begins(shard) {
		records, err := b.log.Fetch(ctx, shard, from, until, maxBytes, buf)
		if !errors.Is(err, eventlog.ErrTrimmed) {
			return records, err
		}
		first, _, err := b.log.Bounds(ctx, shard)
		if err != nil {
			return records, err
		}
		b.trimmed(shard, first)
	}
	first := b.begins(shard)
	if until == 0 || first < until {
		until = first
	}
	records, err := b.archive.Fetch(ctx, shard, from, until, maxBytes, buf)
	if errors.Is(err, ErrEnd) {
		err = fmt.Errorf("%w: the log begins at %d, and between them is nothing: %w", eventlog.ErrTrimmed, first, err)
	}
	return records, err
}

func (b *Behind) begins(shard int) rollcall.Offset {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first[shard]
}

func (b *Behind) trimmed(shard int, first rollcall.Offset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first[shard] = first
}
