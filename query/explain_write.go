package query

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteTable writes the explanation for people: whether and why the day changed, then what it is made of.
func (e *Explanation) WriteTable(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, e.answer())
	figures := make([]string, len(e.Figures))
	for i, f := range e.Figures {
		figures[i] = f.Metric + " " + f.shown()
	}
	fmt.Fprintf(out, "\n%s\n", strings.Join(figures, ", "))
	e.writeSteps(out)
	e.writeBuilds(out)
	e.writeCells(out)
	e.writeHours(out)
	fmt.Fprintf(out, "\nbuild %d, %d shards, day at version %d, store at %d, as of %s\n", e.Build, e.Shards, e.Version, e.Newest, showTime(e.AsOf))
	return out.Flush()
}

// writeBuilds tells which rebuild the figures come from.
func (e *Explanation) writeBuilds(out io.Writer) {
	if len(e.Builds) == 0 {
		return
	}
	fmt.Fprintln(out, "\nBuilds")
	for _, b := range e.Builds {
		was := "was in use from"
		if b.Build == e.Build {
			was = "in use since"
		}
		var settings []string
		for _, name := range slices.Sorted(maps.Keys(b.Settings)) {
			if b.Settings[name] != "" {
				settings = append(settings, name+" "+Printable(b.Settings[name]))
			}
		}
		fmt.Fprintf(out, "  build %d, %s %s: %s\n", b.Build, was, showTime(b.InUse), strings.Join(settings, ", "))
	}
}

func (f *DayFigure) shown() string {
	if f.Value == nil {
		return "-"
	}
	return ShowFigure(f.Metric, *f.Value)
}

// answer says in a sentence or two whether the day changed, and by what.
func (e *Explanation) answer() string {
	text := ""
	switch e.Verdict {
	case verdictEmpty:
		var dropped DayStep
		for _, s := range e.Steps {
			dropped.Duplicates, dropped.Late = dropped.Duplicates+s.Duplicates, dropped.Late+s.Late
		}
		return fmt.Sprintf("Nothing is counted on %s.%s", e.Day, after(dropped.did()))
	case verdictOpen:
		text = fmt.Sprintf("%s is not over: its figures go on changing.", e.Day)
	case verdictChanged:
		text = fmt.Sprintf("%s has changed since it was counted: %s, in %s, the last at %s.", e.Day, e.Since.did(), plural(e.Since.Commits, "commit"), showTime(e.Since.To))
	default:
		text = fmt.Sprintf("%s has not changed since it was counted.%s", e.Day, after(e.Since.did()))
	}
	if len(e.Steps) > 0 && e.Steps[0].Kind == stepBefore {
		text += "\n" + e.beginning()
	}
	return text
}

// after gives another sentence, none of nothing.
func after(did string) string {
	if did == "" {
		return ""
	}
	return " Besides: " + did + "."
}

func (e *Explanation) beginning() string {
	if e.Begins.IsZero() {
		return "There is no history yet: it begins with the next commit."
	}
	return fmt.Sprintf("The history begins at %s; what is older is in the figures, and not told apart.", showTime(e.Begins))
}

// did tells what a step did, leaving out what it did not; empty for nothing.
func (s *DayStep) did() string {
	var parts []string
	add := func(n int64, what string) {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%+d %s", n, what))
		}
	}
	add(s.Events, "events")
	add(s.Sessions, "sessions")
	if s.TakenBack != 0 {
		parts = append(parts, plural(s.TakenBack, "session")+" taken back")
	}
	add(s.Bounces, "bounces")
	if s.Duration != 0 {
		parts = append(parts, signed(s.Duration)+" s in sessions")
	}
	add(s.NewUsers, "new users")
	add(s.ActiveUsers, "active users")
	if s.Duplicates != 0 {
		parts = append(parts, plural(s.Duplicates, "duplicate")+" dropped")
	}
	if s.Late != 0 {
		parts = append(parts, plural(s.Late, "late event")+" in quarantine")
	}
	return strings.Join(parts, ", ")
}

func signed(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if v > 0 {
		text = "+" + text
	}
	return text
}

func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.FormatInt(n, 10) + " " + what
}

func (e *Explanation) writeSteps(out *bufio.Writer) {
	if len(e.Steps) == 0 {
		return
	}
	fmt.Fprintln(out, "\nHow the whole day came about, whatever the filter:")
	for i := range e.Steps {
		s := &e.Steps[i]
		fmt.Fprintf(out, "  %s: %s%s\n", s.when(), orNothing(s.did()), s.commits())
	}
}

func orNothing(text string) string {
	if text == "" {
		return "no change in sum"
	}
	return text
}

const hourLayout = "2006-01-02 15:04"

func (s *DayStep) when() string {
	switch s.Kind {
	case stepBefore:
		return "before the history"
	case stepDay:
		return "by the end of the day"
	case stepFirst:
		return "first counted " + s.From.Format(hourLayout)
	}
	if s.Hours > 1 {
		return fmt.Sprintf("later, %s to %s", s.From.Format(hourLayout), s.To.Format(hourLayout))
	}
	return "later, " + s.From.Format(hourLayout)
}

func (s *DayStep) commits() string {
	if s.Commits == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s, versions %d to %d)", plural(s.Commits, "commit"), s.FirstVersion, s.LastVersion)
}

func (e *Explanation) writeCells(out *bufio.Writer) {
	if len(e.Cells) == 0 {
		return
	}
	fmt.Fprintln(out, "\nThe cells of the figures:")
	head := append(append([]string{}, e.Cuboid...), cellMetrics...)
	lines := [][]string{head}
	for i := range e.Cells {
		c := &e.Cells[i]
		line := make([]string, 0, len(head))
		for _, v := range c.Values {
			line = append(line, Printable(v))
		}
		lines = append(lines, append(line, whole64(c.Events), whole64(c.Sessions), whole64(c.Bounces), seconds64(c.Duration), whole64(c.NewUsers), whole64(c.ActiveUsers)))
	}
	writeAligned(out, lines, len(e.Cuboid))
	if r := e.Rest; r != nil {
		fmt.Fprintf(out, "  and %s with %d events, %d sessions, %d bounces, %s s, %d new users\n", plural(int64(r.Cells), "cell"), r.Events, r.Sessions, r.Bounces, seconds64(r.Duration), r.NewUsers)
	}
}

func (e *Explanation) writeHours(out *bufio.Writer) {
	if len(e.Hours) == 0 {
		return
	}
	fmt.Fprintln(out, "\nThe ledger of the whole day, by hour of the events:")
	lines := [][]string{{"hour", "accepted", "duplicates", "late"}}
	for _, h := range e.Hours {
		lines = append(lines, []string{h.Hour.Format(time.RFC3339), whole64(h.Accepted), whole64(h.Duplicates), whole64(h.Late)})
	}
	writeAligned(out, lines, 1)
}

func whole64(n int64) string     { return strconv.FormatInt(n, 10) }
func seconds64(s float64) string { return strconv.FormatFloat(s, 'f', -1, 64) }
