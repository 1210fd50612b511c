package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollcall"
	"rollcall/api"
	"rollcall/archive"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/verify"
)

const (
	intentFile  = "erase.json" // in the data directory, while an erasure has not ended
	receiptsDir = "receipts"
)

// intent is an erasure that was begun. It is durable before anything is removed, and has the ids until all is.
type intent struct {
	Users   []string  `json:"users"`
	Begun   time.Time `json:"begun"`
	Salt    string    `json:"salt"`
	Found   found     `json:"found"`
	Rebuilt bool      `json:"rebuilt"` // the active build is without them, and there is no other
	Build   uint32    `json:"build"`   // which that is; on servers, the first that can be

	Ends  []rollcall.Offset `json:"ends,omitempty"`  // of the log, by shard, when that was made
	Until []rollcall.Offset `json:"until,omitempty"` // on servers: by shard, from where on the users may come back
}

// eraseSteps are the steps of an erasure that a test may stop it at, in order.
func eraseSteps() []string {
	return []string{"erase.begun", "erase.settled", "erase.rebuilt", "erase.log", "erase.archive", "erase.searched", "erase.receipt"}
}

// erasure is one at work.
//
//	intent ─→ letters, a rebuild without the users, the old builds away ─→ log ─→ archive ─→ search again ─→ receipt ─→ intent away
//
// Each step may be done again: interrupted anywhere, it goes on from the intent.
type erasure struct {
	*world
	cfg     Config
	intent  *intent
	rebuild func(e *world, n *node) error // makes a build of what n.raw gives, and activates it
	step    func(string)
}

func readIntent(dir string) (*intent, error) {
	body, err := os.ReadFile(filepath.Join(dir, intentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	i := &intent{}
	if err == nil {
		err = json.Unmarshal(body, i)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, intentFile), err)
	}
	return i, nil
}

func (w *erasure) save() error {
	body, err := json.Marshal(w.intent)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(w.cfg.Data, intentFile), body)
}

func (w *erasure) passed(step int) {
	if w.step != nil {
		w.step(eraseSteps()[step])
	}
}

