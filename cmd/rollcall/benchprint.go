package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
)

// benchReport is what a benchmark prints as JSON.
type benchReport struct {
	Version  string    `json:"version"`
	Cores    int       `json:"cores"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Ingested int64     `json:"ingested_per_second,omitempty"`
	Figures  []*figure `json:"figures"`
	Notes    []string  `json:"notes"`
}

func (b *bench) print(w io.Writer) error {
	b.notes = append(b.notes, b.remarks()...)
	if b.Format == "json" {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(benchReport{version(), runtime.GOMAXPROCS(0), b.data.from.String(), b.data.to.String(), int64(b.ingested), b.figures, b.notes})
	}
	fmt.Fprintf(w, "%s to %s, %d cores; times in ms\n", b.data.from, b.data.to, runtime.GOMAXPROCS(0))
	for _, mode := range []string{modeWarm, modeCold, modeRepeated} {
		if err := b.table(w, mode); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	for _, q := range b.questions {
		fmt.Fprintf(w, "%s: %s\n", q.name, q.text)
	}
	for _, note := range b.notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	return nil
}

// remarks tell what the modes measured mean.
func (b *bench) remarks() (notes []string) {
	has := map[string]bool{}
	for _, f := range b.figures {
		has[f.Mode] = true
	}
	if has[modeCold] {
		notes = append(notes, "cold means that nothing is in the memory of the process; the operating system still has the file's pages that it had")
	}
	if has[modeRepeated] && b.Server == "" {
		notes = append(notes, "client and server of the repeated questions are one process here and share its cores")
	}
	if b.Ingest > 0 {
		notes = append(notes, fmt.Sprintf("%s events/s were taken in; turns without and with: %d each", humanize.Comma(int64(b.ingested)), b.Rounds))
	}
	return notes
}

// table prints the figures of a mode.
func (b *bench) table(out io.Writer, mode string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	begun := false
	for _, f := range b.figures {
		if f.Mode != mode {
			continue
		}
		if !begun {
			fmt.Fprintf(w, "\n%s\trows\tbytes\t%s\n", mode, heading(f))
			begun = true
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Question, humanize.Comma(int64(f.Rows)), humanize.Comma(f.Bytes), cells(f))
	}
	return w.Flush()
}

func heading(f *figure) string {
	text := "n\tp50\tp90\tp99\tmax\t"
	if f.Plain.Answer != nil {
		text += "reply p50\tp99\t"
	}
	if f.Mode == modeRepeated {
		text += "requests/s\t"
	}
	if f.Ingest != nil {
		text += "with ingest p50\tp99\tratio p50\tp99\t"
	}
	return text
}

func cells(f *figure) string {
	s := f.Plain.main()
	text := fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t", f.Plain.N, ms(s.P50), ms(s.P90), ms(s.P99), ms(s.Max))
	if f.Plain.Answer != nil {
		text += ms(f.Plain.Reply.P50) + "\t" + ms(f.Plain.Reply.P99) + "\t"
	}
	if f.Mode == modeRepeated {
		text += humanize.Comma(int64(f.Plain.PerSecond)) + "\t"
	}
	if f.Ingest != nil {
		with := f.Ingest.main()
		text += fmt.Sprintf("%s\t%s\t%.2f\t%.2f\t", ms(with.P50), ms(with.P99), f.RatioP50, f.RatioP99)
	}
	return text
}

func ms(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
