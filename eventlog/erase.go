package eventlog

import (
	"context"
	"fmt"
	"slices"

	"rollcall"
)

// Erased tells what an Erase did.
type Erased struct {
	Events   int64             // erased
	Segments int               // written anew
	Bytes    int64             // that the log has become smaller by
	Until    []rollcall.Offset // by shard: records from here on were not looked at
}

// Erase hands the payloads of all records that are in the log now to erase, which gives those that are to stand in their
// place and the number of events it has erased from them: none, and the payload is left as it is. It ends the last
// segment and writes each segment with such events anew, with the same offsets, times and marks; what was appended
// meanwhile is not looked at. When it returns, no file of the log holds the old payloads; what readers hold stays valid.
// After an error, or a crash, some segments may be done, each of them whole, and Erase can be called again.
//
// It reads the log once, and twice what it writes anew, and needs room for one segment more. progress is told the bytes
// read of total; it may be nil.
func (l *Log) Erase(ctx context.Context, erase func(payload []byte) (out []byte, erased int, err error), progress func(done, total int64)) (Erased, error) {
	l.erasing.Lock()
	defer l.erasing.Unlock()
	var e Erased
	segments, err := l.ended(ctx)
	if err == nil {
		err = l.sweep()
	}
	if err != nil {
		return e, fmt.Errorf("erase: %w", err)
	}
	e.Until = segments[len(segments)-1].base
	segments = segments[:len(segments)-1]
	done, total := int64(0), int64(0)
	for _, s := range segments {
		total += s.bytes()
	}
	for _, s := range segments {
		size := s.bytes()
		if err := l.eraseIn(ctx, s, erase, &e); err != nil {
			return e, fmt.Errorf("erase in %s: %w", s.path, err)
		}
		if done += size; progress != nil {
			progress(done, total)
		}
	}
	return e, nil
}

// ended ends the last segment, and gives all with the new last one.
func (l *Log) ended(ctx context.Context) ([]*segment, error) {
	f, err := l.gather.end()
	if err != nil {
		return nil, err
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.segments), f.err
}

// eraseIn writes a segment anew, if it holds something to erase and was not deleted.
func (l *Log) eraseIn(ctx context.Context, s *segment, erase func([]byte) ([]byte, int, error), e *Erased) error {
	if !l.occupy(s, true) {
		return nil
	}
	defer l.occupy(s, false)
	w := rewriting{l: l, old: s, erase: erase}
	if found, err := w.needed(ctx); err != nil || !found {
		return err
	}
	fresh, err := w.write(ctx)
	if err != nil {
		return err
	}
	e.Events, e.Segments, e.Bytes = e.Events+w.erased, e.Segments+1, e.Bytes+s.bytes()-fresh.size
	return l.replace(s, fresh)
}

// occupy keeps retention from a segment, or no longer; false when it is gone already.
func (l *Log) occupy(s *segment, busy bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.busy = busy
	return slices.Contains(l.segments, s)
}

// replace shows the new edition of a segment to readers and deletes the old one.
func (l *Log) replace(old, fresh *segment) error {
	l.mu.Lock()
	l.segments = slices.Clone(l.segments)
	l.segments[slices.Index(l.segments, old)] = fresh
	l.total += fresh.size - old.bytes()
	l.mu.Unlock()
	old.mu.Lock()
	l.loader.cache.remove(old.chunks)
	old.mu.Unlock()
	if err := l.fs.Remove(old.path); err != nil {
		return err
	}
	l.logger.Info("log segment written anew", "file", fresh.path)
	return l.fs.SyncDir(l.cfg.Dir)
}
