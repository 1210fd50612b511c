package generate

import (
	"math"
	"time"
)

// hour is what an hour of a story is like.
type hour struct {
	fresh, again   float64 // first visits, and later ones of a population of one new user a day, in the hour
	brings         mixture // campaigns of first visits
	recalls        mixture // of later ones
	freshN, againN float64 // events a visit
	busy           *[12]float64
}

// timeline tells how busy each hour of a story is, before it is known how many people it has.
type timeline struct {
	start, end int64
	campaigns  []campaign
	busy       [24][12]float64 // how busy people of each country are, by the hour of UTC, from 0 to 1
	whole      [24]float64     // how busy all are, 1 on average
	joined     []float64       // first visits of each day
	stays      []float64       // returning visits of a user so many days after the first
	outage     [2]int64        // nobody gets through from, until
}

const hourMS = 60 * minuteMS

// Hours ahead of UTC in each country, in the order of the words of newTexts.
var ahead = shares{9, -6, 9, 1, -3, 5.5, 0, 1, 7, 7, -6, 3}

func newTimeline(start, end int64) *timeline {
	t := &timeline{start: start, end: end, campaigns: campaignsOf(start, end), outage: outageOf(start, end)}
	sum, most := 0.0, 0.0
	for h := range 24 {
		for c, share := range usualCountries {
			b := busyAt(math.Mod(float64(h)+0.5+ahead[c]+24, 24))
			t.busy[h][c], most = b, max(most, b)
			t.whole[h] += share * b
		}
		sum += t.whole[h] / 24
	}
	for h := range 24 {
		t.whole[h] /= sum
		for c := range t.busy[h] {
			t.busy[h][c] /= most
		}
	}
	return t
}

// outageOf is six hours of the afternoon of a Wednesday about a fifth of the history before its end, so that the last 30
// days of 90 show it; a short history has none.
func outageOf(start, end int64) [2]int64 {
	day := start + (end-start)/dayMS*8/10*dayMS
	for time.UnixMilli(day).UTC().Weekday() != time.Wednesday {
		day -= dayMS
	}
	if day < start+dayMS {
		return [2]int64{}
	}
	return [2]int64{day + 14*hourMS, day + 20*hourMS}
}

func (t *timeline) down(at int64) bool { return at >= t.outage[0] && at < t.outage[1] }

func (t *timeline) day(at int64) int { return int((at - t.start) / dayMS) }

// week is how busy the days are, from Monday.
var week = [7]float64{1.04, 1.05, 1.04, 1.02, 0.98, 0.83, 0.79}

// at gives the hour that begins at an instant.
func (t *timeline) at(at int64) hour {
	h := t.flow(at)
	day := t.day(at)
	for d := len(t.joined); d <= day; d++ {
		sum := 0.0
		for i := range int64(24) {
			f := t.flow(t.start + int64(d)*dayMS + i*hourMS)
			sum += f.fresh
		}
		t.joined, t.stays = append(t.joined, sum), append(t.stays, staying(d))
	}
	returning := 0.0
	for d, n := range t.joined[:day+1] {
		returning += n * t.stays[day-d]
	}
	h.again *= returning
	return h
}

// staying is how often a user visits so many days after the first visit.
func staying(days int) float64 {
	if days == 0 {
		return 0.15
	}
	return 0.27 * math.Pow(float64(days), -0.45)
}

// flow is at, with again relative to the visits that the population would pay in a day of its own accord.
func (t *timeline) flow(at int64) hour {
	when := time.UnixMilli(at).UTC()
	h := hour{busy: &t.busy[when.Hour()]}
	for i := range t.campaigns {
		c := &t.campaigns[i]
		s := c.strength(float64(at) + float64(hourMS)/2)
		h.brings, h.recalls = h.brings.and(c.brings*s), h.recalls.and(c.recalls*s)
		events := c.bounces + (1-c.bounces)*meanMore
		h.freshN, h.againN = h.freshN+c.brings*s*events, h.againN+c.recalls*s*events
	}
	h.freshN, h.againN = h.freshN/h.brings.total(), h.againN/h.recalls.total()
	if t.down(at) {
		return h
	}
	now := t.whole[when.Hour()] * week[(int(when.Weekday())+6)%7] / 24
	grown := min(1.2, float64(at-t.start)/float64(t.end-t.start))
	h.fresh, h.again = now*(0.75+0.25*grown)*h.brings.total(), now*h.recalls.total()
	return h
}
