package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rollcall/store"
	"rollcall/store/sqlite"
)

// madeWith is the file in a data directory that kept the lasting settings before there were builds.
const madeWith = "rollcall.yaml"

// openBuilds reads which builds a data directory holds.
func openBuilds(dir string, logger *slog.Logger) (*sqlite.Builds, error) {
	first, err := firstBuild(dir)
	if err != nil {
		return nil, err
	}
	return sqlite.OpenBuilds(dir, first, logger)
}

// firstBuild describes the store of a directory from before there were builds, nil when there is none.
func firstBuild(dir string) (*store.Build, error) {
	path := filepath.Join(dir, madeWith)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	l, err := fileLayer(path)
	if err != nil {
		return nil, err
	}
	c := defaults()
	apply(&c, []layer{l})
	b := buildOf(&c)
	b.Number, b.State = 1, store.Active
	return &b, nil
}

// buildsIn lists the builds of a data directory.
func buildsIn(dir string) ([]store.Build, error) {
	b, err := openBuilds(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return b.Builds(context.Background())
}

// The lasting settings that a build has fields of its own for.
const (
	keyDimensions = "dimensions"
	keyShards     = "log.shards"
	keyRenamed    = "renamed"
)

// buildOf gives what the figures of a configuration depend on.
func buildOf(c *Config) store.Build {
	b := store.Build{Dimensions: slices.Clone(c.Dimensions), Shards: c.LogShards, Settings: map[string]string{}}
	for _, s := range settings(c) {
		if s.lasting && s.key != keyDimensions && s.key != keyShards {
			b.Settings[s.key] = asText(s.value.plain())
		}
	}
	b.Settings[keyEarlier] = earlierText(c.Earlier)
	return b
}

// asText writes a setting as a flag takes it.
func asText(plain any) string {
	switch v := plain.(type) {
	case []string:
		return strings.Join(v, ",")
	case map[string]string:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, k+"="+v[k])
		}
		return strings.Join(pairs, ",")
	}
	return fmt.Sprint(plain)
}

// unbracketed reads a list as it was written before there were builds.
func unbracketed(text string) string {
	if list, is := strings.CutPrefix(text, "["); is && strings.HasSuffix(list, "]") {
		return strings.Join(strings.Fields(strings.TrimSuffix(list, "]")), ",")
	}
	return text
}

// adopt makes the settings of a build those of the configuration. What the build does not tell stays.
func adopt(c *Config, b *store.Build) (err error) {
	if c.Earlier, err = earlierOf(b.Settings[keyEarlier]); err != nil {
		return fmt.Errorf("build %d: %s: %w", b.Number, keyEarlier, err)
	}
	for _, s := range settings(c) {
		text, told := b.Settings[s.key]
		switch {
		case !s.lasting:
			continue
		case s.key == keyDimensions:
			text, told = strings.Join(b.Dimensions, ","), true
		case s.key == keyShards:
			text, told = fmt.Sprint(b.Shards), true
		case s.key == keyRenamed: // a build from before there was such a setting has none
			c.Renamed, told = nil, true
		}
		if told {
			if err := s.value.set(unbracketed(text)); err != nil {
				return fmt.Errorf("build %d: %s: %w", b.Number, s.key, err)
			}
		}
	}
	return nil
}

// differing names the lasting settings in which a build is not what is configured.
func differing(c *Config, b *store.Build) (keys []string) {
	was := *c
	if adopt(&was, b) != nil {
		return nil
	}
	before := settings(&was)
	for i, s := range settings(c) {
		if s.lasting && asText(before[i].value.plain()) != asText(s.value.plain()) {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// reconcile goes over to the active build, where the configuration means another: another set of dimensions, which is recorded
// from now on and is in the figures after a rebuild; or what a build had that was active before, since a process may be
// older than a rebuild. It names what it can't go over to.
func reconcile(c *Config, all []store.Build, where string) (problems []problem) {
	active, ok := store.ActiveBuild(all)
	if !ok {
		return nil
	}
	keys := differing(c, &active)
	switch {
	case len(keys) == 0:
	case slices.ContainsFunc(all, func(b store.Build) bool { return b.State == store.Kept && len(differing(c, &b)) == 0 }):
		c.notes = append(c.notes, fmt.Sprintf("build %d has another %s than the configuration, which fits the build before: bring the configuration up to date", active.Number, strings.Join(keys, ", ")))
	case !slices.ContainsFunc(keys, func(k string) bool { return k != keyDimensions && k != keyRenamed }):
		c.become(&active)
	default:
		return refuse(c, &active, keys, where)
	}
	if err := adopt(c, &active); err != nil {
		return []problem{{where, "", err.Error()}}
	}
	return nil
}

// become records what is configured from now on, for a build to come. A dimension that is renamed goes on under its old name until
// then, so that the figures in use go on, too.
func (c *Config) become(active *store.Build) {
	c.becoming = map[string]string{keyDimensions: asText(c.Dimensions), keyRenamed: asText(c.Renamed)}
	c.notes = append(c.notes, fmt.Sprintf("the figures have the dimensions [%s], the configuration names [%s]: these are recorded from now on, and in the figures after rollcall rebuild",
		strings.Join(active.Dimensions, ", "), strings.Join(c.Dimensions, ", ")))
	c.Recorded = []string{} // not nil, though there be none
	for _, d := range c.Dimensions {
		was, is := c.Renamed[d]
		if is && slices.Contains(active.Dimensions, was) && !slices.Contains(active.Dimensions, d) {
			fields := maps.Clone(c.Fields)
			fields[was] = cmp.Or(fields[d], d)
			delete(fields, d)
			c.Fields, d = fields, was
		}
		c.Recorded = append(c.Recorded, d)
	}
}

func refuse(c *Config, active *store.Build, keys []string, where string) (problems []problem) {
	was := *c
	if err := adopt(&was, active); err != nil {
		return []problem{{where, "", err.Error()}}
	}
	before := settings(&was)
	for i, s := range settings(c) {
		if !slices.Contains(keys, s.key) {
			continue
		}
		wanted := asText(s.value.plain())
		advice := fmt.Sprintf("or make the figures anew: rollcall rebuild --%s %s", flagName(s.key), wanted)
		if s.key == keyShards {
			advice = "or import into a new one"
		}
		problems = append(problems, problem{"", s.key, fmt.Sprintf("the data in %s were made with %s, not %s: leave it out, %s", where, asText(before[i].value.plain()), wanted, advice)})
	}
	return problems
}

// activeOr gives the active build, or makes the first one.
func activeOr(ctx context.Context, builds store.Builds, first store.Build) (store.Build, error) {
	all, err := builds.Builds(ctx)
	if err != nil {
		return store.Build{}, err
	}
	if b, ok := store.ActiveBuild(all); ok {
		return b, nil
	}
	return builds.Begin(ctx, first)
}
