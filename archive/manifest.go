package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"slices"

	"rollcall"
)

// The kinds of rows, and the directories of their files.
const (
	kindEvents  = "events"
	kindDropped = "dropped" // duplicates, and events beyond the late horizon
)

const manifestVersion = 1

// errAway tells that a manifest could not be read; what it says is not known.
var errAway = errors.New("the archive can't be read")

// manifest says what the archive holds of a shard. A file that is not in it is being written or deleted.
type manifest struct {
	Version    int             `json:"version"`
	Shard      int             `json:"shard"`
	Timezone   string          `json:"timezone"`
	Dimensions []string        `json:"dimensions"`
	Users      string          `json:"users"`           // "plain", or "keyed" and the print of the key
	Begin      rollcall.Offset `json:"begin"`           // what lies before was trimmed when the archive was begun
	Whole      rollcall.Offset `json:"whole,omitempty"` // rows of records before it were deleted by age
	Next       rollcall.Offset `json:"next"`            // records before it are in the files
	Writing    rollcall.Offset `json:"writing"`         // the files of the records from Next up to here are being written; 0 for none
	Merge      *merge          `json:"merge,omitempty"` // begun, perhaps not finished
	Files      []File          `json:"files"`
	Expired    map[string]Sum  `json:"expired,omitempty"` // by kind: what retention has deleted
	Erased     int64           `json:"erased,omitempty"`  // rows of the records before Next that were erased, and so are in no file

	RecordOffsets bool   `json:"record_offsets,omitempty"` // as of Config
	Erasure       string `json:"erasure,omitempty"`        // the last that the owner has done; see Erasing
	Epoch         uint64 `json:"epoch,omitempty"`          // how often an owner has taken the shard over; 0 where one process has them all
}

// File is one file of the archive.
type File struct {
	Path    string          `json:"path"`
	Kind    string          `json:"kind"` // events or dropped
	Date    string          `json:"event_date"`
	From    rollcall.Offset `json:"from"` // it holds rows of records from From up to, not including, Until
	Until   rollcall.Offset `json:"until"`
	Erased  int64           `json:"erased,omitempty"` // rows that were erased from it since it was written or merged
	Level   int             `json:"level"`            // how often its rows were merged
	Bytes   int64           `json:"bytes"`            //
	Min     int64           `json:"min_time"`         // Unix ms
	Max     int64           `json:"max_time"`
	Written int64           `json:"written"` // Unix ms
	Sum
}

// Sum counts rows and sums the 128-bit hashes of their events mod 2^128, as the store's ledger does.
type Sum struct {
	Rows   int64  `json:"rows"`
	HashHi uint64 `json:"hash_hi,string"`
	HashLo uint64 `json:"hash_lo,string"`
}

func (s *Sum) add(o Sum) {
	var carry uint64
	s.Rows += o.Rows
	s.HashLo, carry = bits.Add64(s.HashLo, o.HashLo, 0)
	s.HashHi, _ = bits.Add64(s.HashHi, o.HashHi, carry)
}

// merge replaces files by one that holds their rows and stands under a staged name until they are gone.
type merge struct {
	Staged string   `json:"staged,omitempty"` // where the output waits; "" for the name of epoch 0
	Inputs []string `json:"inputs"`
	Output File     `json:"output"`
}

func manifestName(shard int) string { return fmt.Sprintf("manifest/shard-%d.json", shard) }

// stagedName is where a merged file waits; it is no file of the archive as long as the manifest has no merge. Each owner of a
// shard has its own, so that one that was frozen moves nothing of the next.
func stagedName(shard int, epoch uint64) string {
	if epoch == 0 {
		return fmt.Sprintf("staged/shard-%d", shard)
	}
	return fmt.Sprintf("staged/shard-%d-%d", shard, epoch)
}

// staged is where the output of the merge that is under way waits.
func (m *manifest) staged() string {
	if m.Merge.Staged == "" {
		return stagedName(m.Shard, 0)
	}
	return m.Merge.Staged
}

// readManifest gives the manifest of a shard, which is that of an empty archive where there is none.
func readManifest(cfg *Config, users *userNames, place Place, shard int) (*manifest, error) {
	in, size, err := place.Open(manifestName(shard))
	if errors.Is(err, fs.ErrNotExist) {
		return parseManifest(cfg, users, shard, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	body, err := io.ReadAll(io.NewSectionReader(in, 0, size))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	return parseManifest(cfg, users, shard, body)
}

// parseManifest reads a manifest, and refuses that of another archive. Without a body it is that of an empty one.
func parseManifest(cfg *Config, users *userNames, shard int, body []byte) (*manifest, error) {
	fresh := &manifest{Version: manifestVersion, Shard: shard, Timezone: cfg.Calendar.Location().String(),
		Dimensions: append([]string{}, cfg.Dimensions...), Users: users.name(), RecordOffsets: cfg.RecordOffsets}
	if body == nil {
		return fresh, nil
	}
	m := &manifest{}
	if err := json.Unmarshal(body, m); err != nil {
		return nil, err
	}
	switch {
	case m.Version != manifestVersion:
		return nil, fmt.Errorf("it is of version %d, and this program reads %d", m.Version, manifestVersion)
	case m.Timezone != fresh.Timezone || !slices.Equal(m.Dimensions, fresh.Dimensions):
		return nil, fmt.Errorf("it is of time zone %s and dimensions %q, not %s and %q: choose another directory", m.Timezone, m.Dimensions, fresh.Timezone, fresh.Dimensions)
	case m.RecordOffsets != fresh.RecordOffsets:
		return nil, errors.New("it is of a log of another kind: choose another directory")
	case m.Users != fresh.Users:
		return nil, errors.New("its user ids are kept under another key, or without one: choose another directory")
	}
	return m, nil
}

// save makes a manifest durable in place of the last.
func (a *Archive) save(m *manifest) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if a.deps.Fence != nil {
		return a.swap(m.Shard, body)
	}
	return a.deps.Place.Put(manifestName(m.Shard), func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(body))
		return err
	})
}

// expire keeps what is told of a file that retention deletes.
func (m *manifest) expire(f *File) {
	m.Whole = max(m.first(), f.Until)
	if m.Expired == nil {
		m.Expired = map[string]Sum{}
	}
	sum := m.Expired[f.Kind]
	sum.add(f.Sum)
	m.Expired[f.Kind] = sum
}

// clone lets a change be given up when it can't be saved.
func (m *manifest) clone() *manifest {
	c := *m
	c.Files = slices.Clone(m.Files)
	c.Expired = map[string]Sum{}
	for kind, sum := range m.Expired {
		c.Expired[kind] = sum
	}
	return &c
}