func (w *erasure) run() (*receipt, error) {
	if w.intent.Rebuilt {
		if err := w.with(w.sameLog); err != nil {
			return nil, err
		}
	}
	if !w.intent.Rebuilt {
		if err := w.with(w.makeFigures); err != nil {
			return nil, err
		}
		if err := w.dropBuilds(); err != nil {
			return nil, err
		}
	}
	var r *receipt
	err := w.with(func(n *node) (err error) {
		if err = w.removeRows(n); err == nil {
			r, err = w.search(n)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, w.finish(r)
}

// with opens the directory for one part of the work.
func (w *erasure) with(part func(*node) error) error {
	n, err := openToErase(w.world, w.cfg)
	if err != nil {
		return err
	}
	return errors.Join(part(n), n.close())
}

// makeFigures makes the figures anew without the users. Their letters go first, so that they don't come into the new store.
func (w *erasure) makeFigures(n *node) (err error) {
	i := w.intent
	if i.Salt == "" {
		if err := w.begin(n); err != nil {
			return err
		}
	}
	w.passed(0)
	if n.archive != nil {
		if err := n.archive.Settle(w.ctx); err != nil {
			return err
		}
	}
	if _, err := erase.Letters(w.ctx, n.store, i.Users, false); err != nil {
		return err
	}
	w.passed(1)
	if i.Ends, err = n.ends(w.ctx); err != nil {
		return err
	}
	n.raw = withoutUsers{n.raw, erase.Reading(n.raw, record.UsersNamed(i.Users...))}
	return w.rebuild(w.world, n)
}

// begin makes the intent durable, with what there is to remove.
func (w *erasure) begin(n *node) (err error) {
	for shard := range n.cfg.LogShards {
		first, _, err := n.log.Bounds(w.ctx, shard)
		if err != nil {
			return err
		}
		if first > 0 {
			return fmt.Errorf("shard %d of the log begins at offset %d, and figures can't be made anew without its beginning: nothing was done: %w", shard, first, eventlog.ErrTrimmed)
		}
	}
	if w.intent.Found, err = n.lookFor(w.ctx, w.intent.Users); err != nil {
		return err
	}
	if w.intent.Found.nothing() {
		return errors.New("there is nothing of these users: nothing was done")
	}
	if err := w.intent.begin(); err != nil {
		return err
	}
	return w.save()
}

func (i *intent) begin() error {
	var salt [16]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return err
	}
	i.Begun, i.Salt = time.Now().UTC(), hex.EncodeToString(salt[:])
	return nil
}

// sameLog tells whether something came into the log since the figures were made anew: it may be of the users, and then is in these.
func (w *erasure) sameLog(n *node) error {
	ends, err := n.ends(w.ctx)
	w.intent.Rebuilt = slices.Equal(ends, w.intent.Ends)
	return err
}

// ends is where the shards of the log end.
func (n *node) ends(ctx context.Context) ([]rollcall.Offset, error) {
	ends := make([]rollcall.Offset, n.cfg.LogShards)
	for shard := range ends {
		var err error
		if _, ends[shard], err = n.log.Bounds(ctx, shard); err != nil {
			return nil, err
		}
	}
	return ends, nil
}

// withoutUsers is a log whose readers don't get the events of some users.
type withoutUsers struct {
	logPart
	eventlog.Fetcher
}

// Fetch is that of the reader without the users.
func (w withoutUsers) Fetch(ctx context.Context, shard int, from, until rollcall.Offset, maxBytes int, buf []eventlog.Record) ([]eventlog.Record, error) {
	return w.Fetcher.Fetch(ctx, shard, from, until, maxBytes, buf)
}

// Bounds are the log's.
func (w withoutUsers) Bounds(ctx context.Context, shard int) (first, next rollcall.Offset, err error) {
	return w.logPart.Bounds(ctx, shard)
}

// rebuildWithout makes a build of the same settings from what the node's log gives, proves it and activates it.
func rebuildWithout(e *world, n *node) error {
	r := &remaking{node: n, hold: n.fenceOthers, show: func(report *verify.Report) error { return printReport(e.err, report) }}
	want := n.cfg
	_, _, err := r.run(e.ctx, &want, api.RebuildRequest{Fresh: true}, func(p remakeProgress) { fmt.Fprintln(e.err, p.line()) })
	return err
}

// dropBuilds deletes all builds but the active one, and notes that this is without the users.
func (w *erasure) dropBuilds() error {
	builds, err := openBuilds(w.cfg.Data, w.logger)
	if err != nil {
		return err
	}
	if err := prune(w.ctx, builds, 0); err != nil {
		return err
	}
	all, err := builds.Builds(w.ctx)
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return fmt.Errorf("%d builds are left, and one of them only is without the users", len(all))
	}
	w.intent.Rebuilt, w.intent.Build = true, all[0].Number
	if err := w.save(); err != nil {
		return err
	}
	w.passed(2)
	return nil
}

// removeRows takes the users out of the files of the log and of the archive.
func (w *erasure) removeRows(n *node) error {
	users := w.intent.Users
	if _, err := n.embedded.Erase(w.ctx, record.UsersNamed(users...).Erase, nil); err != nil {
		return err
	}
	w.passed(3)
	if n.archive != nil {
		if _, err := n.archive.Erase(w.ctx, users, false); err != nil {
			return err
		}
	}
	w.passed(4)
	_, err := erase.Letters(w.ctx, n.store, users, false)
	return err
}

// search looks for the users again, and writes the receipt.
func (w *erasure) search(n *node) (*receipt, error) {
	i := w.intent
	left, err := n.lookFor(w.ctx, i.Users)
	if err != nil {
		return nil, err
	}
	if !left.nothing() {
		return nil, fmt.Errorf("%d events in the log, %d in the archive and %d letters are left: run the same command again", left.Events, left.Archived+left.ArchiveDropped, left.Letters)
	}
	r := i.receipt(remains{"copies of the data directory and of the archive made before, and what was exported", "they are deleted by who keeps them"})
	if n.archive != nil {
		r.Archive = "equal"
		if err := n.archive.Prove(w.ctx); errors.Is(err, archive.ErrDiffers) {
			r.Archive = err.Error()
		} else if err != nil {
			r.Archive = "not compared: " + err.Error()
		}
	}
	w.passed(5)
	return r, nil
}

// finish keeps the receipt, and then forgets who it was.
func (w *erasure) finish(r *receipt) error {
	if err := r.keep(w.cfg.Data); err != nil {
		return err
	}
	w.passed(6)
	return os.Remove(filepath.Join(w.cfg.Data, intentFile))
}
