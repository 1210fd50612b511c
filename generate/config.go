package generate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"rollcall"
)

// Dimensions lists the names of the dimensions the model has values for.
func Dimensions() []string { return []string{"campaign_id", "age_group", "country", "device"} }

// Config describes the traffic.
type Config struct {
	Seed       uint64
	Events     int64     // distinct events in all
	Users      int       // size of the population at the end
	Days       int       // length of the history, in blocks of 24 hours
	Campaigns  int       // number of campaigns
	Until      time.Time // end of the history
	Dimensions []string  // in the order of the events' Dims; those without a model stay not set
	Late       float64   // fraction of the events that arrive up to two days after their time
	Duplicates float64   // fraction of the events that arrive twice
}

func (c *Config) check() error {
	switch {
	case c.Events < 0:
		return fmt.Errorf("events: %d: want 0 or more", c.Events)
	case c.Users < 1 || c.Users > math.MaxInt32:
		return fmt.Errorf("users: %d: want 1 to %d", c.Users, math.MaxInt32)
	case c.Days < 1 || c.Days > 36500:
		return fmt.Errorf("days: %d: want 1 to 36500", c.Days)
	case c.Campaigns < 1 || c.Campaigns > 10000:
		return fmt.Errorf("campaigns: %d: want 1 to 10000", c.Campaigns)
	case !(c.Late >= 0 && c.Late <= 1):
		return fmt.Errorf("late: %v: want a fraction from 0 to 1", c.Late)
	case !(c.Duplicates >= 0 && c.Duplicates <= 1):
		return fmt.Errorf("duplicates: %v: want a fraction from 0 to 1", c.Duplicates)
	case len(c.Dimensions) > rollcall.MaxDimensions:
		return fmt.Errorf("dimensions: %d: want at most %d", len(c.Dimensions), rollcall.MaxDimensions)
	}
	return nil
}

// kinds of events, and how often each follows the first page view of a session, in percent.
const (
	pageView = iota
	click
	purchase
	heartbeat
)

func kindOf(percent uint64) uint8 {
	switch {
	case percent < 68:
		return pageView
	case percent < 90:
		return click
	case percent < 93:
		return purchase
	default:
		return heartbeat
	}
}

// texts holds the words of the model, and where each dimension stands in an event.
type texts struct {
	campaigns, ages, countries, devices, kinds [][]byte
	columns                                    [4]int // position of each of Dimensions() in the event, or -1
	dims                                       int
}

func newTexts(c *Config) texts {
	t := texts{
		ages:      words("13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"),
		countries: words("KR", "US", "JP", "DE", "BR", "IN", "GB", "FR", "ID", "VN", "MX", "TR"),
		devices:   words("mobile", "desktop", "tablet"),
		kinds:     words("page_view", "click", "purchase", "heartbeat"),
		dims:      len(c.Dimensions),
	}
	for i := range c.Campaigns {
		t.campaigns = append(t.campaigns, fmt.Appendf(nil, "c%03d", i+1))
	}
	for i, name := range Dimensions() {
		t.columns[i] = slices.Index(c.Dimensions, name)
	}
	return t
}

func words(s ...string) [][]byte {
	out := make([][]byte, len(s))
	for i := range s {
		out[i] = []byte(s[i])
	}
	return out
}

// traits stick to a user.
type traits struct{ age, country uint8 }

func traitsOf(user uint32) traits {
	h := mix(uint64(user) + 0x5bd1e995)
	return traits{uint8(ageOf(h % 100)), uint8(countryOf(h / 100 % 100))}
}

// fill writes the texts of an item into ev, but for its user and id.
func (t *texts) fill(ev *rollcall.Event, it *item, who traits) {
	ev.Reset(t.dims)
	ev.Type, ev.Time = t.kinds[it.kind], it.time
	values := [4][]byte{t.campaigns[it.campaign], t.ages[who.age], t.countries[who.country], t.devices[it.device]}
	for i, column := range t.columns {
		if column >= 0 {
			ev.Dims[column] = values[i]
		}
	}
}

func ageOf(percent uint64) int      { return rank(percent, 8, 27, 51, 70, 84, 94) }
func countryOf(percent uint64) int  { return rank(percent, 30, 48, 58, 66, 73, 79, 84, 89, 93, 96, 98) }
func deviceOf(percent uint64) uint8 { return uint8(rank(percent, 64, 94)) }

// rank tells how many of the rising bounds lie at or below percent.
func rank(percent uint64, bounds ...uint64) int {
	n := 0
	for n < len(bounds) && percent >= bounds[n] {
		n++
	}
	return n
}

// zipf gives a table that turns a uniform index into a rank from 0 to n-1, with probability falling as rank^-1.1.
func zipf(n int) []uint16 {
	const size = 1 << 16
	sum := 0.0
	for i := range n {
		sum += math.Pow(float64(i+1), -1.1)
	}
	table, acc := make([]uint16, 0, size), 0.0
	for i := range n {
		acc += math.Pow(float64(i+1), -1.1)
		for len(table) < int(math.Round(acc/sum*size)) {
			table = append(table, uint16(i))
		}
	}
	return table
}

// minutes gives a table that turns a uniform index into a minute of the day: quiet at four in the morning, busiest in
// the evening.
func minutes() []uint16 {
	var table []uint16
	for m := range 1440 {
		for range int(math.Round(busyAt(float64(m)/60) * 20)) {
			table = append(table, uint16(m))
		}
	}
	return table
}

func busyAt(hour float64) float64 {
	return 1.15 - math.Cos((hour-4)/24*2*math.Pi) + 0.35*math.Exp(-(hour-21)*(hour-21)/6)
}

// mix is a bijection of the 64-bit numbers that scatters neighbours.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
