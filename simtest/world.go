package simtest

import (
	"strconv"
	"time"

	"rollcall"
)

// World is a configuration and the events of a log.
type World struct {
	Config Config
	Events []Logged
	Now    int64    // Unix ms, not before any Received
	Start  int64    // Unix ms, the first instant of the day around which the events lie
	Values []string // the dimension values that occur

	old bool // some events lie a year back
}

// Limits of a world.
const (
	worldDays   = 9
	worldEvents = 100
)

// places are report time zones with a day near which their clocks change.
var places = [...]struct {
	zone  string
	month time.Month
	year  int
	day   int
}{
	{"UTC", time.February, 2024, 25},
	{"Asia/Seoul", time.December, 2025, 28},
	{"Asia/Kolkata", time.December, 2025, 28},
	{"Europe/Berlin", time.March, 2025, 28},
	{"Europe/Berlin", time.October, 2025, 24},
	{"America/New_York", time.March, 2025, 7},
	{"America/New_York", time.October, 2025, 31},
	{"America/Sao_Paulo", time.November, 2018, 2},
	{"America/Sao_Paulo", time.February, 2018, 16},
	{"Asia/Beirut", time.March, 2024, 29},
	{"Africa/Cairo", time.April, 2024, 24},
	{"Australia/Lord_Howe", time.April, 2025, 4},
	{"Australia/Lord_Howe", time.October, 2025, 3},
}

// RandomWorld makes a few users collide around midnights, session gaps and changes of the clocks. With limits, the
// world has retentions or a late horizon, so that the order of arrival matters.
func RandomWorld(d Dice, limits bool) World {
	place := pick(d, places[:]...)
	loc, err := time.LoadLocation(place.zone)
	if err != nil {
		panic(err)
	}
	w := World{
		Config: randomConfig(d, loc, limits),
		Start:  time.Date(place.year, place.month, place.day, 12, 0, 0, 0, loc).UnixMilli(),
		Values: []string{"A", "B", "ä,b", rollcall.NotSet, "", "\u00ff\x00"},
	}
	w.Start = w.Config.StartOf(w.Start, 0)
	w.Config.Earlier = w.RandomRules(d)
	w.old = once(d, 4)
	w.fill(d, d.Intn(worldEvents))
	return w
}

// RecentWorld lies in the days before now, all its events arrive now, and no retention is near: a world for the real
// binary.
func RecentWorld(d Dice, now time.Time) World {
	c := Config{
		Location: now.Location(), Dimensions: []string{"campaign", "age"}, Gap: 30 * time.Minute,
		Passive: []string{"heartbeat"},
	}
	w := World{Config: c, Start: c.StartOf(now.UnixMilli(), -worldDays), Values: []string{"A", "B", "ä,b", rollcall.NotSet, ""}}
	w.fill(d, worldEvents)
	for i := range w.Events {
		w.Events[i].Received = now.UnixMilli()
	}
	w.Now = now.UnixMilli()
	return w
}

func randomConfig(d Dice, loc *time.Location, limits bool) Config {
	c := Config{
		Location:   loc,
		Dimensions: []string{"campaign", "age", "country"}[:d.Intn(4)],
		Gap:        pick(d, 30*time.Minute, 30*time.Minute, time.Minute, 26*time.Hour),
		Passive:    pick(d, nil, []string{"heartbeat"}, []string{"event", "click"}),
		Shards:     1 + d.Intn(3),
	}
	if !limits {
		return c
	}
	c.MinuteRetention = pick(d, 0, 48*time.Hour, time.Hour)
	c.HourRetention = pick(d, 0, 90*24*time.Hour, 5*24*time.Hour)
	if c.HourRetention > 0 && c.MinuteRetention == 0 {
		c.MinuteRetention = c.HourRetention // no minute cells without hour cells
	}
	c.LateHorizon = pick(d, 0, 0, 2*24*time.Hour, 7*24*time.Hour)
	return c
}

