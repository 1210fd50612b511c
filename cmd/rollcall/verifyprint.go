package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"

	"rollcall/query"
	"rollcall/verify"
)

// printReport tells people what was compared, how fast, the verdict, and what differs.
func printReport(out io.Writer, r *verify.Report) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	count := humanize.Comma
	if r.Table() != "" {
		line("table", "%s events counted by SQL in %s", count(r.Events), r.Table())
	} else {
		line("log", "%s events of %s users accepted, %s dropped as duplicates or late", count(r.Events), count(r.Users), count(r.Dropped))
		line("ledger", "%s hours compared", count(r.Hours))
	}
	line("recounted", "%s: %s cells, %s user sets compared", daysText(r), count(r.Cells), count(r.Sets))
	if len(r.Moved) > 0 {
		line("moved", "%d days were committed to meanwhile and are not compared: %s", len(r.Moved), strings.Join(r.Moved[:min(len(r.Moved), daysShown)], ", "))
	}
	line("store", "build %d, version %d, committed %s", r.Build, r.Version, orNever(r.Committed))
	line("took", "%.1f s, %s events/s", r.Seconds, count(r.PerSecond))
	for _, u := range r.Unverified {
		line("not verified", "%s", query.Printable(u))
	}
	for _, u := range r.Notes {
		line("note", "%s", query.Printable(u))
	}
	line("verdict", "%s", r.Verdict)
	if err := w.Flush(); err != nil || r.Equal {
		return err
	}
	return printDifferences(out, r)
}

func orNever(committed string) string {
	if committed == "" {
		return "never"
	}
	return committed
}

const daysShown = 10

func daysText(r *verify.Report) string {
	days := r.Days
	switch {
	case len(days) == 0:
		return "no day"
	case len(days) > daysShown:
		return fmt.Sprintf("%d days from %s to %s", len(days), days[0], days[len(days)-1])
	case r.Seed != nil:
		return fmt.Sprintf("%s (--seed %d)", strings.Join(days, ", "), *r.Seed)
	}
	return strings.Join(days, ", ")
}

func printDifferences(out io.Writer, r *verify.Report) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "\nwhat\twhere\tfigure\texpected\tfound\twhat it may mean")
	for i := range r.Shown {
		d := &r.Shown[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.What, where(d), d.Figure, amount(d.Expected), amount(d.Found), d.Hint)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if hidden := r.Different() - len(r.Shown); hidden > 0 {
		_, err := fmt.Fprintf(out, "\nand %s more: --limit shows more of each kind\n", humanize.Comma(int64(hidden)))
		return err
	}
	return nil
}

// where names the place of a difference.
func where(d *verify.Difference) string {
	var parts []string
	if d.Shard != nil {
		parts = append(parts, "shard "+strconv.Itoa(*d.Shard))
	}
	if d.Grain != "" {
		parts = append(parts, d.Grain)
	}
	if d.Bucket != "" {
		parts = append(parts, d.Bucket)
	}
	for _, v := range d.Values {
		parts = append(parts, query.Printable(v.Dimension+"="+v.Value))
	}
	if (d.What == verify.Cell || d.What == verify.TableCell) && len(d.Values) == 0 {
		parts = append(parts, "total")
	}
	return strings.Join(parts, " ")
}

func amount(v any) string {
	switch n := v.(type) {
	case int64:
		return humanize.Comma(n)
	case json.Number: // from a server
		if whole, err := n.Int64(); err == nil {
			return humanize.Comma(whole)
		}
	}
	return fmt.Sprint(v)
}
