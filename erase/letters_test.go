package erase_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall"
	"rollcall/erase"
	"rollcall/record"
	"rollcall/store"
)

// tray is a quarantine in memory.
type tray []store.DeadLetter

func (t tray) Letters(_ context.Context, q store.LetterQuery) (some []store.DeadLetter, _ error) {
	for _, l := range t {
		if l.Number > q.After && len(some) < q.Limit {
			some = append(some, l)
		}
	}
	return some, nil
}

func (t *tray) DeleteLetters(_ context.Context, numbers []int64) (int64, error) {
	before := len(*t)
	*t = slices.DeleteFunc(*t, func(l store.DeadLetter) bool { return slices.Contains(numbers, l.Number) })
	return int64(before - len(*t)), nil
}

// TestLetters: a letter goes when a field of it is the id, or its bytes hold it when they have no fields; never for a field that
// only holds the id within.
func TestLetters(t *testing.T) {
	theirs := []store.DeadLetter{
		{Raw: []byte(`{"user_id":"u1","time":"x"}`)},
		{Raw: []byte(`{"user_id":"\u0075\u0031"}`)},
		{Raw: []byte(`{"deep":[{"who":"u1"}]}`)},
		{Raw: []byte(`{"user_id":42}`)},
		{Raw: []byte(`["u1"]`)},
		{Raw: []byte(`2026-01-01,u1,"a,b"`)},
		{Raw: []byte(`2026-01-01,"u1"`)},
		{Raw: []byte(`{"user_id":"u1","time":`)},
		{Raw: []byte("\x00\x04\x02u1\xff")},
		{Raw: []byte("u1")},
		{Raw: []byte(`{}`), Detail: `user "u1" is in another shard`},
		{Raw: []byte(`{}`), Source: "users/u1.ndjson line 3"},
	}
	others := []store.DeadLetter{
		{Raw: []byte(`{"user_id":"u12","time":"x"}`)},
		{Raw: []byte(`{"user_id":"xu1"}`)},
		{Raw: []byte(`{"user_id":420,"n":4.2}`)},
		{Raw: []byte(`2026-01-01,u12,u1 u1`)},
		{Raw: []byte(`{"user_id":"u2","time":`)},
		{Raw: []byte(`{}`), Detail: "time u12: want RFC 3339, 420 bytes"},
		{Raw: nil},
	}
	var kept tray
	for i := range 900 {
		some := theirs
		if i%3 > 0 {
			some = others
		}
		l := some[i/3%len(some)]
		l.Number = int64(i + 1)
		kept = append(kept, l)
	}
	users := []string{"u1", "42", "not there", ""}
	dry, err := erase.Letters(t.Context(), &kept, users, true)
	if err != nil || dry != 300 || len(kept) != 900 {
		t.Fatalf("counted %d of 300, %v", dry, err)
	}
	n, err := erase.Letters(t.Context(), &kept, users, false)
	if err != nil || n != 300 || len(kept) != 600 {
		t.Errorf("deleted %d, %d are left, %v", n, len(kept), err)
	}
	for _, l := range kept {
		if (l.Number-1)%3 == 0 {
			t.Errorf("left: %q %q", l.Raw, l.Detail)
		}
	}
}

// TestLook counts the events of the users, the records that hold them and the days of the events.
func TestLook(t *testing.T) {
	log := shelve([]string{"a", "b", "c", "b", "b", "a", "b"}, 2)
	s, err := erase.Look(t.Context(), log, 1, record.UsersNamed("a", "c"), rollcall.NewCalendar(time.UTC))
	if err != nil || s.Events != 3 || s.Records != 3 || fmt.Sprint(s.Days) != fmt.Sprint(map[rollcall.Date]bool{0: true}) {
		t.Errorf("%+v, %v", s, err)
	}
}
