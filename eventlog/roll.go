package eventlog

import (
	"errors"
	"fmt"
	"maps"

	"rollcall"
)

// roll ends the last segment and begins the next, then lets retention run.
func (l *Log) roll() error {
	last := l.last()
	h := header{id: last.id, number: last.number + 1, seq: last.end.seq, received: last.end.received,
		before: last.known(last.end.pos), base: append([]rollcall.Offset(nil), last.end.next...), marks: maps.Clone(l.marks)}
	if err := l.begin(h); err != nil {
		return err
	}
	last.mu.Lock()
	last.settle(l.loader)
	last.mu.Unlock()
	if _, err := l.Retain(l.now()); err != nil {
		l.logger.Error("log retention failed", "error", err)
	}
	return nil
}

// begin creates the file of a segment and makes it the last. When the disk is full it leaves nothing behind.
func (l *Log) begin(h header) error {
	path, b := segmentPath(l.cfg.Dir, h.number), h.encode()
	f, err := l.create(path, b)
	if err != nil {
		if isFull(err) && !errors.Is(err, errCreated) {
			_ = l.fs.Remove(path) // what is left is cut off on opening, or overwritten by the next attempt
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			_ = f.Close()
			return err
		}
	}
	l.file = f
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, &segment{header: h, path: path, size: int64(len(b)), end: h.walk(len(b))})
	l.total += int64(len(b))
	return nil
}

var errCreated = errors.New("the new segment may be durable")

// create makes a file with content b, durable on return.
func (l *Log) create(path string, b []byte) (File, error) {
	f, err := l.fs.Open(path, true)
	if err != nil {
		return nil, err
	}
	if err = writeAll(f, b, 0); err == nil {
		if err = l.sync(f); err == nil {
			err = l.fs.SyncDir(l.cfg.Dir)
		}
		if err != nil {
			err = fmt.Errorf("%w: %w", errCreated, err)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
