package eventlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"

	"rollcall"
)

// segment is one file of the log: a header and frames. It is indexed by chunks as far as it was walked: up to end. The
// last segment is always indexed whole; an older one is indexed as it is read.
type segment struct {
	header
	path    string
	edition uint64 // how often it was written anew
	busy    bool   // it is being written anew, and may not be deleted; the log's lock guards it

	mu     sync.Mutex
	size   int64 // durable bytes
	end    walk
	chunks []*chunk
	live   *chunk // the last chunk, while the flusher adds to it
}

const segmentSuffix = ".seg"

func segmentPath(dir string, number uint64) string { return editionPath(dir, number, 0) }

// editionPath is the path of a segment that was written anew so many times.
func editionPath(dir string, number, edition uint64) string {
	name := fmt.Sprintf("%020d", number)
	if edition > 0 {
		name += fmt.Sprintf(".%d", edition)
	}
	return filepath.Join(dir, name+segmentSuffix)
}

// segmentNumber tells the number and the edition of a segment's file, if it is one.
func segmentNumber(name string) (number, edition uint64, ok bool) {
	name, ok = strings.CutSuffix(name, segmentSuffix)
	digits, again, anew := strings.Cut(name, ".")
	if !ok || len(digits) != 20 {
		return 0, 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if err == nil && anew {
		edition, err = strconv.ParseUint(again, 10, 64)
	}
	return number, edition, err == nil && anew == (edition > 0)
}

// known is the size that the next segment knows this one to have.
func (s *segment) known(size int64) int64 {
	if s.whole > 0 {
		return s.was
	}
	return size
}

// loader reads chunks from files and keeps the newest in memory.
type loader struct {
	fs    FS
	cache *cache
}

// read gives the n bytes of the file at pos, or those that there are.
func (l *loader) read(path string, pos int64, n int) ([]byte, error) {
	f, err := l.fs.Open(path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &CorruptError{File: path, Reason: "the file is missing"}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	b := make([]byte, n)
	got, err := f.ReadAt(b, pos)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return b[:got], nil
}

// openSegment reads the header of a segment's file of size bytes.
func (l *loader) openSegment(path string, number uint64, size int64) (*segment, error) {
	b, err := l.read(path, 0, int(min(size, 64<<10)))
	if err != nil {
		return nil, err
	}
	h, need, err := decodeHeader(b)
	if err == nil && need > len(b) && int64(need) <= size {
		if b, err = l.read(path, 0, need); err == nil {
			h, need, err = decodeHeader(b)
		}
	}
	if errors.Is(err, errVersion) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if errors.Is(err, ErrUnavailable) {
		return nil, err
	}
	if err != nil || need > len(b) || h.number != number {
		return nil, &CorruptError{File: path, Reason: errHeader.Error()}
	}
	if h.whole > 0 && h.whole != size {
		return nil, &CorruptError{File: path, Offset: min(size, h.whole), Reason: fmt.Sprintf("the file has %d bytes and ought to have %d", size, h.whole)}
	}
	return &segment{header: h, path: path, size: size, end: h.walk(need)}, nil
}

// chunkAt gives the chunk with the record that covers from, which the segment must hold.
func (s *segment) chunkAt(l *loader, shard int, from rollcall.Offset) (*chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.end.next[shard] <= from {
		if err := s.extend(l, nil); err != nil {
			return nil, err
		}
	}
	i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].start.next[shard] > from })
	return s.chunks[i-1], nil
}

// extend walks on over the next chunk and indexes it.
func (s *segment) extend(l *loader, mark func(Mark)) error {
	if s.end.pos >= s.size {
		return s.corrupt(&s.end, errEndEarly)
	}
	w := s.end.clone()
	c := &chunk{segment: s, start: s.end.clone(), records: make([][]Record, len(s.base))}
	n := int(min(chunkBytes, s.size-w.pos))
	for {
		b, err := l.read(s.path, w.pos, n)
		if err != nil {
			return err
		}
		need, err := c.fill(&w, b, mark)
		if w.pos > c.start.pos {
			break // what is damaged behind the chunk is found when it is read
		}
		if err == nil && (w.pos+int64(need) > s.size || len(b) < n) {
			err = errPastEnd
		}
		if err != nil {
			return s.corrupt(&w, err)
		}
		n = need
	}
	s.chunks, s.end = append(s.chunks, c), w
	l.cache.put(c)
	return nil
}

// append adds a frame that has become durable.
func (s *segment) append(l *loader, v view, mark func(Mark)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live = &chunk{segment: s, start: s.end.clone(), records: make([][]Record, len(s.base))}
		s.chunks = append(s.chunks, s.live)
	}
	if err := s.live.add(&s.end, v, mark); err != nil {
		return s.corrupt(&s.end, err)
	}
	s.size = s.end.pos
	if s.live.end-s.live.start.pos >= chunkBytes {
		s.settle(l)
	}
	return nil
}

// settle ends the live chunk: from now on it may leave memory.
func (s *segment) settle(l *loader) {
	if s.live != nil {
		l.cache.put(s.live)
		s.live = nil
	}
}

func (s *segment) bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

func (s *segment) corrupt(w *walk, reason error) error {
	return &CorruptError{File: s.path, Offset: w.pos, Reason: reason.Error()}
}
