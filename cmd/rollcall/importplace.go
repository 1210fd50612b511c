package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zeebo/xxh3"

	"rollcall/intake/sqlsource"
)

// place is how far a table has been imported: a small file, written after the events before it are durable. A crash
// between the two has a page read again, and its event ids keep it from counting twice.
type place struct {
	Source  string           `json:"source"` // the walk that it is a place of
	Server  string           `json:"server,omitempty"`
	After   sqlsource.Cursor `json:"after"`
	Rows    int64            `json:"rows"`
	Updated time.Time        `json:"updated"`

	path string
}

// openPlace reads the place, which is the beginning where nothing was read before.
func (c *importCmd) openPlace(cfg *Config, source string) (*place, error) {
	begin := &place{Source: source, Server: c.Server, path: c.State}
	if begin.path == "" {
		begin.path = filepath.Join(cfg.Data, "imports", fmt.Sprintf("table-%016x.json", xxh3.HashString(source+"\x00"+c.Server)))
	}
	if c.Restart {
		return begin, nil
	}
	body, err := os.ReadFile(begin.path)
	if errors.Is(err, fs.ErrNotExist) {
		return begin, nil
	}
	if err != nil {
		return nil, err
	}
	kept := &place{path: begin.path}
	if err := json.Unmarshal(body, kept); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; --restart begins again and counts nothing twice", begin.path, err)
	}
	if kept.Source != begin.Source || kept.Server != begin.Server {
		return nil, usageError(fmt.Sprintf("%s is of another import: of another table, other columns, another --since or --server; name another file, or add --restart", begin.path))
	}
	return kept, nil
}

// reached keeps the place behind a page.
func (p *place) reached(page sqlsource.Page) error {
	p.After, p.Rows, p.Updated = page.Last, p.Rows+int64(page.Rows), time.Now().UTC()
	body, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
		return err
	}
	return writeFile(p.path, append(body, '\n'))
}
