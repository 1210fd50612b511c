package apptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rollcall/cache/redis/redistest"
	"rollcall/eventlog/kafka/kafkatest"
	"rollcall/intake"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// refusedWorld is a world whose second half names its users otherwise, so that it is refused until that is mapped.
func refusedWorld(t *testing.T, d simtest.Dice, zone string) (w simtest.World, flags []string, good, bad []byte) {
	t.Helper()
	w, flags = recent(t, d, zone)
	moments := map[string]int{}
	moment := func(e *simtest.Logged) string { return fmt.Sprintf("%s %d", e.User, e.Time) }
	for i := range w.Events {
		moments[moment(&w.Events[i])]++
	}
	half := len(w.Events) / 2
	good = lines(t, &w.Config, w.Events[:half])
	for i := half; i < len(w.Events); i++ {
		e, name := &w.Events[i], "visitor"
		switch { // an id decides which of several events of a moment is the entry, so those have one
		case e.Record: // it is accepted without a user, but counts otherwise: it is not refused, and nobody's duplicate
			e.ID, name = fmt.Appendf(nil, "own-%d", i), "user_id"
		case moments[moment(e)] == 1 && d.Intn(2) == 0:
			e.ID = nil
		case len(e.ID) == 0:
			e.ID = fmt.Appendf(nil, "own-%d", i)
		}
		bad = append(bad, bytes.ReplaceAll(lines(t, &w.Config, w.Events[i:i+1]), []byte(`"user_id":`), []byte(`"`+name+`":`))...)
	}
	return w, flags, good, bad
}

const portion = 4 // letters of a replay that is killed

type replaySummary struct {
	Read, Replayed, Duplicates int64
	Rejected                   map[string]int64 `json:"rejected_again"`
	Left                       map[string]int64 `json:"left_alone"`
}

func replay(t *testing.T, flags []string, more ...string) (sum replaySummary) {
	t.Helper()
	out := MustRun(t, binary(t), nil, append(append([]string{"quarantine", "replay", "--format", "json"}, more...), flags...)...)
	if err := json.Unmarshal([]byte(out.Stdout), &sum); err != nil {
		t.Fatalf("%v: %s", err, out.Stdout)
	}
	return sum
}

// What was refused counts once after its fix, whenever the replay is killed.
func TestReplayKilledAtEachStep(t *testing.T) {
	t.Parallel()
	bin, failing, d := binary(t), binary(t, "failpoint"), rand.New(rand.NewSource(*seed))
	w, flags, good, bad := refusedWorld(t, d, "America/New_York")
	flags = append(flags, "--data", filepath.Join(t.TempDir(), "data"))
	MustRun(t, bin, append(append(good, bad...), "{\"visitor\":\"u\",\"time\":\"never\"}\nnot json\n"...), append([]string{"import", "-"}, flags...)...)

	before := replay(t, flags)
	if before.Read == 0 || before.Replayed != 0 || before.Rejected["missing_user_id"] != before.Read-1 || before.Left[intake.NotJSON] != 1 {
		t.Fatalf("without a fix: %+v", before)
	}
	if dry := replay(t, flags, "--map", "user_id=visitor", "--dry-run"); dry.Replayed != before.Read-2 || dry.Rejected["invalid_time"] != 1 {
		t.Fatalf("dry run: %+v", dry)
	}
	left := before.Read
	if left < 5*portion {
		t.Fatalf("%d letters", left)
	}
	read, appended, deleted := intake.ReplaySteps[0], intake.ReplaySteps[1], intake.ReplaySteps[2]
	for _, step := range []string{read, deleted, appended} {
		for range 2 {
			cmd := exec.CommandContext(t.Context(), failing, append([]string{"quarantine", "replay", "--map", "user_id=visitor", "--limit", strconv.Itoa(portion)}, flags...)...)
			cmd.Env = environment("ROLLCALL_FAILPOINT=" + step + ":1")
			if out, err := cmd.CombinedOutput(); err == nil || cmd.ProcessState.ExitCode() != -1 {
				t.Fatalf("%s: %v, %v\n%s", step, err, cmd.ProcessState, out)
			}
			if step == deleted {
				left -= portion
			}
		}
	}
	sum := replay(t, flags, "--map", "user_id=visitor")
	if sum.Read != left || sum.Replayed != left-2 || sum.Duplicates < portion || sum.Rejected["invalid_time"] != 1 {
		t.Errorf("of %d: %+v", left, sum)
	}
	if again := replay(t, flags, "--map", "user_id=visitor"); again.Read != 2 || again.Replayed != 0 {
		t.Errorf("again: %+v", again)
	}
	if out := MustRun(t, bin, nil, append([]string{"verify", "--all"}, flags...)...); !strings.Contains(out.Stdout, "The store is equal to the log") {
		t.Error(out.Stdout)
	}
	s := Start(t, bin, nil, flags...)
	compareServer(t, s, d, &w)
	if out := Run(t, bin, nil, append([]string{"quarantine", "replay"}, flags...)...); out.Exit != 1 || !strings.Contains(out.Stderr, "end the process that holds") {
		t.Errorf("beside a server: status %d\n%s", out.Exit, out.Stderr)
	}
	s.Stop(t)
}

// On servers a replay works beside the process that takes in, folds and answers.
func TestReplayOnServers(t *testing.T) {
	t.Parallel()
	db := mysqltest.Start(t)
	for name, log := range map[string]func() []string{
		"kafka": func() []string {
			return []string{"--log-kind", "kafka", "--log-brokers", strings.Join(kafkatest.Start(t, kafkatest.Options{}).Brokers(), ",")}
		},
		"redis": func() []string {
			return []string{"--log-kind", "redis", "--log-addr", redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always").Addr}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := rand.New(rand.NewSource(*seed))
			w, flags, good, bad := refusedWorld(t, d, "Asia/Kolkata")
			flags = append(append(flags, "--store-kind", "mysql", "--store-dsn", db.Database(t), "--log-shards", "2", "--late-horizon", "0"), log()...)
			s := Start(t, binary(t), nil, flags...)
			for _, body := range [][]byte{good, bad} {
				if sent, err := s.Send("POST", "/v1/events", nil, nil, body); err != nil || sent.Status != 202 {
					t.Fatalf("%d %v: %s", sent.Status, err, sent.Body)
				}
			}
			var total int64
			err := s.Until(func() (bool, error) { // letters over HTTP are written a moment later
				last := total
				total = replay(t, flags, "--dry-run").Rejected["missing_user_id"]
				return total > 0 && total == last, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if sum := replay(t, flags, "--map", "user_id=visitor", "--reason", "missing_user_id"); sum.Read != total || sum.Replayed != total {
				t.Errorf("of %d: %+v", total, sum)
			}
			if again := replay(t, flags, "--map", "user_id=visitor"); again.Read != 0 {
				t.Errorf("again: %+v", again)
			}
			compareServer(t, s, d, &w)
			s.Stop(t)
		})
	}
}
