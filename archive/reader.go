package archive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"rollcall"
	"rollcall/eventlog"
	"rollcall/record"
)

// Reader gives the records of the log back from the files, accepted and dropped rows alike, in log order: an
// eventlog.Fetcher. It changes nothing, and may read beside the process that writes. A record has the Offset, Next, Count,
// Received and rows that it had; its payload is encoded anew and means the same, so that hashes of events are those of the
// ledger. Records that were no events of ours are gaps.
//
// What a file lacks, or has twice, is an error with the names; nothing is passed over. Rows that were erased are erased rows of
// their record, or, at its end, a gap; as many may be missing as the manifest says were erased.
type Reader struct {
	cfg    Config
	place  Place
	users  *userNames
	held   int64 // rows in memory, of each shard that is read
	shards []shardReader
}

// shardReader goes through one shard, from call to call.
type shardReader struct {
	mu   sync.Mutex
	rows *merged // nil before the first call and after an error
	next rollcall.Offset
	end  rollcall.Offset
	gone int64 // rows that may be missing, since they were erased
	enc  *record.Encoder
	ev   rollcall.Event
}

// OpenReader reads the manifests, and refuses those that New would refuse.
func OpenReader(cfg Config, place Place, shards int) (*Reader, error) {
	r := &Reader{cfg: cfg, place: place, users: newUserNames(cfg.UserKey), held: heldRows, shards: make([]shardReader, shards)}
	for shard := range r.shards {
		r.shards[shard].enc = record.NewEncoder(cfg.Dimensions)
		if _, err := r.manifest(shard); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Reader) manifest(shard int) (*manifest, error) {
	m, err := readManifest(&r.cfg, r.users, r.place, shard)
	for range 8 {
		if !replaced(err) {
			break
		}
		m, err = readManifest(&r.cfg, r.users, r.place, shard)
	}
	if err != nil {
		return nil, fmt.Errorf("archive: %s: %w", manifestName(shard), err)
	}
	return m, nil
}

// replaced tells whether a manifest may have been replaced while it was read: it was not there, or was read in part, since some
// servers tell the size of the one before.
func replaced(err error) bool {
	syntax := (*json.SyntaxError)(nil)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &syntax)
}

// Bounds gives the first offset from which on the archive is whole, and the offset behind its last record.
func (r *Reader) Bounds(_ context.Context, shard int) (first, next rollcall.Offset, err error) {
	if shard < 0 || shard >= len(r.shards) {
		return 0, 0, fmt.Errorf("archive: shard %d of %d", shard, len(r.shards))
	}
	m, err := r.manifest(shard)
	if err != nil {
		return 0, 0, err
	}
	return m.first(), m.Next, nil
}

// ErrEnd tells that the archive has no record there yet.
var ErrEnd = errors.New("the archive ends before the offset")

