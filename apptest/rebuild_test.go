package apptest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/aggregate"
	"rollcall/rebuild"
	"rollcall/simtest"
	"rollcall/store"
	"rollcall/store/sqlite"
)

// builds is the reply of GET /api/v1/builds.
type builds struct {
	Active  uint32
	Builds  []store.Build
	Rebuild *struct {
		State, Error string
		Build        uint32
	}
}

func (c Client) builds() (b builds, err error) {
	reply, err := c.Get("/api/v1/builds", nil)
	if err == nil && reply.Status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", reply.Status, reply.Body)
	}
	if err == nil {
		err = json.Unmarshal(reply.Body, &b)
	}
	return b, err
}

// gap is the session gap of a build.
func (b *builds) gap(number uint32) (time.Duration, error) {
	for _, x := range b.Builds {
		if x.Number == number {
			return time.ParseDuration(x.Settings["session_gap"])
		}
	}
	return 0, fmt.Errorf("no build %d in %+v", number, b.Builds)
}

// remake asks for a rebuild and waits for its end; the build that was made.
func (s *Server) remake(request string) (uint32, error) {
	if reply, err := s.Send(http.MethodPost, "/api/v1/rebuild", nil, nil, []byte(request)); err != nil || reply.Status != http.StatusAccepted {
		return 0, fmt.Errorf("%s: %w, status %d: %s", request, err, reply.Status, reply.Body)
	}
	made := uint32(0)
	err := s.Until(func() (bool, error) {
		b, err := s.builds()
		if err != nil || b.Rebuild == nil || b.Rebuild.State == "running" || b.Active != b.Rebuild.Build {
			if err == nil && b.Rebuild != nil && (b.Rebuild.State == "failed" || b.Rebuild.State == "cancelled") {
				err = fmt.Errorf("%s: %+v", request, *b.Rebuild)
			}
			return false, err
		}
		made = b.Rebuild.Build
		return true, nil
	})
	return made, err
}

// exactBuild compares everything with the oracle of the settings of the active build, whichever it is, and gives its gap.
func exactBuild(t *testing.T, s *Server, l *load, d simtest.Dice) time.Duration {
	t.Helper()
	b, err := s.builds()
	if err != nil {
		t.Fatal(err)
	}
	gap, err := b.gap(b.Active)
	if err != nil {
		t.Fatal(err)
	}
	config := *l.config
	config.Gap = gap
	was := l.config
	l.config = &config
	defer func() { l.config = was }()
	exact(t, s, l, d)
	return gap
}

// killed runs a command until it is killed at a step.
func killed(t *testing.T, failing, step string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), failing, args...)
	cmd.Env = environment("ROLLCALL_FAILPOINT=" + step)
	if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("%s: %v, %v\n%s", step, err, cmd.ProcessState, out)
	}
}

// storeSteps are those of a commit to an embedded store.
func storeSteps() []string {
	return []string{sqlite.StepFenced, sqlite.StepCells, sqlite.StepSets, sqlite.StepState, sqlite.StepLedger, sqlite.StepLetters, sqlite.StepVersions, sqlite.StepCommitted}
}

// gaps are the session gaps that rebuilds change between.
var gaps = [...]string{"1h0m0s", "30m0s"}

