package sqlsource

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Each type, and what a receiver gets to read.
func TestValuesOfEveryType(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{"INT", "-5", `"-5"`},
		{"INT(5) UNSIGNED ZEROFILL", "42", `"42"`},
		{"BIGINT UNSIGNED", "18446744073709551615", `"18446744073709551615"`},
		{"TINYINT(1)", "1", `"1"`},
		{"YEAR", "2025", `"2025"`},
		{"DECIMAL(12,3)", "1.5", `"1.500"`},
		{"DOUBLE", "0.1", `"0.1"`},
		{"BIT(1)", "b'1'", `"1"`},
		{"BIT(12)", "b'100000000001'", `"2049"`},
		{"ENUM('x','y')", "'y'", `"y"`},
		{"SET('x','y')", "'x,y'", `"x,y"`},
		{"CHAR(4)", "'ab'", `"ab"`},
		{"VARCHAR(20) CHARACTER SET latin1", "'caf\u00e9'", `"café"`},
		{"VARCHAR(20)", "'a\"b\\\\c\\n\x01😀'", `"a\"b\\c\n\u0001😀"`},
		{"TEXT", "''", ""},
		{"TEXT", "NULL", ""},
		{"JSON", `'{"a": [1]}'`, `"{\"a\": [1]}"`}, // MariaDB has text in its place
		{"BINARY(2)", "x'00ff'", `"00ff"`},
		{"BLOB", "x'c328'", `"c328"`},
		{"DATE", "'2025-03-01'", `"2025-03-01"`},
		{"TIME", "'25:00:01'", `"25:00:01"`},
		{"DATETIME(6)", "'2025-03-01 01:02:03.000004'", `"2025-03-01 01:02:03.000004"`},
		{"TIMESTAMP", "'2025-03-01 01:02:03'", `"2025-03-01 01:02:03Z"`},
		{"UUID", "'123e4567-e89b-12d3-a456-426655440000'", `"123e4567-e89b-12d3-a456-426655440000"`},
		{"INET4", "'10.0.0.1'", `"10.0.0.1"`},
		{"POINT", "POINT(0,0)", `"000000000101000000` + strings.Repeat("00", 16) + `"`},
	} {
		t.Run(c.typ, func(t *testing.T) {
			w := newWorld(t, "CREATE TABLE logs (id INT NOT NULL PRIMARY KEY, user_id INT, created_at DATETIME NOT NULL, campaign_id "+c.typ+", KEY (created_at))")
			conn, err := w.db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, s := range []string{"SET time_zone = '+00:00'", "INSERT INTO logs VALUES (1, 7, '2025-03-01 00:00:00', " + c.value + ")"} {
				if _, err := conn.ExecContext(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if c.want != "" {
				c.want = `"campaign_id":` + c.want + ","
			}
			got, _ := w.walk(w.open(), nil)
			w.same(got, []string{`{"user_id":"7","time":"2025-03-01 00:00:00",` + c.want + `"event_id":"logs#1"}`})
			if !jsontext.Value(got[0]).IsValid() {
				t.Errorf("no JSON: %s", got[0])
			}
		})
	}
}

// A document of MySQL, which MariaDB has not, is passed on as it is.
func TestDocuments(t *testing.T) {
	c := column{kind: kindOf("json")}
	for raw, want := range map[string]string{`{"a": [1]}`: `{"a": [1]}`, `"KR"`: `"KR"`, `not json`: `"not json"`, "[1,\n2]": `"[1,\n2]"`} {
		if got := string(c.appendJSON(nil, []byte(raw))); got != want {
			t.Errorf("%s becomes %s, want %s", raw, got, want)
		}
	}
}

// The event_id column counts where it has a value; long keys become a hash that is always the same.
func TestEventIDs(t *testing.T) {
	w := newWorld(t, "CREATE TABLE logs (k VARCHAR(400) NOT NULL PRIMARY KEY, event_id VARCHAR(20), user_id INT, created_at DATETIME NOT NULL, KEY (created_at))",
		"INSERT INTO logs VALUES ('a', 'mine', 1, '2025-03-01'), ('b', NULL, 2, '2025-03-01'), ('c', '', 3, '2025-03-01'), (REPEAT('d', 300), NULL, 4, '2025-03-01')")
	got, _ := w.walk(w.open(), nil)
	if again, _ := w.walk(w.open(), nil); len(got) != 4 || got[3] != again[3] {
		t.Errorf("%q, then %q", got, again)
	}
	for i, want := range []string{`"event_id":"mine"}`, `"event_id":"logs#b"}`, `"event_id":"logs#c"}`, `"event_id":"logs#`} {
		if !strings.Contains(got[i], want) || len(got[i]) > 200 || strings.Count(got[i], "event_id") != 1 {
			t.Errorf("%s: want %s", got[i], want)
		}
	}
}

// TIMESTAMP is the same instant wherever the server thinks it is; DATETIME is a local time of Location.
func TestTimeZones(t *testing.T) {
	server.Exec(t, "SET GLOBAL time_zone = '+09:00'")
	defer server.Exec(t, "SET GLOBAL time_zone = 'SYSTEM'")
	w := newWorld(t, "CREATE TABLE logs (id INT NOT NULL PRIMARY KEY, user_id INT, created_at TIMESTAMP NOT NULL, local DATETIME NOT NULL, KEY (created_at), KEY (local))",
		"SET time_zone = '+09:00'", "INSERT INTO logs VALUES (1, 1, '2025-11-02 14:30:00', '2025-11-02 00:30:00'), (2, 2, '2025-11-02 15:30:00', '2025-11-02 01:30:00'), (3, 3, '2025-11-02 16:30:00', '2025-11-02 03:00:00')")
	w.cfg.Fields = fields("user_id", "time")
	got, _ := w.walk(w.open(), nil)
	w.same(got, []string{`{"user_id":"1","time":"2025-11-02 05:30:00Z","event_id":"logs#1"}`,
		`{"user_id":"2","time":"2025-11-02 06:30:00Z","event_id":"logs#2"}`, `{"user_id":"3","time":"2025-11-02 07:30:00Z","event_id":"logs#3"}`})

	var err error
	if w.cfg.Location, err = time.LoadLocation("America/New_York"); err != nil {
		t.Fatal(err)
	}
	w.cfg.Fields[1].Columns = []string{"local"}
	got, _ = w.walk(w.open(), nil)
	w.same(got, []string{`{"user_id":"1","time":"2025-11-02T04:30:00.000Z","event_id":"logs#1"}`,
		`{"user_id":"2","time":"2025-11-02T05:30:00.000Z","event_id":"logs#2"}`, `{"user_id":"3","time":"2025-11-02T08:00:00.000Z","event_id":"logs#3"}`})

	w.cfg.Until = time.Date(2025, 11, 2, 5, 30, 0, 0, time.UTC) // 01:30, which comes again an hour later
	w.refused("show twice", "local")
	w.cfg.Until = time.Date(2025, 11, 2, 7, 0, 0, 0, time.UTC)
	if got, _ = w.walk(w.open(), nil); len(got) != 2 {
		t.Errorf("%q", got)
	}
}

func TestSettled(t *testing.T) {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2025, 11, 2, h, m, 0, 0, time.UTC) }
	for _, c := range []struct{ at, want time.Time }{
		{at(4, 59), at(4, 59)}, {at(5, 0), at(5, 0)}, {at(5, 30), at(5, 0)}, {at(6, 0), at(5, 0)}, {at(6, 59), at(5, 0)}, {at(7, 0), at(7, 0)},
		{time.Date(2025, 3, 9, 7, 30, 0, 0, time.UTC), time.Date(2025, 3, 9, 7, 30, 0, 0, time.UTC)},
	} {
		if got := settled(c.at, ny); !got.Equal(c.want) {
			t.Errorf("%s settles at %s, want %s", c.at, got.UTC(), c.want)
		}
	}
}
