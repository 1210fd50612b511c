package eventlog

import (
	"context"
	"fmt"
	"slices"
)

// Verify reads every durable frame and checks it against its checksums, its place, and the offsets at which each
// segment says it begins. It gives a *CorruptError for the first damage. It may run beside everything else.
func (l *Log) Verify(ctx context.Context) error {
	l.mu.RLock()
	segments := slices.Clone(l.segments)
	l.mu.RUnlock()
	for i, s := range segments {
		end, err := l.verify(ctx, s)
		for err != nil && l.gone(s) {
			if s = l.numbered(s.number); s == nil {
				break // retention has deleted it
			}
			end, err = l.verify(ctx, s)
		}
		if s == nil {
			continue
		}
		if err == nil && i+1 < len(segments) && !slices.Equal(end.next, segments[i+1].base) {
			err = s.corrupt(&end, errEndEarly)
		}
		if err != nil {
			return fmt.Errorf("verify log: %w", err)
		}
	}
	return nil
}

// verify walks a segment of its own, beside the one that is read.
func (l *Log) verify(ctx context.Context, s *segment) (walk, error) {
	size := s.bytes()
	own, err := l.loader.openSegment(s.path, s.number, size)
	if err != nil {
		return walk{}, err
	}
	aside := &loader{l.fs, &cache{}}
	for own.end.pos < size {
		if err := ctx.Err(); err != nil {
			return walk{}, err
		}
		if err := own.extend(aside, nil); err != nil {
			return walk{}, err
		}
		own.chunks = nil
	}
	return own.end, nil
}

// numbered gives the segment of a number as it is now; nil when there is none.
func (l *Log) numbered(number uint64) *segment {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, s := range l.segments {
		if s.number == number {
			return s
		}
	}
	return nil
}

// gone tells whether a segment was deleted, or written anew, since.
func (l *Log) gone(s *segment) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return !slices.Contains(l.segments, s)
}
