package sqlsource

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/zeebo/xxh3"
)

// Names of fields that are treated apart.
const (
	eventTime = "time"
	eventID   = "event_id"
	maxID     = 256 // bytes that an event id may have
)

// field is a Field with its column, at a place in what a statement reads.
type field struct {
	Field
	column *column
	place  int
	prefix []byte // "input":
}

// local tells whether the field is a time without a zone.
func (f *field) local() bool {
	return f.Name == eventTime && (f.column.kind == datetime || f.column.kind == date)
}

// assign finds the columns of the fields.
func (s *Source) assign() error {
	s.id = []byte(`"` + eventID + `":`)
	for _, f := range s.cfg.Fields {
		prefix := append(appendText(nil, []byte(f.Input)), ':')
		if f.Name == eventID {
			s.id = prefix
		}
		var c *column
		for _, name := range f.Columns {
			if c = s.table.column(name); c != nil {
				break
			}
		}
		if c == nil && f.Required {
			return fmt.Errorf("there is no column %s for %s; the table has %s", f.Columns[0], f.Name, s.table.columnNames())
		}
		if c != nil {
			s.fields = append(s.fields, field{f, c, s.place(c), prefix})
		}
	}
	if s.columnOf("user_id") == nil && (s.columnOf("session_duration") == nil || s.columnOf("is_bounce") == nil) {
		return fmt.Errorf("no column holds the user: name it with --map user_id=COLUMN; the table has %s", s.table.columnNames())
	}
	return nil
}

func (t *table) columnNames() string {
	all := make([]*column, len(t.columns))
	for i := range t.columns {
		all[i] = &t.columns[i]
	}
	return names(all)
}

// place is where a statement gives the column.
func (s *Source) place(c *column) int {
	i := slices.Index(s.selects, c)
	if i < 0 {
		i = len(s.selects)
		s.selects = append(s.selects, c)
	}
	return i
}

func (s *Source) columnOf(name string) *column {
	for i := range s.fields {
		if s.fields[i].Name == name {
			return s.fields[i].column
		}
	}
	return nil
}

func (s *Source) timeColumn() *column { return s.columnOf(eventTime) }

// appendLine appends a row as a line of JSON. NULL is left out.
func (s *Source) appendLine(b []byte, row []sql.RawBytes) []byte {
	b = append(b, '{')
	named := false
	for i := range s.fields {
		f := &s.fields[i]
		raw := row[f.place]
		if len(raw) == 0 { // NULL, or as good as it
			continue
		}
		named = named || f.Name == eventID
		b = append(b, f.prefix...)
		b = s.appendValue(b, f, raw)
		b = append(b, ',')
	}
	if !named {
		b = append(b, s.id...)
		b = appendText(b, s.appendID(nil, row))
		b = append(b, ',')
	}
	b[len(b)-1] = '}'
	return append(b, '\n')
}

// appendValue appends the value of a field. A local time in a zone that is not the receiver's becomes an instant; one that
// is no time is left for the receiver to refuse.
func (s *Source) appendValue(b []byte, f *field, raw []byte) []byte {
	if f.local() && s.cfg.Location.String() != s.cfg.Report.String() {
		if ms, err := s.instant(raw); err == nil {
			b = append(b, '"')
			b = time.UnixMilli(ms).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
			return append(b, '"')
		}
	}
	return f.column.appendJSON(b, raw)
}

// appendID appends table#key; in place of a key too long for an event id stands its hash.
func (s *Source) appendID(b []byte, row []sql.RawBytes) []byte {
	b = append(b, s.table.name...)
	b = append(b, '#')
	start := len(b)
	for i, place := range s.query.key {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s.selects[place].key(row[place])...)
	}
	if len(b) > maxID {
		sum := xxh3.Hash128(b[start:])
		b = strconv.AppendUint(b[:start], sum.Hi, 16)
		b = strconv.AppendUint(append(b, '-'), sum.Lo, 16)
	}
	return b
}
