package main

import (
	"context"
	"maps"

	"rollcall/api"
	"rollcall/store"
)

var _ api.Builds = listing{}

// listing tells people of the builds that there are.
type listing struct{ node *node }

// Builds are the builds, with what the figures of each depend on.
func (l listing) Builds(ctx context.Context) ([]store.Build, error) {
	all, err := l.node.builds.Builds(ctx)
	for i := range all {
		settings := maps.Clone(all[i].Settings)
		delete(settings, foldedWith) // this and the next tell how it was made, not what it means
		delete(settings, shardsBefore)
		if rules, err := earlierOf(settings[keyEarlier]); err == nil && len(rules) > 0 {
			settings[keyEarlier] = earlierShown(rules)
		}
		all[i].Settings = settings
	}
	return all, err
}

// State tells of no rebuild.
func (l listing) State(ctx context.Context) (api.BuildsState, error) {
	all, err := l.Builds(ctx)
	return api.BuildsState{Active: l.node.build.Number, Builds: append([]store.Build{}, all...)}, err
}
