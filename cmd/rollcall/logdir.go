package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rollcall/eventlog"
	"rollcall/store"
)

// firstLog is the directory of a data directory's log; logs that took its place have their number behind it.
const firstLog = "log"

func logDir(data string, number int) string {
	if number == 0 {
		return filepath.Join(data, firstLog)
	}
	return filepath.Join(data, fmt.Sprintf("%s-%d", firstLog, number))
}

// openLog opens a log of a data directory.
func openLog(c *Config, dir string, logger *slog.Logger) (*eventlog.Log, error) {
	l, err := eventlog.Open(logConfig(c, dir), eventlog.Deps{Logger: logger})
	if errors.Is(err, eventlog.ErrLocked) {
		return nil, held(c.Data, err)
	}
	return l, err
}

func logConfig(c *Config, dir string) eventlog.Config {
	return eventlog.Config{Dir: dir, Shards: c.LogShards, SegmentBytes: c.LogSegmentBytes, TailBytes: c.LogTailBytes, MaxBytes: c.LogMaxBytes, MaxAge: c.LogMaxAge}
}

// activeLog is the directory of the log that the active build of a data directory is made from.
func activeLog(data string) (string, error) {
	all, err := buildsIn(data)
	b, _ := store.ActiveBuild(all)
	return logDir(data, b.Log), err
}

// sweepLogs deletes the logs that no build is made from: those that were left, and copies that were not finished.
func sweepLogs(data string, all []store.Build, step func(string)) error {
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		number, is := logNumber(entry.Name())
		if !is || slices.ContainsFunc(all, func(b store.Build) bool { return b.Log == number }) {
			continue
		}
		step("reshard.left")
		err = errors.Join(err, os.RemoveAll(logDir(data, number)))
		step("reshard.deleted")
	}
	return err
}

// logNumber tells whether a name in a data directory is that of a log, and of which.
func logNumber(name string) (number int, is bool) {
	if text, numbered := strings.CutPrefix(name, firstLog+"-"); numbered {
		number, _ = strconv.Atoi(text)
	}
	return number, number >= 0 && filepath.Base(logDir("", number)) == name
}

// leaveLogs deletes what a change of the log left behind, once the directory is open.
func (n *node) leaveLogs(ctx context.Context, opened string) error {
	all, err := n.builds.Builds(ctx)
	if err != nil {
		return err
	}
	if logDir(n.cfg.Data, n.build.Log) != opened {
		return fmt.Errorf("another process changed the number of shards of %s meanwhile: start again", n.cfg.Data)
	}
	if lacks, err := n.lacks(ctx); err != nil || lacks {
		return err // whoever reads the log tells what it lacks
	}
	step := failpoint()
	if step == nil {
		step = func(string) {}
	}
	return sweepLogs(n.cfg.Data, all, step)
}

// lacks tells whether the log ends before what the figures have of it: then it is not the one that they were made from, or has
// lost its end, and no log may be deleted for its sake.
func (n *node) lacks(ctx context.Context) (bool, error) {
	v, err := n.store.View(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = v.Close() }()
	ends := n.embedded.Ends()
	return slices.ContainsFunc(v.Head().Shards, func(p store.Position) bool { return ends[p.Shard] < p.Offset }), nil
}
