package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Days beyond retention.day go, the others stay, and verify does not miss them.
func TestDaysExpire(t *testing.T) {
	dir, lines := t.TempDir(), ""
	for _, days := range []int{1, 50, 99, 102, 300} {
		lines += fmt.Sprintf(`{"user_id":"u","event_id":"%d","time":%q}`+"\n", days, time.Now().AddDate(0, 0, -days).Format(time.RFC3339))
	}
	file := writeTemp(t, "a.ndjson", lines)
	must(t, "import", file, "--data", dir)
	flags := []string{"--data", dir, "--retention-day", "100d"}
	must(t, append([]string{"import", file}, flags...)...) // nothing new, but days to let go of
	from := time.Now().AddDate(-1, 0, 0).Format(time.DateOnly)
	out := must(t, append([]string{"query", "--from", from, "--to", time.Now().AddDate(0, 0, 2).Format(time.DateOnly), "--metrics", "events", "--format", "csv"}, flags...)...)
	if strings.Count(out, ",1") != 3 {
		t.Fatal(out)
	}
	must(t, append([]string{"verify", "--all"}, flags...)...)
}
