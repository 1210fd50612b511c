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
	"rollcall/rebuild"
	"rollcall/reshard"
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
	step := failpoint()
	if step == nil {
		step = func(string) {}
	}
	return sweepLogs(n.cfg.Data, all, step)
}

// leaveBehind opens a directory whose log another one has taken the place of, so that what was left behind goes.
func leaveBehind(e *world, cfg Config) error {
	if err := adoptActive(&cfg); err != nil {
		return err
	}
	n, err := openToVerify(e, cfg)
	if err != nil {
		return err
	}
	return n.close()
}

// shardsBefore is the setting of a build that tells how many shards the log before had: a configuration that names these is
// from before the change.
const shardsBefore = "log.shards_before"

// noneKept tells why there is no build to go back to, and what to do.
func noneKept(active store.Build) error {
	if was, is := active.Settings[shardsBefore]; is {
		return fmt.Errorf("no build is kept to go back to: those from the log of %s shards lack what came since, and went with it; rollcall rebuild --log-shards %s makes the figures from so many again", was, was)
	}
	return errors.New("no build is kept to go back to")
}

// onServers tells what to do for another number of shards of a log on servers.
func onServers(c *Config) string {
	return fmt.Sprintf("the log has %d, and on servers another number needs another log: docs/production.md tells how to go over to one", c.LogShards)
}

// resharding is a rebuild from a log of another number of shards, which is a copy of the one in use.
type resharding struct {
	node  *node
	copy  *reshard.Copy
	alone func(context.Context) error // ends the node and returns when it is closed; nil where it takes nothing in
	old   *eventlog.Log               // the log in use, opened again after that
	done  bool                        // the build of the copy is active
}

// onSameLog is a build from the log in use.
func (r *remaking) onSameLog(b store.Build) store.Build {
	b.Log = r.node.build.Log
	if was, is := r.node.build.Settings[shardsBefore]; is {
		b.Settings[shardsBefore] = was
	}
	return b
}

// reshard begins the copy that the wanted build is to be made from.
func (r *remaking) reshard(ctx context.Context, target *Config, b *store.Build, rate int64) error {
	n := r.node
	if n.embedded == nil {
		return usageError("log.shards: " + onServers(&n.cfg))
	}
	b.Log = n.build.Log + 1
	b.Settings[shardsBefore] = fmt.Sprint(n.build.Shards)
	made, err := reshard.Begin(ctx, reshard.Config{Log: logConfig(target, logDir(n.cfg.Data, b.Log)), Rate: rate, Step: failpoint()}, n.embedded, n.logger)
	if err == nil {
		r.over = &resharding{node: n, copy: made, alone: r.alone}
	}
	return err
}

// into has a rebuild made from the copy.
func (o *resharding) into(deps *rebuild.Deps, shards int) {
	deps.Aggregate.Log, deps.Aggregate.Shards, deps.Aggregate.Reporter = o.copy, shards, nil
	deps.Hold, deps.Builds = o.hold, settled{deps.Builds, o}
}

// hold waits until nobody writes the log in use any more, and has it for itself from then on.
func (o *resharding) hold(ctx context.Context) (release func(), err error) {
	if o.alone == nil {
		return func() {}, nil
	}
	if err := o.alone(ctx); err != nil {
		return nil, err
	}
	if o.old, err = openLog(&o.node.cfg, logDir(o.node.cfg.Data, o.node.build.Log), o.node.logger); err != nil {
		return nil, err
	}
	o.copy.Follow(o.old)
	return func() {}, nil
}

// settled makes a copy whole before the build of it becomes active.
type settled struct {
	everyBuild
	over *resharding
}

// Activate comes after everything of the log in use is in the copy, and durable there.
func (s settled) Activate(ctx context.Context, from, to uint32) error {
	if err := s.over.copy.Settle(ctx); err != nil {
		return err
	}
	err := s.everyBuild.Activate(ctx, from, to)
	s.over.done = err == nil
	return err
}

// end closes the logs. The one that is not used any more is deleted when the directory is opened again; a copy that nobody goes
// over to, at once.
func (o *resharding) end() error {
	err := o.copy.Close()
	if o.old != nil {
		err = errors.Join(err, o.old.Close())
	}
	if !o.done {
		err = errors.Join(err, os.RemoveAll(logDir(o.node.cfg.Data, o.node.build.Log+1)))
	}
	return err
}
