package apptest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"rollcall/simtest"
)

var (
	binaries Binaries
	crashes  = flag.Int("crashes", 50, "how often TestCrash kills the server")
	seed     = flag.Int64("seed", 1, "seed of what is random")
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := binaries.Remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func binary(t testing.TB, tags ...string) string {
	t.Helper()
	path, err := binaries.Path(tags...)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func lines(t *testing.T, c *simtest.Config, events []simtest.Logged) []byte {
	t.Helper()
	body, err := Lines(c, events)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// same asks and compares.
func same(t *testing.T, o *simtest.Oracle, q simtest.Query, ask func(*simtest.Query) ([]simtest.Row, error)) {
	t.Helper()
	got, err := ask(&q)
	if err == nil {
		err = simtest.Diff(o.Answer(q), got)
	}
	if err != nil {
		t.Errorf("query %s: %v", q.Text(o.Location), err)
	}
}
