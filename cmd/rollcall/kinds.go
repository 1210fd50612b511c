package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rollcall/eventlog"
	"rollcall/store/sqlite"
)

// openLog opens the log of the configured kind.
func (n *node) openLog(ctx context.Context) error {
	return n.openEmbedded()
}

func (n *node) openEmbedded() (err error) {
	c := &n.cfg
	if err := os.MkdirAll(c.Data, 0o755); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	n.embedded, err = eventlog.Open(eventlog.Config{Dir: filepath.Join(c.Data, "log"), Shards: c.LogShards, SegmentBytes: c.LogSegmentBytes,
		TailBytes: c.LogTailBytes, MaxBytes: c.LogMaxBytes, MaxAge: c.LogMaxAge}, eventlog.Deps{Now: time.Now, Logger: n.logger})
	if errors.Is(err, eventlog.ErrLocked) {
		return held(c.Data, err)
	}
	if err != nil {
		return err
	}
	n.log = n.embedded
	return remember(c)
}

// openStore opens the store of the configured kind.
func (n *node) openStore(ctx context.Context) error {
	s, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(n.cfg.Data, "store.db"), Dimensions: n.cfg.Dimensions, Shards: n.cfg.LogShards,
		Logger: n.logger, Step: failpoint()})
	if err != nil {
		return err
	}
	n.store = s
	return nil
}
