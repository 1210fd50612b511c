//go:build unix

package chaostest

import (
	"bytes"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rollcall"
	"rollcall/simtest"
	"rollcall/store/mysql/mysqltest"
)

// run runs a program to its end and gives what it printed.
func run(t *testing.T, stdin []byte, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.Bytes())
	}
	return string(out)
}

// viewColumns are those of aggregated_daily_metrics beside the dimensions, by metric.
func viewColumns() [][2]string {
	return [][2]string{{"active_users", "dau"}, {"sessions", "total_sessions"}, {"bounces", "bounce_count"}, {"events", "total_events"},
		{"total_session_duration", "total_session_duration"}}
}

// viewIsTheSame compares what the client mariadb reads in the view with the oracle.
func (c *Cluster) viewIsTheSame(t *testing.T, w *simtest.World, o *simtest.Oracle) {
	t.Helper()
	host, port, _ := net.SplitHostPort(c.Maria.Addr())
	q := eventsByPhase(w)
	q.Grain, q.Metrics = rollcall.Day, nil
	columns := append([]string{"event_date"}, q.GroupBy...)
	for _, column := range viewColumns() {
		q.Metrics, columns = append(q.Metrics, column[0]), append(columns, column[1])
	}
	text := run(t, nil, "mariadb", "--no-defaults", "-h", host, "-P", port, "-u", mysqltest.User, "-p"+mysqltest.Password, "--default-character-set=utf8mb4",
		"--batch", "--raw", "--skip-column-names", c.Database, "-e", "SELECT "+list(columns)+" FROM aggregated_daily_metrics ORDER BY "+list(columns))
	rows := viewRows(t, text, append([]string{"bucket"}, append(slices.Clone(q.GroupBy), q.Metrics...)...), len(q.Metrics))
	want := o.Answer(q)
	slices.SortFunc(want, func(a, b simtest.Row) int { return strings.Compare(viewKey(a, &q), viewKey(b, &q)) })
	slices.SortFunc(rows, func(a, b simtest.Row) int { return strings.Compare(viewKey(a, &q), viewKey(b, &q)) })
	if err := simtest.Diff(want, rows); err != nil {
		t.Errorf("the view: %v", err)
	}
}

// viewRows reads lines of columns between tabs; the last of them are figures.
func viewRows(t *testing.T, text string, columns []string, figures int) (rows []simtest.Row) {
	t.Helper()
	for line := range strings.Lines(text) {
		values := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(values) != len(columns) {
			t.Fatalf("%q has not the columns %v", line, columns)
		}
		row := simtest.Row{}
		for i, name := range columns {
			row[name] = values[i]
			if i < len(columns)-figures {
				continue
			}
			f, err := strconv.ParseFloat(values[i], 64)
			if err != nil {
				t.Fatalf("%s of %q: %v", name, line, err)
			}
			row[name] = f
		}
		rows = append(rows, row)
	}
	return rows
}

func viewKey(row simtest.Row, q *simtest.Query) string {
	key := row["bucket"].(string)
	for _, name := range q.GroupBy {
		key += "\t" + row[name].(string)
	}
	return key
}
