package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"rollcall/block"
	"rollcall/store"
	"rollcall/store/storetest"
)

func openBuildsIn(t testing.TB, dir string) *Builds {
	t.Helper()
	b, err := OpenBuilds(dir, nil, slog.New(slog.DiscardHandler))
	must(t, err)
	return b
}

// beginFirst makes build 1 of a new directory.
func beginFirst(t testing.TB, b *Builds, dims []string, shards int) {
	t.Helper()
	_, err := b.Begin(context.Background(), store.Build{Dimensions: dims, Shards: shards})
	must(t, err)
}

func handleOn(t testing.TB, b *Builds, number uint32, beside bool) *Store {
	t.Helper()
	s, err := b.Open(context.Background(), number, beside, nil)
	must(t, err)
	return s
}

func TestBuilds(t *testing.T) {
	storetest.RunBuilds(t, func(t *testing.T, dims []string, shards int) storetest.BuildsRig {
		dir, err := os.MkdirTemp(t.TempDir(), "builds")
		must(t, err)
		b := openBuildsIn(t, dir)
		beginFirst(t, b, dims, shards)
		return storetest.BuildsRig{Builds: b, Handle: func(t *testing.T, build store.Build, beside bool) (storetest.Store, func()) {
			s := handleOn(t, b, build.Number, beside)
			return s, sync.OnceFunc(func() { must(t, s.Close()) })
		}}
	})
}

// The environment of a child that changes builds: their directory, what to do, and how many steps to live.
const (
	childBuilds = "ROLLCALL_TEST_BUILDS"
	childDoes   = "ROLLCALL_TEST_DO"
	childSteps  = "ROLLCALL_TEST_STEPS"
)

