package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/aggregate"
	"rollcall/rebuild"
	"rollcall/reshard"
	"rollcall/simtest"
	"rollcall/store/sqlite"
)

// reshardSteps are those of a change of the number of shards; after the last three, it is done.
func reshardSteps() []string {
	return slices.Concat(reshard.Steps[:2], rebuild.Steps[:5], []string{sqlite.StepState, sqlite.StepCommitted}, reshard.Steps[2:], rebuild.Steps[5:], []string{"reshard.left", "reshard.deleted"})
}

// shards is the number of the active build.
func (b *builds) shards() int {
	for _, x := range b.Builds {
		if x.Number == b.Active {
			return x.Shards
		}
	}
	return 0
}

// alone: a data directory has one log and one store.
func alone(t *testing.T, dir string) {
	t.Helper()
	for _, pattern := range []string{"log*", "store*.db"} {
		if files, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(files) != 1 {
			t.Errorf("%v, %v", files, err)
		}
	}
}

// A change of the number of shards that is killed at any step leaves the old log and figures, or the new ones, and is made when it is
// given again.
func TestReshardKilledAtEachStep(t *testing.T) {
	t.Parallel()
	bin, failing, d := binary(t), binary(t, "failpoint"), rand.New(rand.NewSource(*seed))
	config, flags := crashConfig()
	dir := filepath.Join(t.TempDir(), "data")
	flags = append(flags, "--data", dir)
	l, now, shards := &load{config: config}, time.Now(), 4
	add := func(name string) { t.Helper(); l.imported(t, bin, flags, d, now, name) }
	look := func(step string, want int) {
		t.Helper()
		s := Start(t, bin, nil, flags...)
		defer s.Stop(t)
		b, err := s.builds()
		if exactBuild(t, s, l, d); err != nil || b.shards() != want || t.Failed() {
			t.Fatalf("%s: %d shards, want %d: %v", step, b.shards(), want, err)
		}
	}
	add("first")
	steps := reshardSteps()
	for i, step := range steps {
		add(step)
		to := 1 + (shards+d.Intn(7))%8
		args := append([]string{"rebuild", "--log-shards", fmt.Sprint(to)}, flags...)
		killed(t, failing, step+":1", args...)
		if i >= len(steps)-3 {
			shards = to
		}
		look(step, shards)
		add("beside " + step)
		if out := MustRun(t, bin, nil, args...); !strings.Contains(out.Stdout, "is active") {
			t.Fatal(out.Stdout)
		}
		shards = to
	}
	look("", shards)
	verified(t, bin, flags)
	MustRun(t, bin, nil, append([]string{"rebuild", "--keep", "0", "--log-shards", "3"}, flags...)...)
	alone(t, dir)
}

// A server that is killed at any step of a change of the number of shards that it makes while events arrive has lost and doubled none,
// and makes it when it is asked again.
func TestServerKilledAtEachStepOfAReshard(t *testing.T) {
	t.Parallel()
	bin, failing, d := binary(t), binary(t, "failpoint"), rand.New(rand.NewSource(*seed))
	config, flags := crashConfig()
	dir := filepath.Join(t.TempDir(), "data")
	flags = append(flags, "--data", dir)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l := produce(ctx, t, config)
	shards := 4
	for _, step := range append(reshardSteps(), aggregate.Steps[0]+":20") {
		if !strings.Contains(step, ":") {
			step += ":1"
		}
		if strings.HasPrefix(step, "store.") { // the live aggregator passes these as well
			step = strings.Replace(step, ":1", ":20", 1)
		}
		s := Launch(t, failing, []string{"ROLLCALL_FAILPOINT=" + step}, flags...)
		if err := s.Ready(); err == nil {
			l.server.Store(&s.Client)
			l.after(10, s.Ended())
			if b, err := s.builds(); err == nil && b.shards() > 0 {
				shards = b.shards()
			}
			request := fmt.Sprintf(`{"settings":{"log.shards":"%d"}}`, 1+(shards+d.Intn(7))%8)
			_, _ = s.Send(http.MethodPost, "/api/v1/rebuild", nil, nil, []byte(request)) // it may be dead by then
		}
		killedAt(t, s, step, patience)
	}
	s := Start(t, bin, nil, flags...)
	l.server.Store(&s.Client)
	if _, err := s.remake(`{"settings":{"log.shards":"9"}}`); err != nil {
		t.Fatalf("%v\n%s", err, s.Stderr())
	}
	stop()
	l.wait.Wait()
	counted(t, s, l)
	s.Stop(t)
	alone(t, dir)
	verified(t, bin, flags)
	t.Logf("%d events in %d bodies acknowledged", len(l.events), l.acknowledged.Load())
}

