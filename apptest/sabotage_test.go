package apptest

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall"
	"rollcall/block"
)

// TestVerifyNamesSabotage spoils copies of a data directory in one place each; the binary has to name the place and end
// with the status that says so.
func TestVerifyNamesSabotage(t *testing.T) {
	bin, dir := binary(t), filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "events.ndjson")
	if out := Run(t, bin, nil, "generate", "--events", "250000", "--users", "5000", "--days", "5", "--until", "2026-11-01", "--dimensions", "campaign_id,age_group", "-o", file); out.Exit != 0 {
		t.Fatal(out.Stderr)
	}
	importFile(t, bin, dir, "--dimensions", "campaign_id,age_group", "--log-segment-bytes", "1MiB", file)
	if out := Run(t, bin, nil, "compact", "--data", dir); out.Exit != 0 { // into one chunk a key, however many commits there were
		t.Fatal(out.Stderr)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "log", "*.seg"))
	if err != nil || len(segments) < 4 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	slices.Sort(segments)
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string) (day string)
		exit  int
		want  []string
	}{
		"nothing":              {func(*testing.T, string) string { return "" }, 0, []string{"The store is equal to the log"}},
		"a counter is flipped": {flipCounter, 3, []string{"cell", "bounces"}},
		"a user is dropped":    {dropUser, 3, []string{"user set", "1 users are missing"}},
		"a ledger row is gone": {deleteLedger, 3, []string{"ledger", "deleted"}},
		"a delta is doubled":   {doubleDelta, 3, []string{"cell", "the ledger of the day is right"}},
		"the first segment":    {loseSegment(segments[0]), 1, []string{"the log begins at"}},
		"a segment in between": {loseSegment(segments[1]), 1, []string{filepath.Base(segments[1])}},
		"the newest segments":  {loseSegments(segments[len(segments)-2:]), 3, []string{"log", "its newest events are gone", "ledger"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			day := c.spoil(t, copied)
			out := Run(t, bin, nil, "verify", "--data", copied, "--all")
			if out.Exit != c.exit {
				t.Errorf("status %d, want %d", out.Exit, c.exit)
			}
			for _, w := range append(c.want, day) {
				if !strings.Contains(out.Stdout+out.Stderr, w) {
					t.Errorf("no %q", w)
				}
			}
			if t.Failed() {
				t.Logf("%s%s", out.Stdout, out.Stderr)
			}
		})
	}
}

// chunk is one of the store, the largest of its kind.
type chunk struct {
	db          *sql.DB
	id, b, c    int64
	data, masks []byte
}

func chunkOf(t *testing.T, dir string, kind int) *chunk {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := &chunk{db: db}
	const query = `SELECT id, b, c, data, masks FROM chunks WHERE kind = ?1 AND a = ?2 ORDER BY length(data) DESC, id LIMIT 1`
	if err := db.QueryRow(query, kind, int64(rollcall.Day)).Scan(&c.id, &c.b, &c.c, &c.data, &c.masks); err != nil {
		t.Fatal(err)
	}
	return c
}

// exec changes one row.
func (c *chunk) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	result, err := c.db.Exec(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s: %d rows, %v", query, n, err)
	}
	if err := c.db.Close(); err != nil {
		t.Fatal(err)
	}
}

func flipCounter(t *testing.T, dir string) string {
	c := chunkOf(t, dir, 1)
	cells, err := block.DecodeCells(c.data, block.CellKey{Grain: rollcall.Day, Period: block.Period(c.c), Cuboid: rollcall.Cuboid(c.b)})
	if err != nil {
		t.Fatal(err)
	}
	cells.Counters[rollcall.Bounces][0] ^= 1
	c.exec(t, "UPDATE chunks SET data = ? WHERE id = ?", cells.Encode(nil), c.id)
	return rollcall.Date(c.c).String()
}

func dropUser(t *testing.T, dir string) string {
	c := chunkOf(t, dir, 2)
	packed, err := block.OpenSets(c.data, c.masks, block.SetKey{Grain: rollcall.Day, Period: block.Period(c.c), Shard: int(c.b)})
	if err != nil {
		t.Fatal(err)
	}
	sets, err := packed.Sets()
	if err != nil {
		t.Fatal(err)
	}
	sets.Users, sets.Masks = sets.Users[1:], sets.Masks[1:]
	for i := 1; i < len(sets.Start); i++ {
		sets.Start[i]--
	}
	data, masks := sets.Encode()
	c.exec(t, "UPDATE chunks SET data = ?, masks = ? WHERE id = ?", data, append([]byte{}, masks...), c.id)
	return rollcall.Date(c.c).String()
}

func deleteLedger(t *testing.T, dir string) string {
	c := chunkOf(t, dir, 1)
	c.exec(t, "DELETE FROM ledger WHERE (hour, shard) IN (SELECT hour, shard FROM ledger WHERE hour >= ?1 * 86400000 AND hour < (?1 + 1) * 86400000 LIMIT 1)", c.c)
	return rollcall.Date(c.c).String()
}

func doubleDelta(t *testing.T, dir string) string {
	c := chunkOf(t, dir, 1)
	c.exec(t, "INSERT INTO chunks (kind, a, b, c, level, data, masks) SELECT kind, a, b, c, level, data, masks FROM chunks WHERE id = ?", c.id)
	return rollcall.Date(c.c).String()
}

func loseSegment(file string) func(*testing.T, string) string { return loseSegments([]string{file}) }

func loseSegments(files []string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		for _, file := range files {
			if err := os.Remove(filepath.Join(dir, "log", filepath.Base(file))); err != nil {
				t.Fatal(err)
			}
		}
		return ""
	}
}
