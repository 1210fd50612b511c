package query

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// WriteTable writes the rows in aligned columns for people, figures to the right, and below them what they are made of.
func (r *Result) WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	lines := [][]string{r.Columns()}
	for i := range r.order {
		lines = append(lines, r.record(nil, i, "-"))
	}
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for c, text := range line {
			line[c] = printable(text)
			width[c] = max(width[c], utf8.RuneCountInString(line[c]))
		}
	}
	texts := 1 + len(r.texts)
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, strings.TrimRight(align(line, width, texts), " ")); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "\n%d rows, exact, as of %s; %d late, %d duplicates, build %d\n", r.Len(), showTime(r.AsOf), r.Late, r.Duplicates, r.Build); err != nil {
		return err
	}
	return out.Flush()
}

func align(line []string, width []int, texts int) string {
	var b strings.Builder
	for c, text := range line {
		pad := strings.Repeat(" ", width[c]-utf8.RuneCountInString(text))
		if c < texts {
			b.WriteString(text + pad + "  ")
		} else {
			b.WriteString(pad + text + "  ")
		}
	}
	return b.String()
}

// printable keeps control characters of a value away from the terminal.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c >= 0x7f && c < 0xa0 {
			return '\uFFFD'
		}
		return c
	}, text)
}

func showTime(asOf time.Time) string {
	if asOf.IsZero() {
		return "never (nothing was committed)"
	}
	return asOf.Format(instantLayout)
}
