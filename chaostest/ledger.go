//go:build unix

package chaostest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/simtest"
)

// Ledger knows what was sent and acknowledged, and which faults were in force meanwhile.
type Ledger struct {
	mu       sync.Mutex
	active   map[string]int
	phases   [][]string // by phase: the faults in force
	times    map[string]int
	unknown  map[string]int // by fault: events of requests whose outcome nobody knows
	sent     int            // events, each time they were sent
	again    int            // events sent once more after they were acknowledged
	accepted []simtest.Logged
	progress time.Time
}

// NewLedger begins with a phase without faults.
func NewLedger() *Ledger {
	return &Ledger{active: map[string]int{}, phases: [][]string{nil}, times: map[string]int{}, unknown: map[string]int{}, progress: time.Now()}
}

// Begin counts a fault and begins a phase; the function it gives ends the fault, with another phase.
func (l *Ledger) Begin(fault string) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times[fault]++
	l.change(fault, 1)
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.change(fault, -1)
	})
}

func (l *Ledger) change(fault string, by int) {
	if l.active[fault] += by; l.active[fault] == 0 {
		delete(l.active, fault)
	}
	l.phases = append(l.phases, slices.Sorted(maps.Keys(l.active)))
}

// Phase names the phase that is.
func (l *Ledger) Phase() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return phaseName(len(l.phases) - 1)
}

func phaseName(n int) string { return fmt.Sprintf("p%d", n) }

// Sent counts a request.
func (l *Ledger) Sent(events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent += events
}

// Unknown counts a request that nobody knows the outcome of.
func (l *Ledger) Unknown(events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for fault := range l.active {
		l.unknown[fault] += events
	}
}

// Again counts events that were sent once more after they were acknowledged.
func (l *Ledger) Again(events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again += events
}

// Accepted keeps events that were acknowledged.
func (l *Ledger) Accepted(events []simtest.Logged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted = append(l.accepted, events...)
	l.progress = time.Now()
}

// Events gives what was acknowledged, in the order in which each producer sent it.
func (l *Ledger) Events() []simtest.Logged {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.accepted)
}

// Summary says how much was sent.
func (l *Ledger) Summary() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%d events acknowledged, %d sent with retries, of them %d again on purpose, in %d phases", len(l.accepted), l.sent, l.again, len(l.phases))
}

// Line of the table of faults.
type Line struct {
	Fault         string
	Times         int
	Events        int // first sent while it was in force, and acknowledged
	Unknown       int // sent in requests without a reply while it was in force
	Lost, Doubled int // of Events
}

// Table lays what differs at the door of the faults that were in force. The counts are of events by phase and cell.
func (l *Ledger) Table(want, got map[[2]string]int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := map[string]*Line{}
	for fault, times := range l.times {
		lines[fault] = &Line{Fault: fault, Times: times, Unknown: l.unknown[fault]}
	}
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for key := range keys {
		for _, fault := range l.faults(key[0]) {
			lines[fault].Events += want[key]
			lines[fault].Lost += max(0, want[key]-got[key])
			lines[fault].Doubled += max(0, got[key]-want[key])
		}
	}
	var table []Line
	for _, fault := range slices.Sorted(maps.Keys(lines)) {
		table = append(table, *lines[fault])
	}
	return table
}

func (l *Ledger) faults(phase string) []string {
	var n int
	if _, err := fmt.Sscanf(phase, "p%d", &n); err != nil || n >= len(l.phases) {
		return nil
	}
	return l.phases[n]
}

// Markdown writes the table.
func Markdown(table []Line) string {
	var b strings.Builder
	b.WriteString("| fault | times | events | of unknown outcome | lost | doubled |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, line := range table {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", line.Fault, line.Times, line.Events, line.Unknown, line.Lost, line.Doubled)
	}
	return b.String()
}
