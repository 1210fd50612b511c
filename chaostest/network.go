//go:build unix

package chaostest

import (
	"context"
	"fmt"
	"math/rand"
	"time"
)

// toxics are what a network does. The limits are small, so that requests are cut in the middle.
func toxics(d *rand.Rand) []Toxic {
	return []Toxic{
		{"latency", fmt.Sprintf(`{"latency":%d,"jitter":%d}`, 20+d.Intn(300), d.Intn(20))},
		{"bandwidth", fmt.Sprintf(`{"rate":%d}`, 4+d.Intn(60))},
		{"limit_data", fmt.Sprintf(`{"bytes":%d}`, 1+d.Intn(20_000))},
		{"timeout", `{"timeout":0}`},
		{"reset_peer", fmt.Sprintf(`{"timeout":%d}`, d.Intn(200))},
		{"slow_close", fmt.Sprintf(`{"delay":%d}`, 100+d.Intn(2000))},
		{down, ""},
	}
}

// NetworkDeck disturbs, in each of the ways, one link of those to each server; each of the ways for least to most.
func NetworkDeck(links map[string][]*Link, least, most time.Duration) func(d *rand.Rand) []Fault {
	return func(d *rand.Rand) (deck []Fault) {
		for _, server := range sorted(links) {
			for _, toxic := range toxics(d) {
				link := links[server][d.Intn(len(links[server]))]
				deck = append(deck, disturb(link, server, toxic, between(d, least, most)))
			}
		}
		return deck
	}
}

// parted swallows all that a process and servers say to each other, for longer than its session lasts: others take its work
// over while it goes on with what it has.
func parted(name string, links []*Link, long time.Duration) Fault {
	return Fault{name, fmt.Sprintf("%s and %d others for %v", links[0].Name, len(links)-1, long), func(ctx context.Context) error {
		for _, l := range links {
			if err := l.Disturb(Toxic{"timeout", `{"timeout":0}`}); err != nil {
				return err
			}
		}
		hold(ctx, long)
		for _, l := range links {
			if err := l.Heal(); err != nil {
				return err
			}
		}
		return nil
	}}
}

func disturb(link *Link, server string, toxic Toxic, long time.Duration) Fault {
	return Fault{
		Name:   fmt.Sprintf("network to %s: %s", server, toxic.Kind),
		Detail: fmt.Sprintf("%s %s for %v", link.Name, toxic.Attributes, long),
		Strike: func(ctx context.Context) error {
			if err := link.Disturb(toxic); err != nil {
				return err
			}
			hold(ctx, long)
			return link.Heal()
		},
	}
}
