package sqlsource

import (
	"fmt"
	"slices"
	"strings"
)

// order is how a table is walked: by columns that together are unique and begin with the time, in the order of an index.
type order struct {
	index   string
	columns []*column
	key     []*column // what names a row
}

const maxOrder = 5 // columns

// choose finds the order that takes the fewest columns.
func (t *table) choose(at *column, keyColumn string) (*order, error) {
	key, err := t.key(keyColumn)
	if err != nil {
		return nil, err
	}
	if !at.isTime() {
		return nil, fmt.Errorf("column %s of type %s is no time: want DATETIME, TIMESTAMP, DATE, or a Unix time as an integer or decimal", at.name, at.typ)
	}
	var best *order
	for i := range t.indexes {
		x := &t.indexes[i]
		if len(x.parts) == 0 || x.parts[0] != at {
			continue
		}
		if o := t.along(x, key); o != nil && (best == nil || len(o.columns) < len(best.columns)) {
			best = o
		}
	}
	if best == nil {
		return nil, t.missing(at, key)
	}
	return best, nil
}

// key gives the columns that name a row.
func (t *table) key(name string) ([]*column, error) {
	if name == "" {
		if p := t.primary(); p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("table %s has no primary key: name a unique column with --key-column", t.name)
	}
	c := t.column(name)
	if c == nil {
		return nil, fmt.Errorf("table %s has no column %s", t.name, name)
	}
	for i := range t.indexes {
		if x := &t.indexes[i]; x.unique && len(x.parts) == 1 && x.parts[0] == c && !c.nullable {
			return []*column{c}, nil
		}
	}
	return nil, fmt.Errorf("column %s is not unique and never NULL: rows could be passed over; it needs a unique index and NOT NULL", c.name)
}

// along gives the order of an index, up to where the key is complete; InnoDB keeps the primary key behind each index.
func (t *table) along(x *index, key []*column) *order {
	parts := slices.Clone(x.parts)
	for _, p := range t.primary() {
		if !x.cut && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	for n := 1; n <= min(len(parts), maxOrder); n++ {
		if c := parts[n-1]; !c.ordered() || c.nullable && n > 1 {
			return nil
		}
		if contains(parts[:n], key) {
			return &order{index: x.name, columns: parts[:n], key: key}
		}
	}
	return nil
}

func contains(all, some []*column) bool {
	for _, c := range some {
		if !slices.Contains(all, c) {
			return false
		}
	}
	return true
}

// missing says which index the table needs.
func (t *table) missing(at *column, key []*column) error {
	columns := []string{quote(at.name)}
	for _, c := range key {
		if c != at {
			columns = append(columns, quote(c.name))
		}
	}
	return fmt.Errorf("table %s has no index to be read in the order of %s by: each query would scan and sort all of it. "+
		"Add one (ALTER TABLE %s ADD INDEX (%s)), read a replica that has it, or import an export of the table as a file",
		t.name, at.name, quote(t.name), strings.Join(columns, ", "))
}
