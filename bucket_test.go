package rollcall

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func drawDate(t *rapid.T) (Date, time.Time) {
	at := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 80_000).Draw(t, "days"))
	return DateOf(at.Date()), at
}

func TestDateText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, at := drawDate(t)
		if d.String() != at.Format(dateLayout) || !d.UTC().Equal(at) {
			t.Fatalf("%d is %v, want %v", d, d, at)
		}
		if back, err := ParseDate(d.String()); err != nil || back != d {
			t.Fatalf("%v parses as %v, %v", d, back, err)
		}
	})
}

func TestDateStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, at := drawDate(t)
		if d.Start(Day) != d {
			t.Fatalf("day of %v is %v", d, d.Start(Day))
		}
		if got, want := d.Start(Month), DateOf(at.Year(), at.Month(), 1); got != want {
			t.Fatalf("month of %v is %v, want %v", d, got, want)
		}
		monday := d.Start(Week).UTC()
		year, week := at.ISOWeek()
		y, w := monday.ISOWeek()
		if monday.Weekday() != time.Monday || y != year || w != week {
			t.Fatalf("week of %v is %v", d, d.Start(Week))
		}
	})
}

func TestParseDateRefuses(t *testing.T) {
	for _, text := range []string{"", "2025-02-30", "2025-1-1", "25-01-01", "2025-01-01T00:00:00Z", " 2025-01-01"} {
		if d, err := ParseDate(text); err == nil {
			t.Errorf("%q parses as %v", text, d)
		}
	}
}

func TestGrainNames(t *testing.T) {
	for g := Minute; g <= Total; g++ {
		if back, err := ParseGrain(g.String()); err != nil || back != g {
			t.Errorf("%v parses as %v, %v", g, back, err)
		}
	}
	if g, err := ParseGrain("year"); err == nil {
		t.Errorf("year parses as %v", g)
	}
}
