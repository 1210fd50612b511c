package apptest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// Outcome is how a command ended.
type Outcome struct {
	Stdout, Stderr string
	Exit           int // -1 when a signal ended it
}

// Run runs a command to its end.
func Run(t testing.TB, bin string, stdin []byte, args ...string) Outcome {
	t.Helper()
	return run(t, bin, nil, stdin, args)
}

// RunWith is Run with variables of the environment.
func RunWith(t testing.TB, bin string, env []string, args ...string) Outcome {
	t.Helper()
	return run(t, bin, env, nil, args)
}

func run(t testing.TB, bin string, env []string, stdin []byte, args []string) Outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Env = environment(env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %v: %v", args, err)
	}
	return Outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// MustRun is Run for a command that has to end with status 0.
func MustRun(t testing.TB, bin string, stdin []byte, args ...string) Outcome {
	t.Helper()
	out := Run(t, bin, stdin, args...)
	if out.Exit != 0 {
		t.Fatalf("%v: exit status %d\n%s%s", args, out.Exit, out.Stdout, out.Stderr)
	}
	return out
}

// environment leaves out what would configure the program, and adds extra.
func environment(extra ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !bytes.HasPrefix([]byte(v), []byte("ROLLCALL_")) {
			env = append(env, v)
		}
	}
	return append(env, extra...)
}
