package generate

import "rollcall"

// Live gives endless traffic of the moment: a crowd of sessions that are open at the same time.
type Live struct {
	cfg   Config
	texts texts
	draw  drawer
	open  []visit
	seq   uint64
	again bool // the last event comes once more

	last     item
	user, id []byte
}

type visit struct {
	user     uint32
	left     int32
	campaign uint16
	device   uint8
	begun    bool
}

// NewLive makes live traffic with about open sessions going on at a time. Of cfg, Events, Days and Until do not count.
func NewLive(cfg Config, open int) (*Live, error) {
	cfg.Days = 1
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l := &Live{cfg: cfg, texts: newTexts(&cfg), draw: newDrawer(&cfg), open: make([]visit, max(open, 1))}
	return l, nil
}

// Next writes an event that happens now (Unix ms) into ev. The event is valid until the next call.
func (l *Live) Next(now int64, ev *rollcall.Event) {
	if l.again {
		l.again = false
	} else {
		l.draw1(now)
		l.again = l.draw.rng.Float64() < l.cfg.Duplicates
	}
	it := &l.last
	l.texts.fill(ev, it, traitsOf(it.user))
	l.user = appendUser(l.user[:0], it.user)
	l.id = appendID(l.id[:0], l.cfg.Seed, it.seq)
	ev.User, ev.ID = l.user, l.id
}

func (l *Live) draw1(now int64) {
	v := &l.open[l.draw.rng.Uint64N(uint64(len(l.open)))]
	if v.left == 0 {
		*v = visit{user: l.draw.user(l.cfg.Users), left: int32(l.draw.length()), campaign: l.draw.campaign(),
			device: deviceOf(l.draw.rng.Uint64() % 100)}
	}
	kind := uint8(pageView)
	if v.begun {
		kind = kindOf(l.draw.rng.Uint64() % 100)
	}
	if l.draw.rng.Float64() < l.cfg.Late {
		now -= int64(l.draw.rng.Uint64N(uint64(2 * dayMS)))
	}
	v.left, v.begun = v.left-1, true
	l.seq++
	l.last = item{time: now, seq: l.seq, user: v.user, campaign: v.campaign, device: v.device, kind: kind}
}
