package apptest

import (
	"context"
	"math/rand"
	"path/filepath"
	"testing"
	"time"

	"rollcall/aggregate"
	"rollcall/simtest"
	"rollcall/store/sqlite"
)

func crashConfig() (*simtest.Config, []string) {
	c := &simtest.Config{Location: time.UTC, Dimensions: []string{"campaign", "age"}, Gap: 30 * time.Minute, Passive: []string{"heartbeat"}}
	return c, []string{
		"--dimensions", "campaign,age", "--passive-types", "heartbeat", "--retention-minute", "900d", "--retention-hour", "900d",
		"--commit-interval", "5ms", "--log-segment-bytes", "1MiB",
	}
}

// exact compares everything that was acknowledged with what the server counts.
func exact(t *testing.T, s *Server, l *load, d simtest.Dice) {
	t.Helper()
	if err := s.Committed(); err != nil {
		t.Fatalf("%v\n%s", err, s.Stderr())
	}
	w := l.world(time.Now())
	o := simtest.NewOracle(w.Config, w.Events)
	if o.Duplicates > 0 {
		t.Fatalf("%d ids twice: the producers are at fault", o.Duplicates)
	}
	for range 20 {
		same(t, o, simtest.RandomQuery(d, &w, o), func(q *simtest.Query) ([]simtest.Row, error) {
			return s.Query(q, w.Config.Location)
		})
	}
}

// Every event that was acknowledged is counted exactly once, however often and whenever the server is killed.
func TestCrash(t *testing.T) {
	t.Parallel()
	bin := binary(t)
	config, flags := crashConfig()
	flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"))
	d := rand.New(rand.NewSource(*seed))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := produce(ctx, t, config)
	for n := range *crashes {
		crash(t, bin, flags, l, d, n)
	}
	s := Start(t, bin, nil, flags...)
	l.server.Store(&s.Client)
	stop()
	l.wait.Wait()
	exact(t, s, l, d)
	s.Stop(t)
	s = Start(t, bin, nil, flags...)
	exact(t, s, l, d)
	s.Stop(t)
	t.Logf("%d events in %d bodies acknowledged over %d crashes", len(l.events), l.acknowledged.Load(), *crashes)
}

// crash runs the server once and ends it: mostly while it works, at times before it is ready, and at times gracefully,
// so that later runs start from a snapshot.
func crash(t *testing.T, bin string, flags []string, l *load, d *rand.Rand, n int) {
	t.Helper()
	if n%7 == 3 {
		s := Launch(t, bin, nil, flags...)
		<-time.After(time.Duration(d.Intn(150)) * time.Millisecond) // the moment is what is tested
		s.Kill()
		return
	}
	s := Start(t, bin, nil, flags...)
	l.server.Store(&s.Client)
	l.after(int64(d.Intn(60)), s.Ended())
	if n%7 == 5 {
		s.Stop(t)
		return
	}
	<-time.After(time.Duration(d.Intn(10_000)) * time.Microsecond) // the moment is what is tested
	s.Kill()
}

// A crash at each step of a commit changes nothing.
func TestCrashAtEachStep(t *testing.T) {
	t.Parallel()
	bin, failing := binary(t), binary(t, "failpoint")
	config, flags := crashConfig()
	flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"))
	d := rand.New(rand.NewSource(*seed))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := produce(ctx, t, config)
	steps := append(aggregate.Steps[:], sqlite.StepFenced, sqlite.StepCells, sqlite.StepSets, sqlite.StepState,
		sqlite.StepLedger, sqlite.StepLetters, sqlite.StepVersions, sqlite.StepCommitted)
	for _, step := range steps {
		for _, n := range []string{"1", "2", "9"} {
			s := Launch(t, failing, []string{"ROLLCALL_FAILPOINT=" + step + ":" + n}, flags...)
			if err := s.Ready(); err == nil {
				l.server.Store(&s.Client)
			}
			killedAt(t, s, step+":"+n, patience)
		}
	}
	s := Start(t, bin, nil, flags...)
	l.server.Store(&s.Client)
	stop()
	l.wait.Wait()
	exact(t, s, l, d)
	s.Stop(t)
}

// killedAt waits until a server was killed at a step.
func killedAt(t *testing.T, s *Server, step string, patience time.Duration) {
	t.Helper()
	select {
	case <-s.Ended():
	case <-time.After(patience):
		t.Fatalf("%s was not reached\n%s", step, s.Stderr())
	}
	if s.State().ExitCode() != -1 {
		t.Fatalf("%s: %v\n%s", step, s.State(), s.Stderr())
	}
}
