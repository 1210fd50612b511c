package eventlog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"rollcall"
)

// recover finds the segments, checks that they follow each other, and walks the last one to its durable end.
func (l *Log) recover() error {
	files, err := l.fs.List(l.cfg.Dir)
	if err != nil {
		return err
	}
	if err := l.openSegments(files); err != nil {
		return err
	}
	if len(l.segments) == 0 {
		return l.found()
	}
	last := l.segments[len(l.segments)-1]
	l.marks = last.marks
	if err := l.walkLast(last); err != nil {
		return err
	}
	l.next = append([]rollcall.Offset(nil), last.end.next...)
	l.file, err = l.fs.Open(last.path, false)
	if err == nil && last.end.pos < last.size {
		err = l.cutTail(last)
	}
	for _, s := range l.segments {
		l.total += s.size
	}
	return err
}

// found begins a new log.
func (l *Log) found() error {
	var id [4]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	l.marks, l.next = map[string]int64{}, make([]rollcall.Offset, l.cfg.Shards)
	return l.begin(header{id: binary.LittleEndian.Uint32(id[:]), number: 1, seq: 1, base: make([]rollcall.Offset, l.cfg.Shards)})
}

func (l *Log) openSegments(files []FileInfo) error {
	found, err := l.latest(segmentFiles(files))
	if err != nil {
		return err
	}
	for i, f := range found {
		path := editionPath(l.cfg.Dir, f.number, f.edition)
		s, err := l.loader.openSegment(path, f.number, f.size)
		if err != nil && i == len(found)-1 && (i > 0 || f.number == 1) {
			return l.dropUnborn(path, f.size, err)
		}
		if err != nil {
			return err
		}
		s.edition = f.edition
		if err := l.follow(s); err != nil {
			return err
		}
		l.segments = append(l.segments, s)
	}
	return nil
}

// follow checks that s comes after the last segment.
func (l *Log) follow(s *segment) error {
	if len(s.base) != l.cfg.Shards {
		return fmt.Errorf("the log has %d shards and the configuration says %d: set log.shards to %d",
			len(s.base), l.cfg.Shards, len(s.base))
	}
	if len(l.segments) == 0 {
		return nil
	}
	p := l.segments[len(l.segments)-1]
	switch {
	case s.number != p.number+1:
		return &CorruptError{File: segmentPath(l.cfg.Dir, p.number+1), Reason: "the file is missing"}
	case s.id != p.id || s.seq < p.seq || !notBefore(s.base, p.base):
		return &CorruptError{File: s.path, Reason: "the segment does not belong to the one before it"}
	case s.before != p.known(p.size):
		return &CorruptError{File: p.path, Offset: min(s.before, p.size), Reason: fmt.Sprintf("the file has %d bytes and ought to have %d", p.size, s.before)}
	}
	return nil
}

func notBefore(a, b []rollcall.Offset) bool {
	for i := range a {
		if a[i] < b[i] {
			return false
		}
	}
	return true
}

// dropUnborn deletes the last segment when a crash came while its header was written: nothing can have followed.
func (l *Log) dropUnborn(path string, size int64, cause error) error {
	var corrupt *CorruptError
	if !errors.As(cause, &corrupt) {
		return cause
	}
	found, err := l.frameBehind(path, size, 0, nil)
	if err != nil {
		return err
	}
	if found {
		return cause
	}
	l.logger.Warn("log: a segment that was never begun is deleted", "file", path, "bytes", size)
	if err := l.fs.Remove(path); err != nil {
		return err
	}
	return l.fs.SyncDir(l.cfg.Dir)
}

// walkLast indexes the last segment. A damaged frame ends the walk if it can be an unfinished write: if no whole frame
// follows.
func (l *Log) walkLast(s *segment) error {
	for s.end.pos < s.size {
		err := s.extend(l.loader, func(m Mark) { applyMark(s.marks, m) })
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) {
			if err != nil {
				return err
			}
			continue
		}
		if corrupt.Reason == errEntry.Error() {
			return err
		}
		found, err := l.frameBehind(s.path, s.size, s.end.pos, &s.end)
		if err != nil {
			return err
		}
		if found {
			return corrupt
		}
		return nil
	}
	return nil
}

// frameBehind tells whether a whole frame lies anywhere behind pos: one of this log later than w, or, without w, of any.
func (l *Log) frameBehind(path string, size, pos int64, w *walk) (bool, error) {
	for ; pos < size; pos += chunkBytes {
		b, err := l.loader.read(path, pos, int(min(chunkBytes+frameHead, size-pos)))
		if err != nil {
			return false, err
		}
		for i := 0; i+frameHead <= len(b); i++ {
			if binary.LittleEndian.Uint32(b[i:]) != frameMagic {
				continue
			}
			if ok, err := l.wholeFrame(path, pos+int64(i), b[i:], w); ok || err != nil {
				return ok, err
			}
		}
	}
	return false, nil
}

// wholeFrame tells whether a frame with the header head lies at pos.
func (l *Log) wholeFrame(path string, pos int64, head []byte, w *walk) (bool, error) {
	if binary.LittleEndian.Uint64(head[16:]) != uint64(pos) {
		return false, nil
	}
	if w != nil && !l.later(head, pos, w) {
		return false, nil
	}
	n := binary.LittleEndian.Uint32(head[4:])
	if n > maxBody {
		return false, nil
	}
	body, err := l.loader.read(path, pos+frameHead, int(n))
	return err == nil && len(body) == int(n) && crc32.Checksum(body, castagnoli) == binary.LittleEndian.Uint32(head[32:]), err
}

// later tells whether head is the header of a frame of this log, at pos, that comes after w.
func (l *Log) later(head []byte, pos int64, w *walk) bool {
	_, err := checkHead(l.segments[0].id, head, pos)
	return err == nil && binary.LittleEndian.Uint64(head[8:]) > w.seq
}

// cutTail makes the end of the last segment what the walk found.
func (l *Log) cutTail(s *segment) error {
	l.logger.Warn("log: an unfinished write is cut off; nothing in it was acknowledged", "file", s.path, "at", s.end.pos, "bytes", s.size-s.end.pos)
	if err := l.file.Truncate(s.end.pos); err != nil {
		return err
	}
	s.size = s.end.pos
	return l.sync(l.file)
}
