package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/record"
)

// awaitArchive waits until the owners of all shards have taken the users out of the archive.
func (w *serverErasure) awaitArchive(n *node) error {
	if n.cfg.Archive.Dir == "" {
		return nil
	}
	r, err := n.openReader()
	if err != nil {
		return err
	}
	var told []int
	for {
		left, err := r.Erasing(w.Salt)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		if !slices.Equal(left, told) {
			fmt.Fprintf(w.err, "archive: waiting for the processes of role aggregate to rewrite shards %v\n", left)
			told = left
		}
		select {
		case <-time.After(askAgain):
		case <-w.ctx.Done():
			return fmt.Errorf("shards %v of the archive still hold the users: run the same command again, beside processes of role aggregate with the archive: %w", left, w.ctx.Err())
		}
	}
	w.passed("erase.archive")
	return nil
}

// search looks for the users once more in what is read, and counts what the log still holds of them.
func (w *serverErasure) search(n *node) (*receipt, error) {
	if _, err := erase.Letters(w.ctx, n.store, w.Users, false); err != nil {
		return nil, err
	}
	left, err := w.left(n)
	if err != nil {
		return nil, err
	}
	if !left.nothing() {
		return nil, fmt.Errorf("%d events in what is read of the log, %d in the archive and %d letters are left: run the same command again", left.Events, left.Archived, left.Letters)
	}
	still, err := w.look(n, n.raw)
	if err != nil {
		return nil, err
	}
	r := w.receipt()
	if still > 0 {
		r.Remains = append(r.Remains, n.remainsOfLog(w.ctx, still, w.Begun))
	}
	if n.cfg.Archive.Dir != "" {
		r.Archive = "searched: it has nothing of them; rollcall verify --from archive compares it with the new build"
		r.Remains = append(r.Remains, remains{"earlier versions of its objects, when the bucket keeps them", "the bucket's rules delete them"})
	}
	r.Remains = append(r.Remains, remains{"backups and binary logs of the database, copies of the archive, and what was exported", "they are deleted by who keeps them"})
	w.passed("erase.searched")
	return r, nil
}

// left is what the active build's readers, the archive and the quarantine still have of the users.
func (w *serverErasure) left(n *node) (f found, err error) {
	if f.Events, err = w.look(n, n.log); err != nil {
		return f, err
	}
	if n.cfg.Archive.Dir != "" {
		r, err := n.openReader()
		if err != nil {
			return f, err
		}
		e, err := r.Search(w.ctx, w.Users, w.Until)
		if err != nil {
			return f, err
		}
		f.Archived = e.Events + e.Dropped
	}
	f.Letters, err = erase.Letters(w.ctx, n.store, w.Users, true)
	return f, err
}

// look counts the events of the users in a log before the end of the erasure.
func (w *serverErasure) look(n *node, log eventlog.Fetcher) (int64, error) {
	s, err := erase.Look(w.ctx, before{log, w.Until}, n.cfg.LogShards, record.UsersNamed(w.Users...), n.calendar)
	return s.Events, err
}

// before is a log that ends at an offset of each shard.
type before struct {
	eventlog.Fetcher
	until []rollcall.Offset
}

// Bounds are the log's, up to there.
func (b before) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	first, next, err = b.Fetcher.Bounds(ctx, shard)
	return first, min(next, b.until[shard]), err
}

// remainsOfLog tells where events of erased users still lie, and for how long.
func (n *node) remainsOfLog(ctx context.Context, events int64, begun time.Time) remains {
	left := remains{Where: fmt.Sprintf("%d events in the log, %s, which all readers pass over", events, n.nameOfLog())}
	keeps, is := n.raw.(interface {
		Retention(ctx context.Context) (time.Duration, error)
	})
	if !is {
		left.Until = "they are trimmed when the next snapshots, and the archive, are behind them"
		if n.cfg.LogMaxAge > 0 {
			left.Until += fmt.Sprintf(", and not before log.max_age, %s", n.cfg.LogMaxAge)
		}
		return left
	}
	switch d, err := keeps.Retention(ctx); {
	case err != nil:
		left.Until = "the retention of the topic, which could not be asked: " + err.Error()
	case d < 0:
		left.Until = "for ever, since the topic has no retention.ms: set one, or delete the records before these offsets (kafka-delete-records), once an archive has the others"
	default:
		left.Until = fmt.Sprintf("about %s, by the topic's retention.ms of %s, when the segments that hold them are closed", n.stamp(begun.Add(d)), d)
	}
	return left
}

func (n *node) nameOfLog() string {
	switch {
	case n.partitioners != 0:
		return "topic " + n.cfg.Source.Topic
	case n.cfg.LogKind == kindKafka:
		return "topic " + n.cfg.Log.Topic
	}
	return "streams {" + n.cfg.Log.Prefix + "}:log:*"
}
