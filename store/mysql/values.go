package mysql

import (
	"context"
	"strings"
)

// values is a statement that takes many rows: head, then a group of parameters for each row, then tail.
type values struct{ head, group, tail string }

const (
	maxBytes = 4 << 20 // of the parameters of one statement, but for a row that is larger
	maxRows  = 4096    // of one statement
)

// execValues sends n rows in as few statements as the bounds allow; row appends the arguments of row i to args.
func (s *session) execValues(ctx context.Context, v *values, n int, row func(args []any, i int) []any) error {
	var args []any
	rows, size := 0, 0
	for i := range n {
		before := len(args)
		args = row(args, i)
		more := argBytes(args[before:])
		if rows > 0 && (size+more > maxBytes || rows == maxRows) {
			if err := s.sendValues(ctx, v, rows, args[:before]); err != nil {
				return err
			}
			args = append(args[:0], args[before:]...)
			rows, size = 0, 0
		}
		rows, size = rows+1, size+more
	}
	if rows == 0 {
		return nil
	}
	return s.sendValues(ctx, v, rows, args)
}

func (s *session) sendValues(ctx context.Context, v *values, rows int, args []any) error {
	s.stats.rows.Add(int64(rows))
	_, err := s.send(ctx, v.text(&s.tables, rows), args...)
	return err
}

// text is the statement for so many rows.
func (v *values) text(of *tables, rows int) string {
	head, between := of.in(v.head), ", "
	var b strings.Builder
	b.Grow(len(head) + rows*(len(v.group)+len(between)) + len(v.tail))
	b.WriteString(head)
	for i := range rows {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(v.group)
	}
	b.WriteString(v.tail)
	return b.String()
}

// argBytes is what arguments take in a statement, about.
func argBytes(args []any) (n int) {
	for _, a := range args {
		switch a := a.(type) {
		case []byte:
			n += len(a) + len(a)/16 + 12 // with the escapes of random bytes
		case string:
			n += len(a) + 4
		default:
			n += 8
		}
	}
	return n
}

func repeat(group string, n int, between string) string {
	if n == 0 {
		return ""
	}
	return strings.Repeat(group+between, n-1) + group
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
