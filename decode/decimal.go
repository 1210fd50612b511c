package decode

// decimal is a number read exactly: m × 10^exp, and a little more than m when inexact is set.
type decimal struct {
	m       uint64
	exp     int
	neg     bool
	inexact bool
}

const (
	maxDigits   = 1e18    // mantissas below it take one more digit
	maxWhole    = 1e19    // whole parts stay below it
	maxExponent = 1 << 21 // larger ones say nothing more
)

// parseDecimal reads s, a number by the grammar of JSON.
func parseDecimal(s []byte) (decimal, bool) {
	if end, ok := scanNumber(s, 0); !ok || end < len(s) {
		return decimal{}, false
	}
	d := decimal{}
	if s[0] == '-' {
		d.neg, s = true, s[1:]
	}
	i, fraction := 0, false
	for ; i < len(s) && s[i]|0x20 != 'e'; i++ {
		switch {
		case s[i] == '.':
			fraction = true
			continue
		case d.m < maxDigits:
			d.m = d.m*10 + uint64(s[i]-'0')
		default:
			d.inexact = d.inexact || s[i] != '0'
			d.exp++
		}
		if fraction {
			d.exp--
		}
	}
	if i < len(s) {
		d.exp += exponent(s[i+1:])
	}
	return d, true
}

func exponent(s []byte) int {
	neg := s[0] == '-'
	if neg || s[0] == '+' {
		s = s[1:]
	}
	e := 0
	for _, c := range s {
		e = min(e*10+int(c-'0'), maxExponent)
	}
	if neg {
		return -e
	}
	return e
}

// scale gives the whole part of |d| × 10^shift and what is left: whether anything is, and whether it is a half or more.
// ok is false when the whole part does not stay below maxWhole.
func (d decimal) scale(shift int) (whole uint64, rest, half, ok bool) {
	e := d.exp + shift
	if d.m == 0 {
		return 0, d.inexact, false, true
	}
	whole = d.m
	for ; e > 0; e-- {
		if whole >= maxWhole/10 {
			return 0, false, false, false
		}
		whole *= 10
	}
	if e < -19 {
		return 0, true, false, true
	}
	pow := uint64(1)
	for ; e < 0; e++ {
		pow *= 10
	}
	left := whole % pow
	return whole / pow, left > 0 || d.inexact, left > 0 && left >= pow-left, true
}

// nearest gives d × 10^shift rounded to the nearest integer, halves away from zero.
func (d decimal) nearest(shift int) (int64, bool) {
	whole, _, half, ok := d.scale(shift)
	if half {
		whole++
	}
	return signed(whole, d.neg, ok)
}

// floor gives d × 10^shift rounded down.
func (d decimal) floor(shift int) (int64, bool) {
	whole, rest, _, ok := d.scale(shift)
	if rest && d.neg {
		whole++
	}
	return signed(whole, d.neg, ok)
}

func signed(whole uint64, neg, ok bool) (int64, bool) {
	if !ok || whole >= 1<<62 {
		return 0, false
	}
	if neg {
		return -int64(whole), true
	}
	return int64(whole), true
}
