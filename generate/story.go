package generate

import (
	"fmt"
	"time"

	"rollcall"
)

// StoryConfig describes a Story.
type StoryConfig struct {
	Seed       uint64
	Events     int64     // distinct events of the history, about
	Users      int       // people by its end, about; 0 for as many as make so many events by themselves
	Days       int       // length of the history, with the day that it ends in
	Until      time.Time // end of the history
	Dimensions []string  // as in Config
}

// Parts of the events of a Story that arrive late, and twice.
const (
	storyLate       = 0.003
	storyDuplicates = 0.004
)

// Story gives the life of a product that was launched at the beginning of its history, in order of arrival and without
// end: its history is what arrives before Until, and live traffic what arrives from then on.
type Story struct {
	*timeline
	cfg     StoryConfig
	texts   texts
	draw    drawer
	queue   queue
	crowd   crowd
	scale   float64 // new users for each one of the timeline
	loyalty float64 // returning visits, for each one of the timeline
	rate    float64 // events a second; 0 for those of the story itself
	hour    hour
	hourly  int64 // beginning of hour
	planned int64 // everything before it has been drawn
	from    int64 // nothing arrives before it
	seq     uint64

	user, id []byte
}

// NewStory makes the story of cfg.
func NewStory(cfg StoryConfig) (*Story, error) {
	switch {
	case cfg.Days < 2 || cfg.Days > 3650:
		return nil, fmt.Errorf("days: %d: want 2 to 3650", cfg.Days)
	case cfg.Events < 1:
		return nil, fmt.Errorf("events: %d: want 1 or more", cfg.Events)
	}
	base := Config{Seed: cfg.Seed, Users: max(cfg.Users, 1), Days: cfg.Days, Campaigns: 1, Dimensions: cfg.Dimensions}
	if err := base.check(); err != nil {
		return nil, err
	}
	until := cfg.Until.UnixMilli()
	start := cfg.Until.UTC().Truncate(24*time.Hour).UnixMilli() - int64(cfg.Days-1)*dayMS
	s := &Story{timeline: newTimeline(start, until), cfg: cfg, texts: newTexts(&base), draw: newDrawer(&base), planned: start, from: start, hourly: -1}
	s.texts.campaigns = nil
	for i := range s.campaigns {
		s.texts.campaigns = append(s.texts.campaigns, []byte(s.campaigns[i].name))
	}
	return s, s.measure(until)
}

// measure finds how many people there have to be.
func (s *Story) measure(until int64) error {
	joined, first, later := 0.0, 0.0, 0.0
	for at := s.start; at < until; at += hourMS {
		h, part := s.at(at), float64(min(until-at, hourMS))/float64(hourMS)
		joined += h.fresh * part
		first += h.fresh * h.freshN * part
		later += h.again * h.againN * part
	}
	s.scale, s.loyalty = float64(s.cfg.Events)/(first+later), 1
	if s.cfg.Users > 0 {
		s.scale = float64(s.cfg.Users) / joined
		s.loyalty = (float64(s.cfg.Events)/s.scale - first) / later
	}
	if s.loyalty < 0 {
		return fmt.Errorf("users: %d: their first visits alone make more than %d events", s.cfg.Users, s.cfg.Events)
	}
	return nil
}

// Outage gives the time in which no event happened; both are zero in a short history.
func (s *Story) Outage() (from, until time.Time) {
	if s.outage[0] == 0 {
		return from, until
	}
	return time.UnixMilli(s.outage[0]).UTC(), time.UnixMilli(s.outage[1]).UTC()
}

// Users is how many people have come so far.
func (s *Story) Users() int { return len(s.crowd.people) }

// Next writes the next event that arrives before now (Unix ms) into ev and tells whether there was one. The event is valid
// until the next call.
func (s *Story) Next(now int64, ev *rollcall.Event) bool {
	for s.queue.empty() {
		if s.planned >= now {
			return false
		}
		s.plan()
	}
	if s.queue.first().due >= now {
		return false
	}
	it := s.queue.take()
	who := &s.crowd.people[it.user]
	s.texts.fill(ev, it, who.traits)
	s.user = appendNumber(s.user[:0], who.number)
	s.id = appendID(s.id[:0], s.cfg.Seed, it.seq)
	ev.User, ev.ID = s.user, s.id
	return true
}

// Resume leaves out what would have arrived before now and was not asked for. From there on, rate events a second arrive, or
// with 0 as many as the story has by itself; the sessions that go on at that moment have begun before. Ids are others than
// those of an earlier Resume.
func (s *Story) Resume(now int64, rate float64) {
	s.queue.skip(now)
	s.rate, s.from, s.planned = rate, now, max(now-30*minuteMS, s.start)
	s.hourly = -1
	s.seq = uint64(now) << 20
	s.crowd.next = max(s.crowd.next, uint64(max(now-s.start, 0)/1000)*100)
}

// slot is how much is drawn at a time.
const slot = 5 * minuteMS

// plan draws the visits of the next slot.
func (s *Story) plan() {
	s.queue.drop()
	start := s.planned
	s.planned = start - start%slot + slot
	if h := start - start%hourMS; h != s.hourly {
		s.hourly, s.hour = h, s.at(h)
		s.crowd.age(s.day(h), s.stays)
	}
	first, later := s.hour.fresh*s.scale, s.hour.again*s.scale*s.loyalty
	visits := first + later
	if s.rate > 0 {
		visits = s.rate * 3600 * visits / (first*s.hour.freshN + later*s.hour.againN)
	}
	pause := float64(hourMS) / visits
	for at := float64(start) + s.draw.rng.ExpFloat64()*pause; at < float64(s.planned); at += s.draw.rng.ExpFloat64() * pause {
		s.visit(int64(at), s.draw.rng.Float64()*(first+later) < first)
	}
	s.queue.line(start, s.planned)
}

// visit draws a session.
func (s *Story) visit(at int64, first bool) {
	user, campaign := s.visitor(first)
	c, from, n := &s.campaigns[campaign], len(s.queue.items), int64(1)
	if s.draw.rng.Float64() >= c.bounces {
		n = s.draw.more()
	}
	device := s.crowd.people[user].device
	if s.draw.rng.Float64() < 0.25 {
		device = uint8(c.devices.at(s.draw.rng.Float64()))
	}
	for i := range n {
		kind := uint8(pageView)
		if i > 0 {
			at += s.draw.gap()
			kind = kindOf(s.draw.rng.Uint64() % 100)
		}
		if at >= s.from && !s.down(at) {
			s.queue.items = append(s.queue.items, item{due: at, time: at, seq: s.seq, user: user, campaign: uint16(campaign), device: device, kind: kind})
		}
		s.seq++
	}
	s.queue.scatter(from, &s.draw, storyLate, storyDuplicates)
}

// visitor draws who comes by which campaign. Nobody comes back before there is somebody.
func (s *Story) visitor(first bool) (user uint32, campaign int) {
	if first || s.crowd.empty() {
		campaign = s.hour.brings.at(s.draw.rng.Float64())
		return s.crowd.join(s.draw.rng, &s.campaigns[campaign], s.hour.busy), campaign
	}
	campaign = s.hour.recalls.at(s.draw.rng.Float64())
	return s.crowd.back(s.draw.rng, &s.campaigns[campaign], s.hour.busy), campaign
}

// meanMore is the mean of drawer.more.
const meanMore = 4.483