// Fetch is that of eventlog.Fetcher, but waits for nothing: ErrEnd (wrapped) at the end of the archive. from must be where a
// record begins. eventlog.ErrTrimmed when some of what lies there was deleted by age, or never archived.
func (r *Reader) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	buf = buf[:0]
	if shard < 0 || shard >= len(r.shards) {
		return buf, fmt.Errorf("archive: shard %d of %d", shard, len(r.shards))
	}
	s := &r.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for range 8 { // files may be merged meanwhile: then the manifest names others
		if err = ctx.Err(); err != nil {
			break
		}
		if buf, err = r.fetch(s, shard, from, until, maxBytes, buf); err == nil || len(buf) > 0 {
			return buf, nil // the next Fetch meets the error
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return buf, fmt.Errorf("archive: shard %d at %d: %w", shard, from, err)
}

func (r *Reader) fetch(s *shardReader, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) (_ []eventlog.Record, err error) {
	defer func() {
		if err != nil {
			s.rows = nil
		}
	}()
	if s.rows == nil || s.next != from || from >= s.end {
		if err := r.seek(s, shard, from); err != nil {
			return buf, err
		}
	}
	for size := 0; size < maxBytes || len(buf) == 0; size += len(buf[len(buf)-1].Payload) {
		at, ok, err := s.rows.offset()
		if err != nil {
			return buf, err
		}
		if !ok || until > 0 && at >= until {
			return r.gap(s, shard, until, at, ok, buf)
		}
		next, is := s.erased(shard, at, r.cfg.RecordOffsets)
		if !is {
			if next, err = r.next(s, shard); err != nil {
				return buf, err
			}
		}
		s.next = next.Next
		buf = append(buf, next)
	}
	return buf, nil
}

// erased gives the place of records before at of which nothing is left, if so much was erased.
func (s *shardReader) erased(shard int, at rollcall.Offset, recordOffsets bool) (gap eventlog.Record, is bool) {
	if n := int64(at) - int64(s.next); recordOffsets || n <= 0 || n > s.gone {
		return gap, false
	}
	s.gone -= int64(at - s.next)
	return eventlog.Record{Shard: shard, Offset: s.next, Next: at}, true
}

// gap ends a Fetch at until, or at the end. What lies there and was no events is a record of none.
func (r *Reader) gap(s *shardReader, shard int, until, at rollcall.Offset, ok bool, buf []eventlog.Record) ([]eventlog.Record, error) {
	end := s.end
	if ok {
		end = at
	}
	if until > 0 {
		end = min(end, until)
	}
	if end <= s.next {
		return buf, nil
	}
	if !r.cfg.RecordOffsets {
		if int64(end-s.next) > s.gone {
			return buf, fmt.Errorf("the events from offset %d up to %d are in no file", s.next, end)
		}
		s.gone -= int64(end - s.next)
	}
	gap := eventlog.Record{Shard: shard, Offset: s.next, Next: end}
	s.next = end
	return append(buf, gap), nil
}

// next makes a record of the rows of one.
func (r *Reader) next(s *shardReader, shard int) (eventlog.Record, error) {
	out := eventlog.Record{Shard: shard}
	s.enc.Reset()
	for {
		at, ok, err := s.rows.offset()
		if err != nil {
			return out, err
		}
		if s.enc.Count() > 0 && (!ok || at != out.Offset) {
			break
		}
		c := s.rows.top()
		out.Offset, out.Received = at, c.received[c.i]
		if err := s.inOrder(c, r.cfg.RecordOffsets); err != nil {
			return out, err
		}
		c.event(&s.ev)
		s.enc.Add(&s.ev)
		s.rows.step()
	}
	out.Count, out.Next, out.Payload = s.enc.Count(), out.Offset+1, bytes.Clone(s.enc.Bytes())
	if !r.cfg.RecordOffsets {
		out.Next = out.Offset + rollcall.Offset(out.Count)
	}
	return out, nil
}

// inOrder tells whether the next row is the one that must come, as far as one can know.
func (s *shardReader) inOrder(c *cursor, recordOffsets bool) error {
	at, row, want := rollcall.Offset(c.offset[c.i]), c.row[c.i], int64(s.enc.Count())
	switch {
	case row < want || at < s.next:
		return fmt.Errorf("row %d of the record at offset %d is there twice, the second time in %s", row, at, c.file.Path)
	case row > want && row-want <= s.gone:
		s.gone -= row - want
		for range row - want {
			s.enc.AddErased()
		}
	case row > want:
		return fmt.Errorf("row %d of the record at offset %d is in no file; the one behind it is in %s", want, at, c.file.Path)
	case !recordOffsets && at > s.next:
		return fmt.Errorf("the events from offset %d up to %d are in no file; those behind them are in %s", s.next, at, c.file.Path)
	}
	return nil
}

// seek begins anew at an offset, with the files as the manifest has them now.
func (r *Reader) seek(s *shardReader, shard int, from rollcall.Offset) error {
	m, err := r.manifest(shard)
	if err != nil {
		return err
	}
	if from < m.first() {
		return fmt.Errorf("%w: the archive is whole from offset %d on", eventlog.ErrTrimmed, m.first())
	}
	if from >= m.Next {
		return fmt.Errorf("%w: it ends at %d", ErrEnd, m.Next)
	}
	files := slices.DeleteFunc(m.live(), func(f source) bool { return f.Until <= from })
	slices.SortFunc(files, func(a, b source) int { return cmp.Compare(a.From, b.From) })
	s.rows, s.next, s.end, s.gone = newMerged(r.place, r.cfg.Dimensions, files, from, r.held), from, m.Next, m.Erased
	return nil
}

// first is from where on nothing is missing.
func (m *manifest) first() rollcall.Offset {
	if len(m.Expired) > 0 && m.Whole == 0 { // written before Whole was
		return m.Next
	}
	return max(m.Begin, m.Whole)
}

// source is a file, with another name that it may still have; "" for none.
type source struct {
	File
	staged string
}

// live gives the files that hold the rows, also while some of them are being merged.
func (m *manifest) live() (files []source) {
	for _, f := range m.Files {
		if m.Merge == nil || !slices.Contains(m.Merge.Inputs, f.Path) {
			files = append(files, source{File: f})
		}
	}
	if m.Merge != nil {
		files = append(files, source{m.Merge.Output, m.staged()})
	}
	return files
}
