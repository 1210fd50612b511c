package main

import (
	"context"
	"sync"

	"rollcall"
	"rollcall/eventlog"
)

// desk stands between the log and the aggregator of the active build.
type desk struct {
	logPart

	mu     sync.Mutex
	paused chan struct{} // closed when it goes on; nil while nothing is held
	kept   bool
}

// Fetch gives nothing while the desk is paused.
func (d *desk) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	records, err := d.logPart.Fetch(ctx, shard, from, until, maxBytes, buf)
	d.mu.Lock()
	paused := d.paused
	d.mu.Unlock()
	if paused == nil || err != nil {
		return records, err
	}
	select {
	case <-paused:
		return records, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pause gives nothing until the release.
func (d *desk) pause() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	paused := make(chan struct{})
	d.paused = paused
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.paused = nil
		close(paused)
	}
}

// keep lets the log let go of nothing, and tells it nothing of the active build, until release is called: a new build needs
// all of it, and tells it itself what it needs no longer.
func (d *desk) keep(shards int) (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.kept = true
	all := make([]eventlog.Progress, shards)
	for shard := range all {
		all[shard].Shard = shard
	}
	_ = d.logPart.Report(context.Background(), all) // of an embedded log: it only remembers
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.kept = false
	}
}

// Report tells the log how far the active build is, unless a new one needs more of it.
func (d *desk) Report(ctx context.Context, progress []eventlog.Progress) error {
	d.mu.Lock()
	defer d.mu.Unlock() // so that none comes after that of keep
	if d.kept {
		return nil
	}
	return d.logPart.Report(ctx, progress)
}
