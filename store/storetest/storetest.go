package storetest

import (
	"bytes"
	"context"
	"testing"

	"rollcall"
	"rollcall/store"
)

// Store is all that an adapter offers.
type Store interface {
	store.Writer
	store.Viewer
	store.Keeper
	store.Letters
	store.Verifications
}

// Open makes an empty store for a test and closes it when the test ends.
type Open func(t *testing.T, dims []string, shards int) Store

// Run runs the suite.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"history":            testHistory,
		"fence":              testFence,
		"one fenced of two":  testOneFencedOfTwo,
		"commit stopped":     testStoppedCommit,
		"view isolation":     testViewIsolation,
		"intern":             testIntern,
		"intern concurrent":  testInternConcurrently,
		"values":             testValues,
		"state":              testState,
		"state in a view":    testStateInView,
		"dictionary clock":   testUsersClock,
		"ledger sums":        testLedgerSums,
		"expire":             testExpire,
		"letters":            testLetters,
		"letters deleted":    testDeletedLetters,
		"day's history":      testDaysHistory,
		"sizes":              testSizes,
		"periods":            testPeriods,
		"compact beside":     testCompactBesideCommits,
		"unknown shard":      testUnknownShard,
		"failing merge":      testFailingMerge,
		"snapshot positions": testSnapshot,
		"verified days":      testVerified,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

var dims = []string{"campaign", "age"}

// fatal is what both testing.T and rapid.T are.
type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must(t fatal, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// join is a MergeState that shows the order of what it merged.
func join(_ store.StateKey, chunks [][]byte) ([]byte, error) { return bytes.Join(chunks, nil), nil }

func acquire(t fatal, s Store, shard int) store.Position {
	t.Helper()
	p, err := s.Acquire(context.Background(), shard)
	must(t, err)
	return p
}

func viewOf(t fatal, s Store) store.View {
	t.Helper()
	v, err := s.View(context.Background())
	must(t, err)
	return v
}

// advance is a commit of one shard that moves it on by so many accepted events and carries nothing else.
func advance(p store.Position, events int) store.ShardCommit {
	to := p
	to.Offset += rollcall.Offset(events)
	to.Accepted += int64(events)
	return store.ShardCommit{From: p.Offset, To: to}
}
