package main

import (
	"slices"
	"strings"
	"testing"

	"rollcall"
	"rollcall/verify"
)

func TestVerifyDays(t *testing.T) {
	c := verifyCmd{Limit: 1, Days: []string{"2026-11-01", "2026-11-03..2026-11-05"}}
	d, err := c.days()
	first, _ := rollcall.ParseDate("2026-11-01")
	if want := []rollcall.Date{first, first + 2, first + 3, first + 4}; err != nil || !slices.Equal(d.Dates, want) {
		t.Errorf("%v, %v", d, err)
	}
	for _, text := range []string{"", "2026-11", "2026-11-05..2026-11-01", "0001-01-01..2026-01-01", "2026-11-01..", "2026-11-01..2026-11-02..2026-11-03"} {
		if days, err := appendDays(nil, text); err == nil {
			t.Errorf("%q gives %d days", text, len(days))
		}
	}
}

// What events brought does not reach the terminal as it is, and what is left out is counted.
func TestPrintReport(t *testing.T) {
	shard := 3
	r := &verify.Report{Days: []string{"2026-11-01"}, Verdict: "The store differs.", Differences: map[string]int{verify.Cell: 2, verify.UserSet: 1},
		Shown: []verify.Difference{
			{What: verify.Cell, Grain: "day", Bucket: "2026-11-01", Values: []verify.NamedValue{{Dimension: "campaign", Value: "a\x1b[2J\nb"}}, Figure: "events", Expected: int64(1234), Found: int64(1)},
			{What: verify.UserSet, Shard: &shard, Figure: "users", Expected: int64(2), Found: int64(1), Hint: "gone"},
		}}
	var out strings.Builder
	if err := printReport(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The store differs.", "1,234", "campaign=a\uFFFD[2J\uFFFDb", "shard 3", "gone", "and 1 more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