// A rebuild of a directory that is killed at any step leaves the old figures or the new ones, and goes on when it is given again. So
// does a rollback.
func TestRebuildKilledAtEachStep(t *testing.T) {
	t.Parallel()
	bin, failing, d := binary(t), binary(t, "failpoint"), rand.New(rand.NewSource(*seed))
	config, flags := crashConfig()
	dir := filepath.Join(t.TempDir(), "data")
	flags = append(flags, "--data", dir)
	l, now := &load{config: config}, time.Now()
	add := func(name string) { t.Helper(); l.imported(t, bin, flags, d, now, name) }
	look := func(step, want string) string {
		t.Helper()
		s := Start(t, bin, nil, flags...)
		defer s.Stop(t)
		gap := exactBuild(t, s, l, d).String()
		if want != "" && gap != want || t.Failed() {
			t.Fatalf("%s: the session gap is %s, want %s", step, gap, want)
		}
		return gap
	}
	add("first")
	last := rebuild.Steps[len(rebuild.Steps)-1]
	for i, step := range slices.Concat(rebuild.Steps[:], aggregate.Steps[:], storeSteps()) {
		add(step)
		was, gap := gaps[(i+1)%2], gaps[i%2]
		args := append([]string{"rebuild", "--session-gap", gap}, flags...)
		killed(t, failing, step+":1", args...)
		if step == last {
			was = gap
		}
		look(step, was)
		add("beside " + step)
		if out := MustRun(t, bin, nil, args...); !strings.Contains(out.Stdout, "is active") {
			t.Fatal(out.Stdout)
		}
		look(step, gap)
	}
	verified(t, bin, flags)
	current := look("", "")
	for _, step := range []string{"rebuild.folded", "store.state", "rebuild.held", "rebuild.caught_up", last} {
		add("back " + step)
		killed(t, failing, step+":1", append([]string{"rollback"}, flags...)...)
		if step != last {
			look(step, current)
			MustRun(t, bin, nil, append([]string{"rollback"}, flags...)...)
		}
		current = gaps[(slices.Index(gaps[:], current)+1)%2]
		look(step, current)
	}
	verified(t, bin, flags)
	MustRun(t, bin, nil, append([]string{"rebuild", "--keep", "0", "--session-gap", "3h"}, flags...)...)
	look("keep none", "3h0m0s")
	if files, err := filepath.Glob(filepath.Join(dir, "store*.db")); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}

func verified(t *testing.T, bin string, flags []string) {
	t.Helper()
	if out := MustRun(t, bin, nil, append([]string{"verify", "--all"}, flags...)...); !strings.Contains(out.Stdout, "equal to the log") {
		t.Error(out.Stdout)
	}
}

// A server that is killed at any step of a rebuild that it makes while events arrive has lost and doubled none, answers from the old
// figures or the new ones, and makes the rebuild when it is asked again.
func TestServerKilledAtEachStepOfARebuild(t *testing.T) {
	t.Parallel()
	bin, failing := binary(t), binary(t, "failpoint")
	config, flags := crashConfig()
	flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := produce(ctx, t, config)
	var steps []string
	for _, step := range rebuild.Steps {
		steps = append(steps, step+":1")
	}
	for _, step := range append(storeSteps(), aggregate.Steps[:]...) { // the live aggregator passes these as well
		steps = append(steps, step+":20")
	}
	for i, step := range steps {
		s := Launch(t, failing, []string{"ROLLCALL_FAILPOINT=" + step}, flags...)
		if err := s.Ready(); err == nil {
			l.server.Store(&s.Client)
			l.after(10, s.Ended())
			request := fmt.Sprintf(`{"settings":{"session_gap":%q}}`, gaps[i%2])
			_, _ = s.Send(http.MethodPost, "/api/v1/rebuild", nil, nil, []byte(request)) // it may be dead by then
		}
		killedAt(t, s, step, patience)
	}
	s := Start(t, bin, nil, flags...)
	l.server.Store(&s.Client)
	for i := range 4 {
		request := fmt.Sprintf(`{"settings":{"session_gap":%q}}`, gaps[i%2])
		if i%2 == 1 {
			request = `{"rollback":true}`
		}
		if _, err := s.remake(request); err != nil {
			t.Fatalf("%v\n%s", err, s.Stderr())
		}
	}
	stop()
	l.wait.Wait()
	since := config.StartOf(time.Now().UnixMilli(), -1)
	day := time.UnixMilli(since).In(config.Location).Format(time.DateOnly)
	if reply, err := s.Send(http.MethodPost, "/api/v1/rebuild", nil, nil, []byte(`{"settings":{"timezone":"Asia/Seoul"},"since":"`+day+`"}`)); err != nil || reply.Status != http.StatusBadRequest {
		t.Errorf("another time zone from a day on: %v, status %d: %s", err, reply.Status, reply.Body)
	}
	if _, err := s.remake(`{"settings":{"session_gap":"2h"},"since":"` + day + `"}`); err != nil {
		t.Fatal(err)
	}
	counted(t, s, l)
	s.Stop(t)
	verified(t, bin, flags)
	t.Logf("%d events in %d bodies acknowledged", len(l.events), l.acknowledged.Load())
}
