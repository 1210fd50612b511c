package eventlog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"
)

// run is the flusher: it writes one frame after the other. The next is begun only when the one before is durable or
// was undone, so that a crash leaves at most one unfinished frame, the last.
func (l *Log) run() {
	defer close(l.stopped)
	var failed error
	for f := l.gather.take(); f != nil; f = l.gather.take() {
		if failed == nil {
			failed = l.flush(f)
		} else {
			f.err = failed
		}
		close(f.done)
	}
	if failed == nil && !l.last().end.sealed {
		l.sealLog()
	}
}

// sealLog writes an empty frame, so that damage to the frame before it can't be taken for an unfinished write.
func (l *Log) sealLog() {
	f := newFrame(nil)
	if _ = l.flush(f); f.err != nil {
		l.logger.Warn("log was not sealed on closing", "dir", l.cfg.Dir, "error", f.err)
	}
}

// flush makes f durable. The log goes on after f.err, but not after the error that flush returns.
func (l *Log) flush(f *frame) error {
	at, err := l.write(f)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrFull):
		f.err = fmt.Errorf("append to %s: %w", at, err)
		return nil
	default:
		f.err = fmt.Errorf("append to %s: %w: %w: open it again when the cause is gone", at, ErrUnavailable, err)
		l.logger.Error("log failed", "error", f.err)
		l.gather.refuse(f.err)
		return f.err
	}
}

func (l *Log) write(f *frame) (at string, err error) {
	s := l.last()
	if s.end.pos >= l.cfg.SegmentBytes || s.whole > 0 || f.ends && !slices.Equal(s.base, s.end.next) {
		if err := l.roll(); err != nil {
			return s.path, err
		}
		s = l.last()
	}
	if err := l.makeRoom(int64(len(f.buf))); err != nil {
		return s.path, err
	}
	v := f.seal(s.id, &s.end, max(l.now().UnixMilli(), s.end.received))
	if err := l.writeFile(f.buf, s.end.pos); err != nil {
		return s.path, err
	}
	l.meter.frame(f.events)
	return s.path, l.publish(s, v)
}

// writeFile writes b at pos and makes it durable. When the disk is full it undoes the write.
func (l *Log) writeFile(b []byte, pos int64) error {
	if err := writeAll(l.file, b, pos); err != nil {
		if !isFull(err) {
			return err
		}
		if err := l.file.Truncate(pos); err != nil {
			return err
		}
		if err := l.sync(l.file); err != nil {
			return err
		}
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return l.sync(l.file)
}

func writeAll(f File, b []byte, pos int64) error {
	n, err := f.WriteAt(b, pos)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

func (l *Log) sync(f File) error {
	start := time.Now()
	err := f.Sync()
	l.meter.sync(time.Since(start))
	return err
}

// publish shows a durable frame to the readers. Who saw a record of it finds next behind that record from then on.
func (l *Log) publish(s *segment, v view) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := s.append(l.loader, v, func(m Mark) { applyMark(l.marks, m) }); err != nil {
		return err
	}
	l.total += int64(frameHead + len(v.body))
	for shard, next := range s.end.next {
		if next == l.next[shard] {
			continue
		}
		l.next[shard] = next
		if l.news[shard] != nil {
			close(l.news[shard])
			l.news[shard] = nil
		}
	}
	return nil
}

func applyMark(marks map[string]int64, m Mark) {
	if m.Done {
		delete(marks, m.Source)
	} else {
		marks[m.Source] = m.Position
	}
}

// last is the segment that is written.
func (l *Log) last() *segment {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.segments[len(l.segments)-1]
}
