package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"

	"rollcall/archive"
	"rollcall/archive/s3"
)

// leastUserKey is the least length of a key in bytes: with a shorter one, hashes could be tried out.
const leastUserKey = 16

type archiveCmd struct{ Settings }

func (c *archiveCmd) Help() string {
	return `Adds what is committed to the archive, merges the files of each day into one, deletes those older than archive.max_age, and
compares what it holds with the ledger of the store. A server with archive.dir does the first three by itself as it goes.

Examples:
  rollcall archive --archive-dir ./rollcall-archive
  rollcall archive --archive-dir s3://bucket/rollcall --archive-endpoint https://s3.example.com
  duckdb -c "SELECT event_date, count(DISTINCT user_id) FROM 'rollcall-archive/events/*/*.parquet' GROUP BY ALL ORDER BY ALL"`
}

func (c *archiveCmd) Run(e *world) error {
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	if cfg.Archive.Dir == "" {
		return usageError("name the directory of the archive with --archive-dir or archive.dir")
	}
	n, err := openExisting(e, cfg)
	if err != nil {
		return err
	}
	return errors.Join(n.archiveAll(e), n.close())
}

// archiveAll brings the archive up to date, shows how far it is meanwhile, and checks it.
func (n *node) archiveAll(e *world) error {
	if err := n.caughtUp(e.ctx); err != nil {
		return err
	}
	before, err := n.archived(e.ctx)
	if err != nil {
		return err
	}
	m := newMeter(e.err, before.left, false, func() int64 {
		s := n.archive.Status()
		return s.Events.Rows + s.Dropped.Rows + s.Expired.Rows - before.rows
	})
	err = n.whileWorking(e.ctx, func(ctx context.Context) error { return n.archive.Work(ctx) })
	m.end()
	if err != nil {
		return err
	}
	n.printArchive(e)
	return n.archive.Prove(e.ctx)
}

// progress is how many rows an archive has had, and how many it lacks.
type progress struct{ rows, left int64 }

func (n *node) archived(ctx context.Context) (p progress, err error) {
	s := n.archive.Status()
	p.rows = s.Events.Rows + s.Dropped.Rows + s.Expired.Rows
	for shard, next := range s.Next {
		_, end, err := n.log.Bounds(ctx, shard)
		if err != nil {
			return p, err
		}
		p.left += int64(end - next)
	}
	return p, nil
}

func (n *node) printArchive(e *world) {
	s, comma := n.archive.Status(), humanize.Comma
	fmt.Fprintf(e.out, "events   %s", comma(s.Events.Rows))
	if s.First != "" {
		fmt.Fprintf(e.out, ", %s to %s", s.First, s.Last)
	}
	fmt.Fprintf(e.out, "\ndropped  %s\nfiles    %s, %s\n", comma(s.Dropped.Rows), comma(int64(s.Files)), humanize.IBytes(uint64(s.Bytes)))
	if s.Expired.Rows > 0 {
		fmt.Fprintf(e.out, "expired  %s\n", comma(s.Expired.Rows))
	}
}

// openArchive opens the archive of this process, if it has one.
func (n *node) openArchive() (*archive.Archive, error) {
	if n.cfg.Archive.Dir == "" || !n.cfg.has(roleAggregate) && (!n.cfg.erases || n.embedded == nil) {
		return nil, nil
	}
	cfg, err := n.archiveConfig()
	if err != nil {
		return nil, err
	}
	place, err := n.archivePlace()
	if err != nil {
		return nil, err
	}
	var fence archive.Fence
	if n.embedded == nil {
		fence, _ = place.(archive.Fence) // checkArchive sees to it
	}
	return archive.New(cfg, archive.Deps{Log: n.log, Shards: n.cfg.LogShards, Store: n.store, Place: place, Fence: fence,
		Erasing: n.erasingArchive(), Logger: n.logger, Now: time.Now, Step: failpoint()})
}

func (n *node) archiveConfig() (archive.Config, error) {
	c := &n.cfg.Archive
	key, err := userKey(c.UserKey)
	return archive.Config{Dimensions: n.cfg.Dimensions, Calendar: n.calendar, UserKey: key, MaxAge: c.MaxAge, Interval: c.Interval,
		RecordOffsets: n.embedded == nil}, err
}

func (n *node) archivePlace() (archive.Place, error) {
	c := &n.cfg.Archive
	bucket, prefix, ok := s3.ParseURL(c.Dir)
	if !ok {
		return archive.Folder(c.Dir), nil
	}
	return s3.New(s3.Config{Bucket: bucket, Prefix: prefix, Endpoint: c.Endpoint, Region: c.Region, AccessKey: c.AccessKey, SecretKey: c.SecretKey})
}

// openReader opens the archive to be read, beside whoever writes it.
func (n *node) openReader() (*archive.Reader, error) {
	cfg, err := n.archiveConfig()
	if err != nil {
		return nil, err
	}
	place, err := n.archivePlace()
	if err != nil {
		return nil, err
	}
	return archive.OpenReader(cfg, place, n.cfg.LogShards)
}

// userKey reads the key that user ids are hashed under; nil when no file is named.
func userKey(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("archive.user_key: %w", err)
	}
	if key = bytes.TrimSpace(key); len(key) < leastUserKey {
		return nil, usageError(fmt.Sprintf("archive.user_key: %s holds %d bytes; give %d or more that nobody can guess", file, len(key), leastUserKey))
	}
	return key, nil
}

func checkArchive(c *Config, bad func(string, string, ...any)) {
	if c.Archive.Interval < 100*time.Millisecond {
		bad("archive.interval", "%v is too short; give 100ms or more", c.Archive.Interval)
	}
	if bucket, _, ok := s3.ParseURL(c.Archive.Dir); ok && bucket == "" {
		bad("archive.dir", "%s names no bucket; give s3://bucket or s3://bucket/prefix", c.Archive.Dir)
	}
	if c.Archive.SecretKey != "" && c.Archive.AccessKey == "" {
		bad("archive.access_key", "archive.secret_key is given without it; give both, or neither for those of the environment")
	}
	if _, _, bucket := s3.ParseURL(c.Archive.Dir); c.Archive.Dir != "" && !c.embedded() && !bucket {
		bad("archive.dir", "with a log on servers, several processes write the archive: give s3://bucket/prefix")
	}
}
