package query

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteJSON writes the reply of GET /api/v1/retention.
func (r *Retention) WriteJSON(w io.Writer) error {
	_, err := w.Write(appendTail(r.appendRows(nil), r.AsOf, r.CompleteThrough, restOf(r.Build)))
	return err
}

// body is the reply in a format, but for the tail of a JSON reply.
func (r *Retention) body(format string) []byte {
	if format != "csv" {
		return r.appendRows(nil)
	}
	var text strings.Builder
	_ = r.WriteCSV(&text) // a strings.Builder takes everything
	return []byte(text.String())
}

func (r *Retention) appendRows(line []byte) []byte {
	line = append(append(line, `{"cohort":"`...), r.Cohort...)
	line = append(line, `","rows":[`...)
	for i, row := range r.Rows {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(append(line, "\n{\"cohort\":\""...), row.Cohort...)
		line = strconv.AppendInt(append(line, `","users":`...), row.Users, 10)
		line = append(line, `,"active":[`...)
		for k, n := range row.Active {
			if k > 0 {
				line = append(line, ',')
			}
			line = strconv.AppendInt(line, n, 10)
		}
		line = append(line, ']')
		if row.Open {
			line = append(line, `,"open":true`...)
		}
		line = append(line, '}')
	}
	return line
}

// WriteCSV writes a header line and a line for each cohort and period, as RFC 4180 has it.
func (r *Retention) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write([]string{"cohort", "users", "period", "active", "open"}); err != nil {
		return err
	}
	for _, row := range r.Rows {
		for k, n := range row.Active {
			line := []string{row.Cohort, strconv.FormatInt(row.Users, 10), strconv.Itoa(k), strconv.FormatInt(n, 10), strconv.FormatBool(row.openAt(k))}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// openAt tells whether period k is still going on.
func (c *CohortRow) openAt(k int) bool { return c.Open && k == len(c.Active)-1 }

// WriteTable writes the triangle for people: a line for each cohort, and what part of its users were active in each period.
func (r *Retention) WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	width, periods, note := len("users"), 0, ""
	for _, row := range r.Rows {
		width, periods = max(width, len(strconv.FormatInt(row.Users, 10))), max(periods, len(row.Active))
		if row.Open {
			note = "; * the " + r.Cohort + " is not over"
		}
	}
	line := fmt.Sprintf("%-10s  %*s", r.Cohort, width, "users")
	for k := range periods {
		line += fmt.Sprintf("%5d ", k)
	}
	fmt.Fprintln(out, strings.TrimRight(line, " "))
	for i := range r.Rows {
		fmt.Fprintln(out, r.Rows[i].tableLine(width))
	}
	if _, err := fmt.Fprintf(out, "\n%d cohorts, exact, as of %s%s\n", len(r.Rows), showTime(r.AsOf), note); err != nil {
		return err
	}
	return out.Flush()
}

func (c *CohortRow) tableLine(width int) string {
	line := fmt.Sprintf("%-10s  %*d", c.Cohort, width, c.Users)
	for k, n := range c.Active {
		line += fmt.Sprintf("%5s", percent(n, c.Users))
		if c.openAt(k) {
			line += "*"
		} else {
			line += " "
		}
	}
	return strings.TrimRight(line, " ")
}

// percent gives a part of a whole to the nearest percent, and sees to it that only none and all look like it.
func percent(n, of int64) string {
	switch {
	case of == 0:
		return "-"
	case n > 0 && 200*n < of:
		return "<1%"
	case n < of && 200*n > 199*of:
		return ">99%"
	default:
		return strconv.FormatInt((200*n+of)/(2*of), 10) + "%"
	}
}
