package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"rollcall"
	"rollcall/eventlog"
)

// Erasing says whom the owners of shards take out of their files, with a log that can't be written anew. Each does it once for a
// shard, before it writes anything else there, and tells so in the manifest. It is for owners whose store is a build without
// the users, and whose Log is read without them.
type Erasing struct {
	ID    string // of the erasure
	Users []string
	Until []rollcall.Offset // by shard: rows of records from here on stay
	Log   eventlog.Fetcher  // with the users: what was begun before is finished from it, into the same files, and then erased
}

// due tells whether the users are still to be taken out of the files of a shard.
func (a *Archive) due(shard int) bool {
	return a.deps.Erasing != nil && a.manifest(shard).Erasure != a.deps.Erasing.ID
}

// eraseShard takes the users out of the files of a shard. Cut off, it is done again.
func (a *Archive) eraseShard(ctx context.Context, shard int) error {
	if err := a.finishBegun(ctx, shard); err != nil {
		return err
	}
	e := a.deps.Erasing
	who, done := erasing{names: namesOf(a.cfg.UserKey, e.Users), until: e.Until[shard], dims: a.cfg.Dimensions}, Erased{}
	for _, f := range a.manifest(shard).Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if who.until == 0 { // there was nothing of anybody
			break
		}
		if err := a.eraseIn(shard, f.Path, &who, false, &done); err != nil {
			return err
		}
	}
	m := a.manifest(shard).clone()
	m.Erasure = e.ID
	if err := a.change(m); err != nil {
		return err
	}
	a.deps.Logger.Info("users were erased from the archive", "shard", shard, "events", done.Events, "dropped", done.Dropped, "files", done.Files)
	return nil
}

// clearBegun deletes what a pass that is done again may have left under other names: another build may count as dropped what this one
// accepts.
func (a *Archive) clearBegun(m *manifest, p *span) error {
	groups := p.groups(a.cfg.Calendar)
	for _, g := range groups {
		for _, kind := range []string{kindEvents, kindDropped} {
			if slices.ContainsFunc(groups, func(o *group) bool { return o.kind == kind && o.date == g.date }) {
				continue
			}
			name := fileName(kind, g.date.String(), m.Shard, p.from, p.until)
			if m.names(name) {
				continue
			}
			if err := a.deps.Place.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Erasing gives the shards whose owners have not done an erasure yet.
func (r *Reader) Erasing(id string) (left []int, err error) {
	for shard := range r.shards {
		m, err := r.manifest(shard)
		if err != nil {
			return nil, err
		}
		if m.Erasure != id {
			left = append(left, shard)
		}
	}
	return left, nil
}

// Search counts the rows of users, in records before an offset by shard; nil for all. It reads one column of every file.
func (r *Reader) Search(ctx context.Context, users []string, until []rollcall.Offset) (e Erased, err error) {
	for shard := range r.shards {
		who := erasing{names: namesOf(r.cfg.UserKey, users)}
		if until != nil {
			if who.until = until[shard]; who.until == 0 {
				continue
			}
		}
		var found Erased
		for range 8 { // files may be merged meanwhile: then the manifest names others
			if found, err = r.searchShard(ctx, shard, &who); !errors.Is(err, fs.ErrNotExist) {
				break
			}
		}
		if err != nil {
			return e, fmt.Errorf("archive: search shard %d: %w", shard, err)
		}
		e.Events, e.Dropped, e.Files, e.Dates = e.Events+found.Events, e.Dropped+found.Dropped, e.Files+found.Files, append(e.Dates, found.Dates...)
	}
	slices.Sort(e.Dates)
	e.Dates = slices.Compact(e.Dates)
	return e, nil
}

func (r *Reader) searchShard(ctx context.Context, shard int, who *erasing) (e Erased, err error) {
	m, err := r.manifest(shard)
	if err != nil {
		return e, err
	}
	for _, f := range m.live() {
		if err := ctx.Err(); err != nil {
			return e, err
		}
		if f.Rows == 0 { // of a file that is being erased whole
			continue
		}
		rows, err := who.rowsOf(r.place, f.Path, &f.File)
		if errors.Is(err, fs.ErrNotExist) && f.staged != "" {
			rows, err = who.rowsOf(r.place, f.staged, &f.File)
		}
		if err != nil {
			return e, fmt.Errorf("%s: %w", f.Path, err)
		}
		if rows > 0 {
			e.add(&f.File, rows)
		}
	}
	return e, nil
}