// counted: each event that was acknowledged counts once. What it counts as, a verification tells sooner than the oracle.
func counted(t *testing.T, s *Server, l *load) {
	t.Helper()
	if err := s.Committed(); err != nil {
		t.Fatalf("%v\n%s", err, s.Stderr())
	}
	now := time.Now().UnixMilli()
	q := simtest.Query{From: l.config.StartOf(now, -30), To: l.config.StartOf(now, 2), Grain: rollcall.Total, Metrics: []string{"events"}}
	a, err := s.Client.ask(q.Params(l.config.Location))
	if err != nil || a.Rows[0]["events"] != float64(len(l.events)) {
		t.Fatalf("%v, %v: %d events were acknowledged", a, err, len(l.events))
	}
}

// An import that was cut off goes on after a change of the number of shards, and doubles nothing, though its events have no ids.
func TestImportGoesOnAfterAReshard(t *testing.T) {
	t.Parallel()
	bin, dir := binary(t), t.TempDir()
	flags := []string{"--data", filepath.Join(dir, "data"), "--dimensions", "country"}
	file := filepath.Join(dir, "events.ndjson")
	const events = 250_000
	var body bytes.Buffer
	for i := range events {
		fmt.Fprintf(&body, `{"user_id":"user-%d","time":"2026-10-%02dT%02d:%02d:00Z","country":"C%d","session_id":"%080d"}`+"\n", i%977, 1+i%3, i%24, i%60, i%5, i)
	}
	if err := os.WriteFile(file, body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	count := func() string {
		return MustRun(t, bin, nil, append([]string{"query", "--from", "2026-10-01", "--to", "2026-10-05", "--grain", "total", "--metrics", "events", "--format", "csv"}, flags...)...).Stdout
	}
	const limited = `ulimit -f 16384; exec "$0" "$@"` // no file grows beyond 8 or 16 MiB, and the log would
	cut := exec.CommandContext(t.Context(), "sh", append([]string{"-c", limited, bin, "import", file}, flags...)...)
	cut.Env = environment()
	if out, err := cut.CombinedOutput(); err == nil {
		t.Fatalf("the import was not cut off: %s", out)
	}
	before := count()
	if strings.Contains(before, fmt.Sprint(events)) || !strings.Contains(before, "total,") {
		t.Fatalf("some of the events were to be there: %s", before)
	}
	for _, shards := range []string{"7", "2"} {
		MustRun(t, bin, nil, append([]string{"rebuild", "--log-shards", shards}, flags...)...)
	}
	if out := MustRun(t, bin, nil, append([]string{"import", file}, flags...)...); !strings.Contains(out.Stderr, "going on from position") {
		t.Error(out.Stderr)
	}
	if out := count(); !strings.Contains(out, fmt.Sprint(events)) {
		t.Error(out)
	}
	verified(t, bin, flags)
}

// An erasure after a change of the number of shards that was cut off, or that was done, leaves nothing of the user, in no log.
func TestEraseAfterAReshard(t *testing.T) {
	t.Parallel()
	bin, failing := binary(t), binary(t, "failpoint")
	dir := filepath.Join(t.TempDir(), "data")
	body := []byte(fmt.Sprintf(`{"user_id":%q,"time":"2026-10-01T00:00:00Z"}`+"\n"+`{"user_id":"other","time":"2026-10-01T00:00:00Z"}`+"\n", leaver))
	MustRun(t, bin, body, "import", "-", "--data", dir)
	for _, shards := range []string{"7", "2"} {
		killed(t, failing, rebuild.Steps[1]+":1", "rebuild", "--log-shards", shards, "--data", dir)
		MustRun(t, bin, nil, "erase", "--user", leaver, "--yes", "--data", dir)
		nobodyHolds(t, dir, leaver)
		MustRun(t, bin, nil, "rebuild", "--log-shards", shards, "--data", dir)
		MustRun(t, bin, body, "import", "-", "--data", dir)
	}
	MustRun(t, bin, nil, "erase", "--user", leaver, "--yes", "--data", dir)
	nobodyHolds(t, dir, leaver)
	verified(t, bin, []string{"--data", dir})
}

// What a change of the number of shards can't do is refused with what to do instead, and a configuration from before it goes over.
func TestReshardRefusals(t *testing.T) {
	t.Parallel()
	bin, dir := binary(t), filepath.Join(t.TempDir(), "data")
	flags := []string{"--data", dir}
	refused := func(text string, args ...string) {
		t.Helper()
		if out := Run(t, bin, nil, append(args, flags...)...); out.Exit == 0 || !strings.Contains(out.Stderr, text) {
			t.Errorf("%v: exit %d\n%s", args, out.Exit, out.Stderr)
		}
	}
	MustRun(t, bin, []byte(`{"user_id":"u","time":"2026-10-01T00:00:00Z"}`+"\n"), append([]string{"import", "-"}, flags...)...)
	refused("name another place", "rebuild", "--log-shards", "8", "--archive-dir", filepath.Join(dir, "..", "archive"))
	refused("rollcall rebuild --log-shards 8", "serve", "--log-shards", "8")
	refused("log.shards would change", "rebuild", "--days", "2026-10-01", "--log-shards", "8")
	MustRun(t, bin, nil, append([]string{"rebuild", "--log-shards", "8"}, flags...)...)
	refused("rollcall rebuild --log-shards 4", "rollback")
	refused("rollcall rebuild --log-shards 5", "serve", "--log-shards", "5")
	MustRun(t, bin, nil, append([]string{"rebuild", "--session-gap", "1h"}, flags...)...)
	MustRun(t, bin, nil, append([]string{"rollback"}, flags...)...)
	s := Start(t, bin, nil, append([]string{"--log-shards", "4"}, flags...)...)
	if b, err := s.builds(); err != nil || b.shards() != 8 || !strings.Contains(s.Stderr(), "8 shards by now") {
		t.Errorf("%v: %+v\n%s", err, b, s.Stderr())
	}
	if reply, err := s.Get("/api/v1/builds", nil); err != nil || strings.Contains(string(reply.Body), "shards_before") || !strings.Contains(string(reply.Body), "session_gap") {
		t.Errorf("settings are what figures depend on: %v, %s", err, reply.Body)
	}
	if _, err := s.remake(`{"settings":{"log.shards":"4"}}`); err != nil {
		t.Error(err)
	}
	s.Stop(t)
	alone(t, dir)
}

// A log that is not where the builds say is not taken for one that was left behind.
func TestNoLogGoesForOneThatIsLost(t *testing.T) {
	t.Parallel()
	bin, dir := binary(t), filepath.Join(t.TempDir(), "data")
	MustRun(t, bin, []byte(`{"user_id":"u","time":"2026-10-01T00:00:00Z"}`+"\n"), "import", "-", "--data", dir)
	MustRun(t, bin, nil, "rebuild", "--log-shards", "8", "--data", dir)
	place, elsewhere := filepath.Join(dir, "log-1"), filepath.Join(dir, "log")
	if err := os.Rename(place, elsewhere); err != nil {
		t.Fatal(err)
	}
	if out := Run(t, bin, nil, "import", "-", "--data", dir); out.Exit == 0 || !strings.Contains(out.Stderr, "bring the lost segments back") {
		t.Errorf("%+v", out)
	}
	if err := errors.Join(os.RemoveAll(place), os.Rename(elsewhere, place)); err != nil {
		t.Fatal(err)
	}
	verified(t, bin, []string{"--data", dir})
}

// A change of the number of shards that fails at its last step, when the server has closed its directory already, leaves it at work with
// the old log and figures.
func TestReshardThatFails(t *testing.T) {
	t.Parallel()
	d := rand.New(rand.NewSource(*seed))
	config, flags := crashConfig()
	dir := filepath.Join(t.TempDir(), "data")
	s := Start(t, binary(t), nil, append(flags, "--data", dir)...)
	l := &load{config: config}
	l.server.Store(&s.Client)
	add := func(name string) {
		t.Helper()
		events := batch(d, config, time.Now(), name)
		if err := l.deliver(events); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		add(fmt.Sprint("before", i))
	}
	if reply, err := s.Send(http.MethodPost, "/api/v1/rebuild", nil, nil, []byte(`{"settings":{"log.shards":"7"},"rate":20}`)); err != nil || reply.Status != http.StatusAccepted {
		t.Fatalf("%v, status %d: %s", err, reply.Status, reply.Body)
	}
	look := func(so func(*builds) bool) {
		t.Helper()
		if err := s.Until(func() (bool, error) { b, err := s.builds(); return err == nil && b.Rebuild != nil && so(&b), err }); err != nil {
			t.Fatalf("%v\n%s", err, s.Stderr())
		}
	}
	look(func(b *builds) bool { return b.Rebuild.Build > 0 })
	obstacle := filepath.Join(dir, sqlite.Registry+".new") // no build can become active
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	look(func(b *builds) bool { return b.Rebuild.State == "failed" && b.shards() == 4 })
	add("after")
	exactBuild(t, s, l, d)
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if _, err := s.remake(`{"settings":{"log.shards":"7"}}`); err != nil {
		t.Fatalf("%v\n%s", err, s.Stderr())
	}
	add("at last")
	exactBuild(t, s, l, d)
	s.Stop(t)
	alone(t, dir)
}
