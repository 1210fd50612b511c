package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall"
)

// rewriting is a segment that is written anew, without some events.
type rewriting struct {
	l      *Log
	old    *segment
	erase  func(payload []byte) ([]byte, int, error)
	erased int64

	file File
	at   walk   // where the next frame comes
	out  []byte // frames that are not written yet, the last of which ends at at
}

var errFound = errors.New("there is something to erase")

// needed tells whether there is something to erase.
func (w *rewriting) needed(ctx context.Context) (bool, error) {
	err := w.frames(ctx, func(v view) error {
		for b := v.body; len(b) > 0; {
			e, rest, err := cutEntry(b, len(w.old.base))
			if err != nil {
				return err
			}
			b = rest
			if e.shard < 0 {
				continue
			}
			if _, n, err := w.erase(e.payload); err != nil {
				return err
			} else if n > 0 {
				return errFound
			}
		}
		return nil
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	return false, err
}

// frames reads the old segment from end to end, checked against its checksums, its place and the offset at which it ends.
func (w *rewriting) frames(ctx context.Context, visit func(view) error) error {
	s := w.old
	size := s.bytes()
	own, err := w.l.loader.openSegment(s.path, s.number, size)
	if err != nil {
		return err
	}
	place, want := own.end, chunkBytes
	for place.pos < size {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := w.l.loader.read(s.path, place.pos, int(min(int64(want), size-place.pos)))
		if err != nil {
			return err
		}
		if want, err = s.visit(&place, b, visit); err != nil {
			return err
		}
		if place.pos+int64(want) > size && want > chunkBytes || len(b) == 0 {
			return s.corrupt(&place, errPastEnd)
		}
	}
	if after := w.l.numbered(s.number + 1); after == nil || !slices.Equal(after.base, place.next) {
		return s.corrupt(&place, errEndEarly)
	}
	return nil
}

// visit visits the whole frames of b, which lie at w, and tells how many bytes to read next.
func (s *segment) visit(w *walk, b []byte, visit func(view) error) (want int, err error) {
	for len(b) > 0 {
		v, need, err := w.open(s.id, b)
		if err != nil {
			return 0, s.corrupt(w, err)
		}
		if need > len(b) {
			return max(chunkBytes, need), nil
		}
		for body := v.body; len(body) > 0; {
			e, rest, err := cutEntry(body, len(w.next))
			if err != nil {
				return 0, s.corrupt(w, err)
			}
			if body = rest; e.shard >= 0 {
				w.next[e.shard] += rollcall.Offset(e.count)
			}
		}
		if err := visit(v); err != nil {
			return 0, err
		}
		w.pass(v)
		b = b[need:]
	}
	return chunkBytes, nil
}

// write writes the next edition, durable on return. Of one that fails nothing stays.
func (w *rewriting) write(ctx context.Context) (fresh *segment, err error) {
	h := w.old.header
	h.whole, h.was = 1, w.old.known(w.old.bytes())
	head := len(h.encode())
	path := editionPath(w.l.cfg.Dir, h.number, w.old.edition+1)
	if w.file, err = w.l.fs.Open(path, true); err != nil {
		return nil, err
	}
	w.at = h.walk(head)
	err = w.frames(ctx, w.frame)
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = w.l.sync(w.file)
	}
	if err == nil { // the header comes last: it makes the file whole
		h.whole = w.at.pos
		if err = writeAll(w.file, h.encode(), 0); err == nil {
			err = w.l.sync(w.file)
		}
	}
	if err = errors.Join(err, w.file.Close()); err == nil {
		err = w.l.fs.SyncDir(w.l.cfg.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, w.l.fs.Remove(path))
	}
	return &segment{header: h, path: path, edition: w.old.edition + 1, size: h.whole, end: h.walk(head)}, nil
}

// frame writes a frame without the events that are erased from its records.
func (w *rewriting) frame(v view) error {
	f := newFrame(nil)
	for b := v.body; len(b) > 0; {
		e, rest, err := cutEntry(b, len(w.old.base))
		if err != nil {
			return err
		}
		if b = rest; e.shard < 0 {
			f.buf = appendMark(f.buf, &e.mark)
			continue
		}
		out, n, err := w.erase(e.payload)
		if err != nil {
			return err
		}
		w.erased += int64(n)
		f.buf = appendRecord(f.buf, &Record{Shard: e.shard, Count: e.count, Payload: out})
	}
	if len(f.buf) > frameHead+maxBody {
		return fmt.Errorf("a frame would have %d bytes: want at most %d", len(f.buf), frameHead+maxBody)
	}
	w.at.pass(f.seal(w.old.id, &w.at, v.received))
	if w.out = append(w.out, f.buf...); len(w.out) >= chunkBytes {
		return w.flush()
	}
	return nil
}

func (w *rewriting) flush() error {
	err := writeAll(w.file, w.out, w.at.pos-int64(len(w.out)))
	w.out = w.out[:0]
	return err
}
