package mysql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"rollcall"
)

// textsOfQuery bounds the values that one statement asks for.
const textsOfQuery = 512

// Intern gives each value its number. Numbers of a dimension are given one after the other; the empty value has that of
// rollcall.NotSet. Where all values have their number already it reads only. Else it holds the dimension's row, so that of
// several processes one gives numbers at a time.
func (s *Store) Intern(ctx context.Context, dim int, values []string) ([]rollcall.Value, error) {
	texts := slices.Clone(values)
	for i := range texts {
		if texts[i] == "" {
			texts[i] = rollcall.NotSet
		}
	}
	known, err := s.intern(ctx, dim, texts)
	if err != nil {
		return nil, fmt.Errorf("number %d values of dimension %d: %w", len(values), dim, err)
	}
	numbers := make([]rollcall.Value, len(texts))
	for i, text := range texts {
		numbers[i] = known[text]
	}
	return numbers, nil
}

func (s *Store) intern(ctx context.Context, dim int, texts []string) (known map[string]rollcall.Value, err error) {
	if dim < 0 || dim >= len(s.config.Dimensions) {
		return nil, errors.New("the store has no such dimension")
	}
	err = s.with(ctx, func(t *session) error {
		known = map[string]rollcall.Value{}
		return t.known(ctx, dim, texts, known)
	})
	if err != nil || len(unknown(texts, known)) == 0 {
		return known, err
	}
	err = s.transact(ctx, func(t *session) error {
		known = map[string]rollcall.Value{}
		return t.intern(ctx, dim, texts, known)
	})
	return known, err
}

// unknown lists the texts without a number, each once.
func unknown(texts []string, known map[string]rollcall.Value) (missing []string) {
	seen := map[string]bool{}
	for _, text := range texts {
		if _, is := known[text]; !is && !seen[text] {
			missing, seen[text] = append(missing, text), true
		}
	}
	return missing
}

// known adds the numbers that the texts have; none when the handle is retired.
func (s *session) known(ctx context.Context, dim int, texts []string, known map[string]rollcall.Value) error {
	for some := range slices.Chunk(unknown(texts, known), textsOfQuery) {
		args := []any{s.head(), dim}
		for _, text := range some {
			args = append(args, []byte(text))
		}
		err := s.each(ctx, func(scan func(...any) error) error {
			var text []byte
			var number rollcall.Value
			err := scan(&text, &number)
			known[string(text)] = number
			return err
		}, "SELECT v.text, v.number FROM ~head h, ~dimension_values v WHERE h.build = ? AND v.dim = ? AND v.text IN ("+repeat("?", len(some), ", ")+")", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

var insertTexts = values{"INSERT INTO ~dimension_values (dim, number, text) VALUES ", "(?, ?, ?)", ""}

func (s *session) intern(ctx context.Context, dim int, texts []string, known map[string]rollcall.Value) error {
	var next, build int64
	const query = "SELECT next_number, (SELECT build FROM ~head) FROM ~dimensions WHERE dim = ? FOR UPDATE"
	found, err := s.one(ctx, []any{&next, &build}, query, dim)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("the store has no such dimension")
	}
	if build != s.head() {
		return s.retired()
	}
	if err := s.known(ctx, dim, texts, known); err != nil {
		return err
	}
	missing := unknown(texts, known)
	if len(missing) == 0 {
		return nil
	}
	first := next
	if next += int64(len(missing)); next > math.MaxUint32+1 {
		return fmt.Errorf("all %d numbers are given", first)
	}
	err = s.execValues(ctx, &insertTexts, len(missing), func(args []any, i int) []any {
		known[missing[i]] = rollcall.Value(first + int64(i))
		return append(args, dim, first+int64(i), []byte(missing[i]))
	})
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, "UPDATE ~dimensions SET next_number = ? WHERE dim = ?", next, dim); err != nil {
		return err
	}
	return s.revise(ctx)
}