// buildsChild does one thing to builds and is killed at a step of it, if there are so many. It prints the step.
func buildsChild(dir string) error {
	b, err := OpenBuilds(dir, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	left, err := strconv.Atoi(os.Getenv(childSteps))
	if err != nil {
		return err
	}
	b.step = func(name string) {
		if left--; left == 0 {
			fmt.Println(name)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	ctx := context.Background()
	switch os.Getenv(childDoes) {
	case "activate":
		return b.Activate(ctx, 1, 2)
	case "go back":
		return b.Activate(ctx, 2, 1)
	case "begin":
		_, err = b.Begin(ctx, store.Build{Dimensions: []string{"b"}, Shards: 1})
		return err
	default:
		return b.Drop(ctx, 2)
	}
}

// killedAt runs a child and gives the step at which it was killed; none when it had done everything before.
func killedAt(t *testing.T, dir, do string, steps int) string {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childBuilds+"="+dir, childDoes+"="+do, childSteps+"="+strconv.Itoa(steps))
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); errs.Len() > 0 || (err == nil) != (out.Len() == 0) {
		t.Fatalf("%s, %d steps: %v\n%s%s", do, steps, err, out.String(), errs.String())
	}
	return strings.TrimSpace(out.String())
}

// letterCount of each kind is more than go over at once.
const letterCount int64 = lettersAtOnce + 1

// twoBuilds makes a directory of two builds that have committed the same, with letters of every reason in the active one.
func twoBuilds(t *testing.T) string {
	dir := t.TempDir()
	b := openBuildsIn(t, dir)
	beginFirst(t, b, []string{"a"}, 1)
	_, err := b.Begin(context.Background(), store.Build{Dimensions: []string{"a"}, Shards: 1})
	must(t, err)
	for number := uint32(1); number <= 2; number++ {
		s := handleOn(t, b, number, number == 2)
		c := next(acquire(t, s, 0))
		c.Cells = []*block.Cells{dayCells(1, int64(number))}
		commit(t, s, c)
		must(t, s.Close())
	}
	quarantine(t, b, 1)
	return dir
}

// quarantine puts letters into the active build, at the instant of the last activation or later.
func quarantine(t *testing.T, b *Builds, number uint32) {
	t.Helper()
	s := handleOn(t, b, number, false)
	defer func() { must(t, s.Close()) }()
	at := b.registry.find(number).Activated + 1
	var letters []store.DeadLetter
	for range letterCount {
		letters = append(letters, store.DeadLetter{At: at, Reason: "syntax"})
	}
	must(t, s.Quarantine(context.Background(), append(letters, store.DeadLetter{At: at, Reason: store.ReasonLate})))
}

// letters counts those of a build that no commit brought.
func letters(t *testing.T, s *Store) int64 {
	t.Helper()
	counts, err := s.CountLetters(context.Background(), int(100*letterCount))
	must(t, err)
	for _, c := range counts {
		if c.Reason == "syntax" {
			return c.Count
		}
	}
	return 0
}

// Killed at each write, an activation has made the one build active or has not; done again, nothing of it is there twice.
func TestActivationKilledAtEachStep(t *testing.T) {
	for _, do := range []string{"activate", "go back"} {
		seen := map[string]bool{}
		for n := 1; ; n++ {
			dir, from, to, had := twoBuilds(t), uint32(1), uint32(2), letterCount
			if do == "go back" {
				b := openBuildsIn(t, dir)
				must(t, b.Activate(context.Background(), 1, 2))
				quarantine(t, b, 2)
				from, to, had = 2, 1, 2*letterCount
			}
			before := versions(t, dir)
			step := killedAt(t, dir, do, n)
			checkActivated(t, dir, from, to, step == "" || step == "registry renamed", had)
			b := openBuildsIn(t, dir)
			if list, _ := b.Builds(context.Background()); list[from-1].State == store.Active {
				must(t, b.Activate(context.Background(), from, to))
			}
			checkActivated(t, dir, from, to, true, had)
			if after := versions(t, dir); after[to] <= before[from] {
				t.Errorf("killed at %q: version %d after %d", step, after[to], before[from])
			}
			if step == "" {
				break
			}
			seen[step] = true
		}
		if len(seen) != 7 {
			t.Errorf("%s was killed at %v", do, seen)
		}
	}
}

func versions(t *testing.T, dir string) map[uint32]uint64 {
	t.Helper()
	b, found := openBuildsIn(t, dir), map[uint32]uint64{}
	for _, build := range b.registry.Builds {
		s := handleOn(t, b, build.Number, build.State != store.Active)
		v, err := s.View(context.Background())
		must(t, err)
		found[build.Number] = v.Head().Version
		must(t, v.Close())
		must(t, s.Close())
	}
	return found
}

// checkActivated: the one or the other is active, with all letters once, and both can be opened and hold what they held.
func checkActivated(t *testing.T, dir string, from, to uint32, done bool, had int64) {
	t.Helper()
	b := openBuildsIn(t, dir)
	want := map[uint32]bool{from: !done, to: done}
	for _, build := range b.registry.Builds {
		if want[build.Number] != (build.State == store.Active) {
			t.Fatalf("done %t: %+v", done, b.registry.Builds)
		}
		s := handleOn(t, b, build.Number, build.State != store.Active)
		if got := letters(t, s); build.State == store.Active && got != had {
			t.Errorf("done %t: build %d has %d letters, want %d", done, build.Number, got, had)
		}
		v, err := s.View(context.Background())
		must(t, err)
		cells, err := v.Cells(context.Background(), 2, 0, 0, 9)
		must(t, err)
		if len(cells) != 1 || cells[0].Counters[0][0] != int64(build.Number) {
			t.Errorf("build %d: %+v", build.Number, cells)
		}
		must(t, v.Close())
		must(t, s.Close())
	}
}

// Killed at each write, what was begun is there, or is not; and of what was dropped nothing is left after the next opening.
func TestBeginAndDropKilledAtEachStep(t *testing.T) {
	for do, steps := range map[string]int{"begin": 4, "drop": 7} {
		n := 1
		for step := "none"; step != ""; n++ {
			dir := twoBuilds(t)
			step = killedAt(t, dir, do, n)
			b := openBuildsIn(t, dir)
			must(t, handleOn(t, b, 1, false).Close())
			there := map[uint32]bool{}
			for _, build := range b.registry.Builds {
				there[build.Number] = true
				if build.State != store.Active {
					must(t, handleOn(t, b, build.Number, true).Close())
				}
			}
			begun := step != "registry made" && step != "registry written"
			if there[3] != (do == "begin" && begun) || there[2] == (do == "drop" && begun) {
				t.Errorf("%s killed at %q: %+v", do, step, b.registry.Builds)
			}
			files, err := filepath.Glob(filepath.Join(dir, "store-*.db*"))
			must(t, err)
			for _, f := range files {
				number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(f), "store-"), ".")
				if n, err := strconv.Atoi(number); err != nil || !there[uint32(n)] {
					t.Errorf("%s killed at %q: %s is left", do, step, f)
				}
			}
			again, err := b.Begin(context.Background(), store.Build{Dimensions: []string{"a"}, Shards: 1})
			must(t, err)
			if there[again.Number] || again.Number <= 2 {
				t.Errorf("number %d again", again.Number)
			}
		}
		if n < steps {
			t.Errorf("%s has %d steps", do, n)
		}
	}
}
