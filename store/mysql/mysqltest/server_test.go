//go:build unix

package mysqltest

import (
	"testing"
)

// A row that was committed before Kill is there after Restart, over TLS too.
func TestKilledServerKeepsWhatWasCommitted(t *testing.T) {
	s := StartWith(t, Options{TLS: true})
	db := s.Open(t, s.NewDatabase(t))
	for _, q := range []string{"CREATE TABLE t (n INT)", "INSERT INTO t VALUES (7)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	s.Kill()
	s.Restart(t)
	var n int
	if err := db.QueryRow("SELECT n FROM t").Scan(&n); err != nil || n != 7 {
		t.Fatal(n, err)
	}
	s.Stop(t)
}
