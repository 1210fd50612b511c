package simtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// tolerance is how far a rate may be off, relative to its size.
const tolerance = 1e-9

// shown is the most differences an error lists.
const shown = 10

// Diff compares rows in order and tells the first differences, cell by cell.
func Diff(want, got []Row) error {
	var diffs []string
	wanted, found := byKey(want), byKey(got)
	for i, row := range want {
		other, ok := found[rowKey(row)]
		switch {
		case !ok:
			diffs = append(diffs, fmt.Sprintf("row %d missing: %v", i, row))
		default:
			diffs = append(diffs, diffRow(i, row, other)...)
		}
	}
	for i, row := range got {
		if _, ok := wanted[rowKey(row)]; !ok {
			diffs = append(diffs, fmt.Sprintf("row %d not expected: %v", i, row))
		}
	}
	if len(diffs) == 0 {
		diffs = diffOrder(want, got)
	}
	if len(diffs) == 0 {
		return nil
	}
	if more := len(diffs) - shown; more > 0 {
		diffs = append(diffs[:shown], fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(diffs, "\n"))
}

// rowKey is what names a row: its texts.
func rowKey(row Row) string {
	var texts []string
	for name, v := range row {
		if s, ok := v.(string); ok {
			texts = append(texts, strconv.Quote(name)+"="+strconv.Quote(s))
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}

func byKey(rows []Row) map[string]Row {
	m := map[string]Row{}
	for _, row := range rows {
		m[rowKey(row)] = row
	}
	return m
}

func diffRow(i int, want, got Row) []string {
	var diffs []string
	for name, w := range want {
		if g, ok := got[name]; !ok || !sameCell(w, g) {
			diffs = append(diffs, fmt.Sprintf("row %d (%s) %s: want %v, got %v", i, rowKey(want), name, w, g))
		}
	}
	for name, g := range got {
		if _, ok := want[name]; !ok {
			diffs = append(diffs, fmt.Sprintf("row %d (%s): column %s=%v not expected", i, rowKey(want), name, g))
		}
	}
	slices.Sort(diffs)
	return diffs
}

func sameCell(want, got any) bool {
	w, ok := want.(float64)
	g, alike := got.(float64)
	if !ok || !alike {
		return want == got
	}
	return math.Abs(w-g) <= tolerance*max(1, math.Abs(w))
}

func diffOrder(want, got []Row) []string {
	if len(want) != len(got) {
		return []string{fmt.Sprintf("%d rows, want %d: a row comes twice", len(got), len(want))}
	}
	for i := range want {
		if rowKey(want[i]) != rowKey(got[i]) {
			return []string{fmt.Sprintf("order: row %d is %v, want %v", i, got[i], want[i])}
		}
	}
	return nil
}
