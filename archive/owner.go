package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"rollcall/eventlog"
)

// Following gives an ownership of shards that the archive goes by: it writes those that the process owns, and no others. Two
// processes may both believe for a moment that they own a shard. Each change of its manifest is one of theirs only: who has
// taken it over last writes it, and the other finds out at its next change and lets go.
func (a *Archive) Following(ownership eventlog.Ownership) eventlog.Ownership {
	return following{a, ownership}
}

type following struct {
	a    *Archive
	next eventlog.Ownership
}

func (f following) Own(ctx context.Context, owner eventlog.Owner) error {
	return f.next.Own(ctx, follower{f.a, owner})
}

type follower struct {
	a *Archive
	eventlog.Owner
}

func (f follower) Take(shards []int) {
	f.a.own(shards, true)
	f.Owner.Take(shards)
}

func (f follower) Release(ctx context.Context, shards []int) {
	f.Owner.Release(ctx, shards)
	f.a.own(shards, false)
}

func (f follower) Lose(shards []int) {
	f.a.own(shards, false)
	f.Owner.Lose(shards)
}

func (a *Archive) own(shards []int, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, shard := range shards {
		a.owned[shard], a.stale[shard] = mine, true
	}
	if mine {
		a.hurry()
	}
}

// doubt has the manifest of a shard read again before anything else is done.
func (a *Archive) doubt(shard int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stale[shard] = true
}

// take tells whether a shard is this process's. The first time it raises the epoch of the manifest: from then on, whoever had it
// changes nothing.
func (a *Archive) take(shard int) (mine bool, err error) {
	if a.deps.Fence == nil {
		if a.manifest(shard) == nil { // the place was away
			err = a.open(shard)
		}
		return err == nil, err
	}
	a.mu.Lock()
	mine, taken := a.owned[shard], !a.stale[shard]
	a.stale[shard] = a.stale[shard] && !mine
	a.mu.Unlock()
	if !mine || taken {
		return mine, nil
	}
	defer func() {
		if err != nil {
			a.doubt(shard)
		}
	}()
	m, version, err := a.current(shard)
	if err != nil {
		return false, err
	}
	a.versions[shard] = version
	before := stagedName(shard, m.Epoch)
	m.Epoch++
	if err := a.change(m); err != nil {
		return false, err
	}
	if m.Merge == nil || m.staged() != before {
		err = a.deps.Place.Remove(before)
	}
	return err == nil, err
}

// current is a manifest as it is in the place.
func (a *Archive) current(shard int) (*manifest, string, error) {
	body, version, err := a.deps.Fence.Read(manifestName(shard))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	m, err := parseManifest(&a.cfg, a.users, shard, body)
	return m, version, err
}

// swap puts a manifest in the place of the one that this process has put or read last.
func (a *Archive) swap(shard int, body []byte) error {
	version, err := a.deps.Fence.Swap(manifestName(shard), body, a.versions[shard])
	if err != nil {
		return err
	}
	a.versions[shard] = version
	return nil
}

// withdraw takes back files that were written for a change that another owner has forestalled. That one writes the same files,
// and when it has gone on it may have merged them: what came after that is nobody's. A name that a manifest has let go of
// is never used again, so that nothing of the other's is deleted.
func (a *Archive) withdraw(cause error, shard int, files ...File) error {
	if !errors.Is(cause, ErrSwapped) {
		return cause
	}
	m, _, err := a.current(shard)
	if err != nil {
		return errors.Join(cause, err)
	}
	for _, f := range files {
		if m.Next < f.Until || m.names(f.Path) {
			continue
		}
		if err := a.deps.Place.Remove(f.Path); err != nil {
			return errors.Join(cause, fmt.Errorf("take back %s: %w", f.Path, err))
		}
	}
	return cause
}

func (m *manifest) names(path string) bool {
	return slices.ContainsFunc(m.Files, func(f File) bool { return f.Path == path }) ||
		m.Merge != nil && (m.Merge.Output.Path == path || slices.Contains(m.Merge.Inputs, path))
}
