//go:build unix

package chaostest

import (
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"time"

	"rollcall/simtest"
)

// phaseDimension holds the phase an event was first sent in.
const phaseDimension = "phase"

// Traffic makes events for one producer: worlds of a few users each, whose events collide around midnights and session
// gaps, arrive out of order, and use some ids twice. No other producer, and no other world, has their users or ids.
type Traffic struct {
	name   string
	dice   *rand.Rand
	now    time.Time
	worlds int
	left   []simtest.Logged
}

// NewTraffic makes events that lie in the days before now.
func NewTraffic(name string, seed int64, now time.Time) *Traffic {
	return &Traffic{name: name, dice: rand.New(rand.NewSource(seed)), now: now}
}

// Body gives the next events to be sent together, in the phase given.
func (f *Traffic) Body(most int, phase string) []simtest.Logged {
	if len(f.left) == 0 {
		f.left = f.world()
	}
	n := min(1+f.dice.Intn(most), len(f.left))
	body := f.left[:n:n]
	f.left = f.left[n:]
	for i := range body {
		body[i].Dims = append(body[i].Dims, []byte(phase))
	}
	return body
}

func (f *Traffic) world() []simtest.Logged {
	events := simtest.RecentWorld(f.dice, f.now).Events
	prefix := fmt.Sprintf("%s.%d.", f.name, f.worlds)
	for i := range events {
		e := &events[i]
		if len(e.ID) == 0 {
			e.ID = []byte("n" + strconv.Itoa(i))
		}
		e.ID = append([]byte(prefix), e.ID...)
		if len(e.User) > 0 {
			e.User = append([]byte(prefix), e.User...)
		}
	}
	f.worlds++
	return events
}

// worldOf is the world that the events of traffic make up; it can be asked about all dimensions but the phase.
func worldOf(events []simtest.Logged, now time.Time) (w simtest.World, o *simtest.Oracle) {
	w = simtest.RecentWorld(rand.New(rand.NewSource(0)), now)
	w.Events = events
	return w, simtest.NewOracle(*countedConfig(&w.Config), events)
}

// countedConfig is what the events of traffic are counted with.
func countedConfig(c *simtest.Config) *simtest.Config {
	counted := *c
	counted.Dimensions = append(slices.Clone(c.Dimensions), phaseDimension)
	return &counted
}

// flags have the binary count as the oracle does.
func flags(c *simtest.Config) []string {
	return []string{
		"--timezone", c.Location.String(), "--dimensions", list(countedConfig(c).Dimensions),
		"--passive-types", list(c.Passive), "--retention-minute", "900d", "--retention-hour", "900d", "--late-horizon", "0",
	}
}
