//go:build unix

package chaostest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rs/zerolog"

	"rollcall/apptest"
)

var (
	binaries apptest.Binaries
	seed     = flag.Int64("seed", 1, "what the order of faults and the events follow from")
)

func TestMain(m *testing.M) {
	if status, acted := ActOldWay(); acted {
		os.Exit(status)
	}
	flag.Parse()
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics log to the global logger
	code := m.Run()
	if err := binaries.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// binary builds the program without the race detector: what is proved here is not data races.
func binary(t testing.TB) string {
	t.Helper()
	path, err := binaries.Path()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
