//go:build unix

package chaostest

import (
	"fmt"
	"slices"
	"time"

	"rollcall"
	"rollcall/apptest"
	"rollcall/simtest"
)

// Compare asks about a world at random, and gives what differs from the oracle.
func Compare(c apptest.Client, d simtest.Dice, w *simtest.World, o *simtest.Oracle, questions int) (differences []error) {
	for range questions {
		q := affordable(d, w, o)
		rows, err := c.Query(&q, w.Config.Location)
		if err == nil {
			err = simtest.Diff(o.Answer(q), rows)
		}
		if err != nil {
			differences = append(differences, fmt.Errorf("query %s: %w", q.Text(w.Config.Location), err))
		}
		if err := compareRetention(c, d, w, o); err != nil {
			differences = append(differences, err)
		}
	}
	return differences
}

// affordable draws a question that the oracle answers soon: it counts trailing days anew for each row.
func affordable(d simtest.Dice, w *simtest.World, o *simtest.Oracle) simtest.Query {
	for {
		q := simtest.RandomQuery(d, w, o)
		if q.Grain >= rollcall.Day || !slices.Contains(q.Metrics, "wau") && !slices.Contains(q.Metrics, "mau") {
			return q
		}
	}
}

func compareRetention(c apptest.Client, d simtest.Dice, w *simtest.World, o *simtest.Oracle) error {
	q := simtest.RandomCohorts(d, w)
	for {
		q.Now = time.Now().UnixMilli()
		rows, err := c.Retention(&q, w.Config.Location)
		if err == nil && time.Now().In(o.Location).YearDay() != time.UnixMilli(q.Now).In(o.Location).YearDay() {
			continue
		}
		if err == nil {
			err = simtest.Diff(o.Retention(q), rows)
		}
		if err != nil {
			return fmt.Errorf("retention %s: %w", q.Text(o.Location), err)
		}
		return nil
	}
}

// eventsByPhase asks for events by phase and the other dimensions, and Counts reads the answer.
func eventsByPhase(w *simtest.World) simtest.Query {
	return simtest.Query{
		From: w.Config.StartOf(w.Start, -30), To: w.Config.StartOf(w.Start, 60), Grain: rollcall.Total,
		Metrics: []string{"events"}, GroupBy: append([]string{phaseDimension}, w.Config.Dimensions...),
	}
}

// Counts gives events by phase and cell.
func Counts(rows []simtest.Row, dimensions []string) map[[2]string]int {
	counts := map[[2]string]int{}
	for _, row := range rows {
		var cell string
		for _, name := range dimensions {
			cell += fmt.Sprintf("%q ", row[name])
		}
		phase, _ := row[phaseDimension].(string)
		events, _ := row["events"].(float64)
		counts[[2]string{phase, cell}] += int(events)
	}
	return counts
}

// total asks how many events there are.
func total(c apptest.Client, w *simtest.World) (int, error) {
	q := eventsByPhase(w)
	q.GroupBy = nil
	rows, err := c.Query(&q, w.Config.Location)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return int(rows[0]["events"].(float64)), nil
}
