package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollcall/eventlog"
	"rollcall/generate"
	"rollcall/store/sqlite"
)

// plotFile marks the data directory of a demo and keeps what its history was made of.
const plotFile = "demo.json"

// plot is what a demo's history is made of.
type plot struct {
	Seed   uint64    `json:"seed"`
	Events int64     `json:"events"`
	Users  int       `json:"users"`
	Days   int       `json:"days"`
	Until  time.Time `json:"until"`
}

func (p *plot) story(dimensions []string) (*generate.Story, error) {
	s, err := generate.NewStory(generate.StoryConfig{Seed: p.Seed, Events: p.Events, Users: p.Users, Days: p.Days, Until: p.Until, Dimensions: dimensions})
	if err != nil {
		return nil, usageError(err.Error())
	}
	return s, nil
}

// plot gives that of the command line.
func (c *demoCmd) plot() (plot, error) {
	until, err := parseUntil(c.Until)
	if err != nil {
		return plot{}, err
	}
	if until.After(time.Now()) {
		return plot{}, usageError(fmt.Sprintf("--until %q: the history has to end before now", c.Until))
	}
	p := plot{c.Seed, c.Events, c.Users, c.Days, until.UTC()}
	_, err = p.story(nil)
	return p, err
}

// settle becomes the plot that is in a data directory, or writes itself into an empty one, so that no other data are ever
// taken for those of a demo.
func (p *plot) settle(dir string) (again bool, err error) {
	path := filepath.Join(dir, plotFile)
	body, err := os.ReadFile(path)
	if err == nil {
		if err = json.Unmarshal(body, p); err != nil {
			return false, fmt.Errorf("%s is damaged: %w; --fresh begins anew", path, err)
		}
		return true, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, fmt.Errorf("make the data directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	if len(entries) > 0 {
		return false, usageError(fmt.Sprintf("%s holds something that is not of a demo: name an empty directory, or one to be made, with --data", dir))
	}
	body, err = json.Marshal(p)
	if err != nil {
		return false, err
	}
	return false, writeFile(path, append(body, '\n'))
}

// clearDemo deletes what a demo has made in a directory, its mark last. A directory that is at work, or holds anything else,
// is left as it is.
func clearDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if !ofDemo(entries) {
		return usageError(fmt.Sprintf("--fresh: %s holds something that is not of a demo: name another directory with --data, or delete it yourself", dir))
	}
	log, err := activeLog(dir)
	if err != nil {
		return fmt.Errorf("--fresh: %w", err)
	}
	release, err := eventlog.OS{}.Lock(log)
	if errors.Is(err, eventlog.ErrLocked) {
		return held(dir, err)
	}
	if err == nil {
		err = release()
	}
	if err != nil {
		return fmt.Errorf("--fresh: %w", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != plotFile {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
		}
	}
	return errors.Join(err, os.RemoveAll(log), os.Remove(filepath.Join(dir, plotFile)))
}

// ofDemo tells whether these are the files of a demo: its mark, and what a data directory has.
func ofDemo(entries []os.DirEntry) bool {
	marked := false
	for _, entry := range entries {
		name := entry.Name()
		marked = marked || name == plotFile
		_, log := logNumber(name)
		if !log && !slices.Contains([]string{plotFile, madeWith, sqlite.Registry, servedAt}, name) && !strings.HasPrefix(name, "store.db") {
			return false
		}
	}
	return marked
}
