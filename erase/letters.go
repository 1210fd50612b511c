package erase

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/store"
)

// Kept is the quarantine.
type Kept interface {
	Letters(ctx context.Context, q store.LetterQuery) ([]store.DeadLetter, error)
	DeleteLetters(ctx context.Context, numbers []int64) (deleted int64, err error)
}

// letterBatch is how many letters are read, and at most deleted, at once.
const letterBatch = 200

// Letters deletes the dead letters of these users, or with dry only counts them.
func Letters(ctx context.Context, kept Kept, users []string, dry bool) (count int64, err error) {
	names := newNames(users)
	for after := int64(0); ; {
		letters, err := kept.Letters(ctx, store.LetterQuery{After: after, Limit: letterBatch})
		if err != nil || len(letters) == 0 {
			return count, err
		}
		var theirs []int64
		for i := range letters {
			if after = letters[i].Number; names.in(&letters[i]) {
				theirs = append(theirs, after)
			}
		}
		n := int64(len(theirs))
		if n > 0 && !dry {
			if n, err = kept.DeleteLetters(ctx, theirs); err != nil {
				return count, err
			}
		}
		count += n
	}
}

// names are ids to look for.
type names struct {
	ids   map[string]bool
	sizes []int // of the ids
}

func newNames(users []string) *names {
	n := &names{ids: map[string]bool{}}
	for _, u := range users {
		if u == "" {
			continue
		}
		n.ids[u] = true
		if !slices.Contains(n.sizes, len(u)) {
			n.sizes = append(n.sizes, len(u))
		}
	}
	return n
}

// in tells whether a letter is of one of the users: a field of its record is the id. A record that can't be read as JSON or CSV
// is when its bytes hold the id; what is told about it, when that has the id as a word.
func (n *names) in(l *store.DeadLetter) bool {
	if n.word(l.Detail) || n.word(l.Source) {
		return true
	}
	if found, ok := n.inJSON(l.Raw); ok {
		return found
	}
	if found, ok := n.inCSV(l.Raw); ok {
		return found
	}
	return n.find(l.Raw, func(int, int) bool { return true })
}

// inJSON looks at the texts and numbers of one JSON value; ok is false when raw is none.
func (n *names) inJSON(raw []byte) (found, ok bool) {
	if !json.Valid(raw) {
		return false, false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return found, errors.Is(err, io.EOF)
		}
		switch t := token.(type) {
		case string:
			found = found || n.ids[t]
		case json.Number:
			found = found || n.ids[t.String()]
		}
	}
}

// inCSV looks at the fields of one line of several; ok is false when raw is none.
func (n *names) inCSV(raw []byte) (found, ok bool) {
	text := strings.TrimSpace(string(raw))
	if text == "" || strings.ContainsAny(text[:1], "{[") || !utf8.ValidString(text) {
		return false, false
	}
	r := csv.NewReader(strings.NewReader(text))
	fields, err := r.Read()
	if err != nil || len(fields) < 2 {
		return false, false
	}
	if _, err = r.Read(); !errors.Is(err, io.EOF) {
		return false, false
	}
	return slices.ContainsFunc(fields, func(f string) bool { return n.ids[f] || n.ids[strings.TrimSpace(f)] }), true
}

// word tells whether a text has an id that no letter or digit precedes or follows.
func (n *names) word(text string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return n.find([]byte(text), func(from, until int) bool {
		before, _ := utf8.DecodeLastRuneInString(text[:from])
		after, _ := utf8.DecodeRuneInString(text[until:])
		return !part(before) && !part(after)
	})
}

// find tells whether b holds an id at a place that will do.
func (n *names) find(b []byte, will func(from, until int) bool) bool {
	for _, size := range n.sizes {
		for i := 0; i+size <= len(b); i++ {
			if n.ids[string(b[i:i+size])] && will(i, i+size) {
				return true
			}
		}
	}
	return false
}
