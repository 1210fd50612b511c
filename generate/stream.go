package generate

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"rollcall"
)

const (
	minuteMS = int64(time.Minute / time.Millisecond)
	dayMS    = 1440 * minuteMS
)

// Stream gives the events of a history in order of arrival.
type Stream struct {
	cfg    Config
	texts  texts
	draw   drawer
	day    int   // the day to plan next
	drawn  int64 // events planned so far
	total  float64
	weight float64 // of the days planned so far

	queue    queue // of the day that is given out, and those that arrive later
	user, id []byte
}

// New makes the stream of cfg.
func New(cfg Config) (*Stream, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Stream{cfg: cfg, texts: newTexts(&cfg), draw: newDrawer(&cfg)}
	for d := range cfg.Days {
		s.total += s.dayWeight(d)
	}
	return s, nil
}

// Next writes the next event into ev and tells whether there was one. The event is valid until the next call.
func (s *Stream) Next(ev *rollcall.Event) bool {
	for s.queue.empty() {
		if s.day > s.cfg.Days {
			return false
		}
		s.plan()
	}
	it := s.queue.take()
	s.texts.fill(ev, it, traitsOf(it.user))
	s.user = appendUser(s.user[:0], it.user)
	s.id = appendID(s.id[:0], s.cfg.Seed, it.seq)
	ev.User, ev.ID = s.user, s.id
	return true
}

func (s *Stream) dayStart(day int) int64 {
	return s.cfg.Until.UnixMilli() - int64(s.cfg.Days-day)*dayMS
}

// dayWeight is how busy a day is, relative to others.
func (s *Stream) dayWeight(day int) float64 {
	week := [7]float64{1.02, 1.00, 1.01, 1.03, 1.06, 0.90, 0.84} // from Monday
	weekday := (int(time.UnixMilli(s.dayStart(day)).UTC().Weekday()) + 6) % 7
	return week[weekday] * s.grown(day)
}

// grown is the part of the population that has joined by the end of a day.
func (s *Stream) grown(day int) float64 {
	return 0.55 + 0.45*float64(day+1)/float64(s.cfg.Days)
}

// plan draws the sessions of the next day and puts what arrives in it in order. The day after the last one holds what
// is still on its way.
func (s *Stream) plan() {
	start := s.dayStart(s.day)
	s.queue.drop()
	end := int64(math.MaxInt64)
	if s.day < s.cfg.Days {
		end = start + dayMS
		s.weight += s.dayWeight(s.day)
		until := int64(s.weight / s.total * float64(s.cfg.Events))
		if s.day == s.cfg.Days-1 {
			until = s.cfg.Events
		}
		s.sessions(start, int(s.grown(s.day)*float64(s.cfg.Users))+1, until)
	}
	s.queue.line(start, end)
	s.day++
}

// sessions draws visits of one day until the stream has drawn until events.
func (s *Stream) sessions(start int64, population int, until int64) {
	for s.drawn < until {
		user := s.draw.user(min(population, s.cfg.Users))
		for range 1 + s.draw.rng.Uint64()&1 {
			s.session(start, user, until)
		}
	}
}

func (s *Stream) session(start int64, user uint32, until int64) {
	n := min(s.draw.length(), until-s.drawn)
	from := len(s.queue.items)
	campaign, device := s.draw.campaign(), deviceOf(s.draw.rng.Uint64()%100)
	at := s.draw.startIn(start)
	for i := range n {
		kind := uint8(pageView)
		if i > 0 {
			at += s.draw.gap()
			kind = kindOf(s.draw.rng.Uint64() % 100)
		}
		s.queue.items = append(s.queue.items, item{due: at, time: at, seq: uint64(s.drawn + i), user: user,
			campaign: campaign, device: device, kind: kind})
	}
	s.drawn += n
	s.settle(from, at)
}

// settle moves a session that would outlast the history into it, and lets some events be late or come twice.
func (s *Stream) settle(from int, last int64) {
	shift := max(0, last-s.cfg.Until.UnixMilli()+1)
	for i := from; i < len(s.queue.items); i++ {
		it := &s.queue.items[i]
		it.time = max(it.time-shift, s.dayStart(0))
		it.due = it.time
	}
	s.queue.scatter(from, &s.draw, s.cfg.Late, s.cfg.Duplicates)
}

// drawer draws the numbers of the model.
type drawer struct {
	rng     *rand.Rand
	zipf    []uint16
	minutes []uint16
}

func newDrawer(cfg *Config) drawer {
	return drawer{rand.New(rand.NewPCG(cfg.Seed, 0x726f6c6c63616c6c)), zipf(cfg.Campaigns), minutes()}
}

// user prefers those who joined early.
func (d *drawer) user(population int) uint32 {
	f := d.rng.Float64()
	return uint32(float64(population) * f * (0.6 + 0.4*f))
}

func (d *drawer) campaign() uint16 { return d.zipf[d.rng.Uint64()%uint64(len(d.zipf))] }

// length is the number of events of a session: one in 35 of 100, else two and more with a mean of 4.5.
func (d *drawer) length() int64 {
	if d.rng.Uint64()%100 < 35 {
		return 1
	}
	return d.more()
}

// more is the number of events of a session that does not bounce.
func (d *drawer) more() int64 { return min(2+int64(d.rng.ExpFloat64()*2.5+0.5), 60) }

// gap is the time between neighbours of a session in ms, always below 25 minutes.
func (d *drawer) gap() int64 {
	return min(500+int64(d.rng.ExpFloat64()*130_000), 25*minuteMS-1)
}

// startIn gives the start of a session in the 24 hours from start on.
func (d *drawer) startIn(start int64) int64 {
	r := d.rng.Uint64()
	ofDay := int64(d.minutes[r%uint64(len(d.minutes))])*minuteMS + int64(r>>32)%minuteMS
	first := ((start % dayMS) + dayMS) % dayMS
	return start + (ofDay-first+dayMS)%dayMS
}

func appendUser(dst []byte, user uint32) []byte {
	return appendNumber(dst, uint64(user))
}

func appendNumber(dst []byte, user uint64) []byte {
	return strconv.AppendUint(append(dst, 'u'), user+1, 10)
}

// appendID gives 16 hexadecimal digits, different for every seq of a seed.
func appendID(dst []byte, seed, seq uint64) []byte {
	const digits = "0123456789abcdef"
	x := mix(seq ^ mix(seed))
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[x>>shift&15])
	}
	return dst
}
