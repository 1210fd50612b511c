package simtest

import (
	"testing"
	"time"

	"rollcall"
)

// The figures of the real data set were counted by other means.
func TestCompleteJourney(t *testing.T) {
	dims := []string{"campaign_id", "age_group"}
	events, err := ReadNDJSON("../testdata/completejourney/events.ndjson.gz", dims, time.Unix(1_800_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	o := NewOracle(Config{Location: time.UTC, Dimensions: dims, Gap: 30 * time.Minute}, events)
	day := func(text string) int64 {
		at, err := time.Parse(dateLayout, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMilli()
	}
	year := Query{
		From: day("2017-01-01"), To: day("2018-01-02"), Grain: rollcall.Total,
		Metrics: []string{"events", "active_users", "new_users", "sessions", "bounces", "total_session_duration"},
	}
	want := []Row{{
		"bucket": "total", "events": 75_000.0, "active_users": 2_377.0, "new_users": 2_377.0,
		"sessions": 46_518.0, "bounces": 29_781.0, "total_session_duration": 202_291.0,
	}}
	if err := Diff(want, o.Answer(year)); err != nil {
		t.Fatal(err)
	}
	for date, users := range map[string]float64{"2017-01-01": 102, "2017-02-04": 197} {
		from := day(date)
		q := Query{From: from, To: from + 86_400_000, Grain: rollcall.Day, Metrics: []string{"active_users"}}
		if err := Diff([]Row{{"bucket": date, "active_users": users}}, o.Answer(q)); err != nil {
			t.Errorf("%v: %v", date, err)
		}
	}
}
