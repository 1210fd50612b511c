package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// table is what the catalogue says about the table.
type table struct {
	schema, name string
	columns      []column
	indexes      []index
	rows         int64 // an estimate
}

// index is one that orders rows by whole columns, rising.
type index struct {
	name   string
	unique bool
	cut    bool // behind parts comes one that does not order rows by a whole column
	parts  []*column
}

func (t *table) String() string { return quote(t.schema) + "." + quote(t.name) }

// column finds one by its name, in any case.
func (t *table) column(name string) *column {
	for i := range t.columns {
		if strings.EqualFold(t.columns[i].name, name) {
			return &t.columns[i]
		}
	}
	return nil
}

func (t *table) primary() []*column {
	for i := range t.indexes {
		if t.indexes[i].name == "PRIMARY" && !t.indexes[i].cut {
			return t.indexes[i].parts
		}
	}
	return nil
}

// describe reads the catalogue.
func describe(ctx context.Context, db *sql.DB, name string) (*table, error) {
	t := &table{name: name}
	if schema, rest, ok := strings.Cut(name, "."); ok {
		t.schema, t.name = schema, rest
	} else {
		var current sql.NullString
		if err := db.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&current); err != nil {
			return nil, err
		}
		if t.schema = current.String; t.schema == "" {
			return nil, errors.New("the address names no database: add it, or name the table as database.table")
		}
	}
	if err := t.readColumns(ctx, db); err != nil {
		return nil, err
	}
	if len(t.columns) == 0 {
		return nil, fmt.Errorf("there is no table %s.%s, or its account may not read it", t.schema, t.name)
	}
	if err := t.readIndexes(ctx, db); err != nil {
		return nil, err
	}
	var rows sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT table_rows FROM information_schema.tables WHERE table_schema = ? AND table_name = ?", t.schema, t.name).Scan(&rows)
	t.rows = rows.Int64
	return t, err
}

func (t *table) readColumns(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT column_name, data_type, column_type, is_nullable FROM information_schema.columns "+
		"WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position", t.schema, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		var dataType, nullable string
		if err := rows.Scan(&c.name, &dataType, &c.typ, &nullable); err != nil {
			return err
		}
		c.kind, c.nullable = kindOf(dataType), nullable == "YES"
		c.unsigned = strings.Contains(strings.ToLower(c.typ), "unsigned")
		t.columns = append(t.columns, c)
	}
	return rows.Err()
}

func (t *table) readIndexes(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT index_name, column_name, non_unique, sub_part, COALESCE(collation, ''), index_type FROM information_schema.statistics "+
		"WHERE table_schema = ? AND table_name = ? ORDER BY index_name, seq_in_index", t.schema, t.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, collation, typ string
		var part sql.NullString
		var nonUnique int
		var prefix sql.NullInt64
		if err := rows.Scan(&name, &part, &nonUnique, &prefix, &collation, &typ); err != nil {
			return err
		}
		if n := len(t.indexes); n == 0 || t.indexes[n-1].name != name {
			t.indexes = append(t.indexes, index{name: name, unique: nonUnique == 0})
		}
		last, c := &t.indexes[len(t.indexes)-1], t.column(part.String)
		last.cut = last.cut || c == nil || prefix.Valid || collation != "A" || typ != "BTREE"
		if last.unique = last.unique && !last.cut; !last.cut {
			last.parts = append(last.parts, c)
		}
	}
	return rows.Err()
}
