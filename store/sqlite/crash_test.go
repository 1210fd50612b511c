package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// The environment of a child: the store to commit to, and the step of commit number crashCommit to die at, if any.
const (
	childPath = "ROLLCALL_TEST_STORE"
	childStep = "ROLLCALL_TEST_STEP"
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(childPath) != "":
		err = child(os.Getenv(childPath), os.Getenv(childStep))
	case os.Getenv(childBuilds) != "":
		err = buildsChild(os.Getenv(childBuilds))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

const crashCommit = 5

// child commits and compacts until it is killed, and prints the number of each commit that is acknowledged.
func child(path, step string) error {
	number := 0
	s, err := Open(context.Background(), Config{Path: path, Dimensions: []string{"a"}, Shards: 2, Step: func(name string) {
		if number == crashCommit && name == step {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}})
	if err != nil {
		return err
	}
	var at [2]store.Position
	for shard := range at {
		if at[shard], err = s.Acquire(context.Background(), shard); err != nil {
			return err
		}
	}
	number = int(at[0].Offset)
	for {
		number++
		c := &store.Commit{At: int64(number)}
		for shard := range at {
			c.Shards = append(c.Shards, numbered(at[shard], number))
			at[shard] = c.Shards[shard].To
		}
		if err := s.Commit(context.Background(), c); err != nil {
			return err
		}
		fmt.Println(number)
		if _, err := s.Compact(context.Background(), number%5 == 0, join); err != nil {
			return err
		}
	}
}

// numbered is a commit that leaves its number in everything.
func numbered(p store.Position, number int) store.ShardCommit {
	c := next(p)
	c.Cells = []*block.Cells{dayCells(1, int64(number))}
	c.Sets = []*block.Sets{daySets(1, p.Shard, uint32(number))}
	c.State = []store.StateChunk{{Key: store.StateKey{Shard: p.Shard, Kind: store.Users}, Data: []byte{byte(number)}},
		{Key: store.StateKey{Shard: p.Shard, Kind: store.IDs}, Full: true, Data: bytes.Repeat([]byte{byte(number)}, 20_000)}}
	c.Ledger = []store.LedgerRow{{Shard: p.Shard, Count: int64(number), HashLo: 1 << 63}}
	c.Letters = []store.DeadLetter{{At: int64(number)}}
	return c
}

// checkWhole tells that the store holds exactly the commits 1 to n, and gives n.
func checkWhole(t *testing.T, path string) int {
	t.Helper()
	s, err := Open(context.Background(), Config{Path: path, Dimensions: []string{"a"}, Shards: 2})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	v, err := s.View(context.Background())
	must(t, err)
	h := v.Head()
	n := int(h.Shards[0].Offset)
	got := fmt.Sprint(h.Shards[1].Offset, h.Version, h.Committed, h.Stamp(store.DayClock, 1))
	want := fmt.Sprint(n, n, n, n)
	sum := int64(n * (n + 1) / 2)
	cells, err := v.Cells(context.Background(), rollcall.Day, 0, 0, 9)
	must(t, err)
	got += fmt.Sprint(" cells ", len(cells))
	want += fmt.Sprint(" cells ", min(n, 1))
	for _, b := range cells {
		got += fmt.Sprint(b.Counters[rollcall.Events])
		want += fmt.Sprint([]int64{2 * sum})
	}
	history, err := v.History(context.Background(), 1)
	must(t, err)
	for _, c := range history.Changes {
		got += fmt.Sprint(" history ", c.Commits, c.LastVersion, c.Counters[rollcall.Events])
		want += fmt.Sprint(" history ", n, n, 2*sum)
	}
	if len(history.Changes) != min(n, 1) {
		t.Fatalf("%d hours of history", len(history.Changes))
	}
	for shard := range 2 {
		got += found(t, s, v, shard, n)
		want += expected(n, sum)
	}
	letters, err := s.Letters(context.Background(), store.LetterQuery{Limit: 10_000})
	must(t, err)
	if got, want = fmt.Sprint(got, len(letters)), fmt.Sprint(want, 2*n); got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
	must(t, v.Close())
	return n
}

func found(t *testing.T, s *Store, v store.View, shard, n int) string {
	t.Helper()
	sets, err := v.Sets(context.Background(), rollcall.Day, shard, 0, 9, true)
	must(t, err)
	users := 0
	for _, b := range sets {
		s, err := b.Sets()
		must(t, err)
		users += len(s.Users)
	}
	ledger, err := v.Ledger(context.Background(), 0, 1, false)
	must(t, err)
	count := int64(0)
	if n > 0 {
		count = ledger[shard].Count
	}
	state := 0
	for kind, size := range map[store.StateKind]int{store.Users: 1, store.IDs: 20_000} {
		chunks, err := s.State(context.Background(), store.StateKey{Shard: shard, Kind: kind})
		must(t, err)
		for _, c := range chunks {
			state += len(c.Data) / size
			for i, b := range c.Data {
				if kind == store.IDs && b != byte(n) {
					t.Fatalf("byte %d of commit %d", i, b)
				}
			}
		}
	}
	return fmt.Sprint(" shard ", users, count, state)
}

func expected(n int, sum int64) string { return fmt.Sprint(" shard ", n, sum, n+min(n, 1)) }

// run starts a child, kills it after so many acknowledged commits unless it dies by itself, and gives the last number
// acknowledged.
func runChild(t *testing.T, path, step string, killAfter int) (last int) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childPath+"="+path, childStep+"="+step)
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if n++; n == killAfter {
			must(t, c.Process.Kill())
		}
	}
	_ = c.Wait()
	if errs.Len() > 0 {
		t.Fatal(errs.String())
	}
	return last
}

// Killed at any step of a commit, the store reopens with whole commits only: all that were acknowledged, and the one
// under way exactly if its transaction had ended.
func TestKilledAtEachStep(t *testing.T) {
	for _, step := range []string{StepFenced, StepCells, StepSets, StepState, StepLedger, StepLetters, StepVersions, StepCommitted} {
		t.Run(step, func(t *testing.T) {
			path := newPath(t)
			want := runChild(t, path, step, 0)
			if want != crashCommit-1 {
				t.Fatalf("died after commit %d", want)
			}
			if step == StepCommitted {
				want++
			}
			if n := checkWhole(t, path); n != want {
				t.Fatalf("%d commits, want %d", n, want)
			}
			if last := runChild(t, path, "", 3); last < want+3 || checkWhole(t, path) < last {
				t.Fatalf("went on to %d", last)
			}
		})
	}
}

// Killed at a time of nobody's choosing, again and again, the store loses nothing acknowledged and keeps nothing by half.
func TestKilledAtAnyTime(t *testing.T) {
	path := newPath(t)
	for round := range 8 {
		last := runChild(t, path, "", 2+round*3)
		if n := checkWhole(t, path); n < last || n > last+1 {
			t.Fatalf("%d commits of %d acknowledged", n, last)
		}
	}
}
