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

// manifest says what the archive holds of a shard. A file that is not in it is being written or deleted.
type manifest struct {
	Version    int             `json:"version"`
	Shard      int             `json:"shard"`
	Timezone   string          `json:"timezone"`
	Dimensions []string        `json:"dimensions"`
	Users      string          `json:"users"`           // "plain", or "keyed" and the print of the key
	Begin      rollcall.Offset `json:"begin"`           // what lies before was trimmed when the archive was begun
	Next       rollcall.Offset `json:"next"`            // records before it are in the files
	Writing    rollcall.Offset `json:"writing"`         // the files of the records from Next up to here are being written; 0 for none
	Merge      *merge          `json:"merge,omitempty"` // begun, perhaps not finished
	Files      []File          `json:"files"`
	Expired    map[string]Sum  `json:"expired,omitempty"` // by kind: what retention has deleted
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

// merge replaces files by one that holds their rows and stands under stagedName until they are gone.
type merge struct {
	Inputs []string `json:"inputs"`
	Output File     `json:"output"`
}

func manifestName(shard int) string { return fmt.Sprintf("manifest/shard-%d.json", shard) }

// stagedName is where a merged file waits; it is no file of the archive as long as the manifest has no merge.
func stagedName(shard int) string { return fmt.Sprintf("staged/shard-%d", shard) }

// readManifest gives the manifest of a shard, which is that of an empty archive where there is none.
func (a *Archive) readManifest(shard int) (*manifest, error) {
	fresh := &manifest{Version: manifestVersion, Shard: shard, Timezone: a.cfg.Calendar.Location().String(),
		Dimensions: append([]string{}, a.cfg.Dimensions...), Users: a.users.name()}
	in, size, err := a.deps.Place.Open(manifestName(shard))
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.NewSectionReader(in, 0, size))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
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
	return a.deps.Place.Put(manifestName(m.Shard), func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(body))
		return err
	})
}

// expired is the sum of what retention has deleted of a kind.
func (m *manifest) expire(f *File) {
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