// RandomRules are mostly none.
func (w *World) RandomRules(d Dice) (rules []rollcall.Rule) {
	for day := d.Intn(4 * worldDays); day < worldDays && len(rules) < 3; day += 1 + d.Intn(3) {
		rules = append(rules, rollcall.Rule{Until: w.Config.StartOf(w.Start, day), Gap: pick(d, w.Config.Gap, time.Minute, 4*time.Hour, 26*time.Hour), Passive: pick(d, nil, []string{"heartbeat"}, []string{"click"})})
	}
	return rules
}

func (w *World) fill(d Dice, n int) {
	received := w.Start
	for range n {
		e := w.event(d)
		switch d.Intn(4) {
		case 0:
			received = max(received, e.Time)
		case 1:
			received += int64(d.Intn(3)) * w.Config.Gap.Milliseconds()
		}
		w.Events = append(w.Events, Logged{e, received})
	}
	w.Now = received + int64(d.Intn(2))
}

// event makes a new event, or one that leans on an earlier one.
func (w *World) event(d Dice) rollcall.Event {
	if len(w.Events) == 0 || d.Intn(5) == 0 {
		return w.fresh(d)
	}
	e := w.Events[d.Intn(len(w.Events))].Event.Clone()
	if len(e.ID) > 0 && once(d, 5) {
		return w.again(d, e)
	}
	e.Time = w.near(d, e.Time)
	e.ID = w.id(d)
	if once(d, 4) {
		e.Dims = w.dims(d)
	}
	if once(d, 6) {
		e.Type = w.kind(d)
	}
	return e
}

// again sends an id once more, sometimes with other content.
func (w *World) again(d Dice, e rollcall.Event) rollcall.Event {
	switch d.Intn(4) {
	case 0:
		e.Time = w.near(d, e.Time)
	case 1:
		e.Dims = w.dims(d)
	}
	return e
}

func (w *World) fresh(d Dice) rollcall.Event {
	e := rollcall.Event{
		User: []byte("u" + strconv.Itoa(d.Intn(4))),
		ID:   w.id(d),
		Type: w.kind(d),
		Dims: w.dims(d),
		Time: w.moment(d),
	}
	switch d.Intn(10) {
	case 0, 1:
		e.Session = []byte(pick(d, "s1", "s2", "s3"))
	case 2:
		e.Record, e.Bounce, e.NewUser = true, d.Intn(2) == 0, d.Intn(2) == 0
		e.Duration = int64(d.Intn(100_000))
		if d.Intn(2) == 0 {
			e.User = nil
		}
	}
	return e
}

// moment is on or near a midnight, or anywhere in the days of the world.
func (w *World) moment(d Dice) int64 {
	day := w.Config.StartOf(w.Start, d.Intn(worldDays))
	if w.old && once(d, 3) {
		day = w.Config.StartOf(w.Config.local(day).AddDate(-1, 0, 0).UnixMilli(), 0)
	}
	switch d.Intn(4) {
	case 0:
		return day + int64(d.Intn(3)-1)
	case 1:
		return w.near(d, day)
	default:
		return day + int64(d.Intn(24))*3_600_000 + int64(d.Intn(3_600_000))
	}
}

// near is an instant that may or may not belong to the session of another.
func (w *World) near(d Dice, ms int64) int64 {
	gap := w.Config.Gap.Milliseconds()
	step := pick(d, 0, 1, gap/2, gap-1, gap, gap, gap+1, 2*gap)
	if d.Intn(2) == 0 {
		return ms - step
	}
	return ms + step
}

func (w *World) id(d Dice) []byte {
	switch d.Intn(4) {
	case 0:
		return []byte(strconv.Itoa(d.Intn(6)))
	case 1:
		return []byte("e" + strconv.Itoa(len(w.Events)))
	default:
		return nil
	}
}

func (w *World) kind(d Dice) []byte { return []byte(pick(d, "", "event", "click", "heartbeat")) }

func (w *World) dims(d Dice) [][]byte {
	dims := make([][]byte, len(w.Config.Dimensions))
	for i := range dims {
		dims[i] = []byte(pick(d, w.Values...))
	}
	return dims
}
