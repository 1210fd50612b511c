package query

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// WriteTable writes the rows in aligned columns for people, figures to the right, and below them what they are made of.
func (r *Result) WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	lines := [][]string{r.Columns()}
	for i := range r.order {
		lines = append(lines, r.shown(i))
	}
	writeAligned(out, lines, 1+len(r.texts))
	if _, err := fmt.Fprintf(out, "\n%d rows, exact, as of %s; %d late, %d duplicates, build %d\n", r.Len(), showTime(r.AsOf), r.Late, r.Duplicates, r.Build); err != nil {
		return err
	}
	return out.Flush()
}

// writeAligned writes lines in columns, the first ones to the left. Errors are the buffer's, and come when it is flushed.
func writeAligned(out *bufio.Writer, lines [][]string, texts int) {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for c, text := range line {
			width[c] = max(width[c], utf8.RuneCountInString(text))
		}
	}
	for _, line := range lines {
		fmt.Fprintln(out, strings.TrimRight(align(line, width, texts), " "))
	}
}

// shown gives the texts of row i for people.
func (r *Result) shown(i int) []string {
	line := []string{r.Bucket(i)}
	for d := range r.texts {
		line = append(line, Printable(r.Value(i, d)))
	}
	for m := range r.values {
		line = append(line, ShowFigure(r.columns[m].name, r.Metric(i, m)))
	}
	return line
}

// ShowFigure gives a figure of a column for people: changes in percent, other fractions to four places, NaN as a dash.
func ShowFigure(column string, v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case strings.HasSuffix(column, changeSuffix):
		return fmt.Sprintf("%+.1f%%", 100*v)
	default:
		return strconv.FormatFloat(math.Round(v*1e4)/1e4, 'f', -1, 64)
	}
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

// Printable keeps control characters of a value away from the terminal.
func Printable(text string) string {
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
