package generate

import (
	"fmt"
	"math"
	"time"
)

// campaign is what a Story knows of a campaign; an event has no more than its name.
type campaign struct {
	name        string
	from, to    float64 // its time, in ms; what was begun fades away after it
	ramp, decay float64 // ms until its height, and from there until 1/e of it; 0 for one that keeps it
	brings      float64 // new users at its height, relative to those who come by themselves
	recalls     float64 // visits of users at its height, likewise
	bounces     float64 // part of its visits that have a single event
	ages        mixture
	countries   mixture
	devices     mixture
	keen        [2][]float64 // how willingly each age group, and each country, follows it, from 0 to 1
}

// strength is how much of its height a campaign has at an instant.
func (c *campaign) strength(at float64) float64 {
	if at < c.from || at > c.to+3*fade {
		return 0
	}
	s := min(1, (at-c.from)/c.ramp)
	if c.decay > 0 && at > c.from+c.ramp {
		s *= math.Exp(-(at - c.from - c.ramp) / c.decay)
	}
	if at > c.to {
		s *= math.Exp(-(at - c.to) / fade)
	}
	return s
}

// fade is how long links of a campaign that is over are still followed, until 1/e is left.
const fade = 0.4 * float64(dayMS)

// Who comes by himself, in the order of the words of newTexts.
var (
	usualAges      = shares{6, 20, 27, 19, 13, 9, 6}
	usualCountries = shares{8, 16, 5, 25, 4, 3, 15, 13, 2, 2, 4, 3}
	usualDevices   = shares{62, 31, 7}
)

// aim is to whom a campaign speaks: factors on the usual shares; nil changes nothing.
type aim struct{ ages, countries, devices shares }

// season is a part of a story's time, and what a campaign does in it.
type season struct {
	name                     string
	from, to                 float64 // parts of the story's length
	ramp, decay              float64 // days; see campaign
	brings, recalls, bounces float64
	aim
}

const always = 1e6

// seasons lists the campaigns of a story, in the order of their beginning. Those that reach beyond 1 still run when its
// history ends.
func seasons(part string) []season {
	return []season{
		{"", 0, always, 0.01, 0, 1, 1, 0.41, aim{}},
		{"brand_search", 0, always, 0.01, 0, 0.35, 0.12, 0.33, aim{devices: shares{0.8, 1.5, 1}}},
		{"generic_search", 0, always, 2, 0, 0.45, 0.05, 0.52, aim{devices: shares{1, 1.2, 1}}},
		{"launch_week", 0, 0.11, 0.2, 5, 6, 0.3, 0.45, aim{ages: shares{1, 1.7, 1.4, 1, 0.7, 0.5, 0.3}}},
		{"welcome_mail", 0.02, always, 3, 0, 0, 0.15, 0.29, aim{ages: shares{0.4, 0.7, 1, 1.2, 1.3, 1.3, 1.2}, devices: shares{0.7, 1.7, 1}}},
		{"influencer_mia", 0.16, 0.24, 0.1, 2, 2.2, 0.15, 0.66,
			aim{ages: shares{4, 2.5, 0.8, 0.2, 0.1, 0.05, 0.05}, devices: shares{1.5, 0.1, 0.3}}},
		{"podcast_ads", 0.22, 0.52, 4, 0, 0.35, 0.03, 0.27,
			aim{ages: shares{0.1, 0.7, 1.6, 1.9, 0.9, 0.4, 0.2}, countries: shares{1: 2.2, 3: 0.4, 6: 2}}},
		{"retargeting", 0.2, always, 5, 0, 0.02, 0.22, 0.55, aim{devices: shares{1, 0.9, 1.6}}},
		{"student_discount", 0.3, 0.44, 1.5, 9, 0.8, 0.12, 0.38, aim{ages: shares{1.2, 4, 0.7, 0.1, 0.05, 0.05, 0.02}}},
		{"tv_spot_de", 0.37, 0.45, 0.2, 4, 1.5, 0.1, 0.6,
			aim{ages: shares{0.3, 0.4, 0.7, 1.2, 2, 2.2, 2.5}, countries: shares{3: 7}, devices: shares{0.7, 0.7, 4}}},
		{part + "_sale", 0.5, 0.6, 0.3, 6, 1.4, 0.6, 0.31, aim{ages: shares{0.5, 1, 1.2, 1.3, 1.2, 1, 0.7}}},
		{"banner_ads", 0.46, 0.7, 3, 0, 0.9, 0.05, 0.79,
			aim{ages: shares{0.8, 0.8, 0.8, 1, 1.4, 1.8, 2}, devices: shares{1, 0.6, 2.5}}},
		{"seoul_popup", 0.56, 0.67, 1, 0, 0.7, 0.08, 0.41, aim{ages: shares{1.5, 2, 1.2, 0.6, 0.3, 0.2, 0.1}, countries: shares{0: 30, 2: 5}}},
		{"refer_a_friend", 0.62, 1.4, 9, 0, 0.6, 0.12, 0.22, aim{ages: shares{1.2, 1.6, 1.3, 0.8, 0.5, 0.4, 0.3}}},
		{"video_ads", 0.78, 1.2, 2, 0, 0.7, 0.06, 0.61,
			aim{ages: shares{1.8, 1.5, 1, 0.7, 0.5, 0.4, 0.3}, countries: shares{4: 4, 5: 5, 8: 5, 9: 4, 10: 4}, devices: shares{1.4, 0.3, 0.7}}},
		{"gift_guide", 0.93, 1.1, 4, 0, 0.5, 0.35, 0.34, aim{ages: shares{0.3, 0.6, 1, 1.4, 1.6, 1.4, 1}, devices: shares{0.8, 1.4, 1.3}}},
	}
}

// campaignsOf gives the campaigns of a story: its seasons, and a newsletter every second Tuesday until a year after it.
func campaignsOf(start, end int64) []campaign {
	from, length := float64(start), float64(end-start)
	var all []campaign
	quarter := [4]string{"winter", "spring", "summer", "autumn"}[int(time.UnixMilli(start+(end-start)/2).UTC().Month())%12/3]
	for _, s := range seasons(quarter) {
		all = append(all, s.campaign(from+s.from*length, from+s.to*length))
	}
	for at := start + 9*60*minuteMS; at < end+365*dayMS; at += dayMS {
		day := time.UnixMilli(at).UTC()
		if _, week := day.ISOWeek(); day.Weekday() == time.Tuesday && week%2 == 1 {
			letter := season{fmt.Sprintf("newsletter_w%02d", week), 0, 0, 0.05, 0.6, 0.02, 1.1, 0.3, aim{ages: shares{0.1, 0.5, 1, 1.4, 1.6, 1.5, 1.2}, devices: shares{0.6, 2, 1}}}
			all = append(all, letter.campaign(float64(at), float64(at+5*dayMS)))
		}
	}
	return all
}

func (s *season) campaign(from, to float64) campaign {
	c := campaign{name: s.name, from: from, to: to, ramp: s.ramp * float64(dayMS), decay: s.decay * float64(dayMS),
		brings: s.brings, recalls: s.recalls, bounces: s.bounces,
		ages: usualAges.lean(s.ages).mixture(), countries: usualCountries.lean(s.countries).mixture(), devices: usualDevices.lean(s.devices).mixture()}
	c.keen = [2][]float64{usualAges.willing(s.ages), usualCountries.willing(s.countries)}
	return c
}
