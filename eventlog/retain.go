package eventlog

import (
	"context"
	"fmt"
	"time"
)

// Report raises the floor of some shards to their snapshots, from which records must be kept: those of the slowest reader.
// Until it is called nothing is deleted.
func (l *Log) Report(_ context.Context, progress []Progress) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range progress {
		l.floor[p.Shard] = p.Snapshot
	}
	return nil
}

// Retain deletes the oldest segments, as long as they are older than MaxAge or the log is larger than MaxBytes, and lie
// below the floor. It runs by itself when a segment ends and when the log is full. It gives the number of segments deleted.
func (l *Log) Retain(now time.Time) (int, error) { return l.retain(now, 0) }

// retain deletes old segments so that need more bytes have room.
func (l *Log) retain(now time.Time, need int64) (int, error) {
	l.retaining.Lock()
	defer l.retaining.Unlock()
	for n := 0; ; n++ {
		s := l.detach(now, need)
		if s == nil {
			return n, nil
		}
		if err := l.delete(s); err != nil {
			return n, fmt.Errorf("retain: %w", err)
		}
	}
}

// detach takes the oldest segment off the list, if it may go.
func (l *Log) detach(now time.Time, need int64) *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segments) < 2 || l.segments[0].busy {
		return nil
	}
	oldest, after := l.segments[0], l.segments[1]
	old := l.cfg.MaxAge > 0 && after.received < now.Add(-l.cfg.MaxAge).UnixMilli()
	large := l.cfg.MaxBytes > 0 && l.total+need > l.cfg.MaxBytes
	if !old && !large || !notBefore(l.floor, after.base) {
		return nil
	}
	l.segments, l.total = l.segments[1:], l.total-oldest.bytes()
	return oldest
}

// delete deletes the file of a detached segment, or attaches it again. The directory is synced each time, so that a
// crash leaves no gap.
func (l *Log) delete(s *segment) error {
	if err := l.fs.Remove(s.path); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.segments, l.total = append([]*segment{s}, l.segments...), l.total+s.bytes()
		return err
	}
	s.mu.Lock()
	l.loader.cache.remove(s.chunks)
	s.mu.Unlock()
	l.logger.Info("log segment deleted", "file", s.path)
	return l.fs.SyncDir(l.cfg.Dir)
}

// makeRoom sees to it that need more bytes stay below MaxBytes.
func (l *Log) makeRoom(need int64) error {
	if l.cfg.MaxBytes == 0 || l.bytes()+need <= l.cfg.MaxBytes {
		return nil
	}
	if _, err := l.retain(l.now(), need); err != nil {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	if size := l.bytes(); size+need > l.cfg.MaxBytes {
		return fmt.Errorf("%w: it has %d bytes of at most %d, and the oldest are still needed", ErrFull, size, l.cfg.MaxBytes)
	}
	return nil
}

func (l *Log) bytes() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.total
}
