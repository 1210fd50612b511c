package decode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks, by its high bit, the first byte of w that is a quote, a backslash, a control character or not ASCII.
// Bytes above the first marked one may be marked wrongly.
func special(w uint64) uint64 {
	quote, slash := w^'"'*ones, w^'\\'*ones
	return ((quote - ones) | (slash - ones) | (w - ' '*ones) | w) & highs
}

// quoted reads the string whose opening quote is b[i]. It gives its text and the index behind it; -1 when refused.
func (d *Decoder) quoted(b []byte, i int) ([]byte, int) {
	start := i + 1
	for i = start; i+8 <= len(b); i += 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			i += bits.TrailingZeros64(m) >> 3
			if b[i] == '"' {
				return b[start:i:i], i + 1
			}
			return d.unusual(b, start, i)
		}
	}
	return d.unusual(b, start, i)
}

// unusual goes on from b[i] with a string that holds escapes or more than ASCII, or that ends close to b's end.
func (d *Decoder) unusual(b []byte, start, i int) ([]byte, int) {
	escaped := false
	for ; i < len(b) && b[i] != '"'; i++ {
		if b[i] == '\\' {
			escaped = true
			i++
		} else if b[i] < ' ' {
			return nil, d.bad(b, i, "a character or its escape")
		}
	}
	if i >= len(b) {
		return nil, d.bad(b, i, "the closing quote")
	}
	if escaped {
		return d.unescape(b, start-1, i+1)
	}
	if !utf8.Valid(b[start:i]) {
		return nil, d.invalidUTF8()
	}
	return b[start:i:i], i + 1
}

// unescape decodes the string literal b[start:end] into the arena.
func (d *Decoder) unescape(b []byte, start, end int) ([]byte, int) {
	n := len(d.arena)
	arena, err := jsontext.AppendUnquote(d.arena, b[start:end])
	if err == nil {
		d.arena = arena
		return arena[n:len(arena):len(arena)], end
	}
	if jsontext.Value(b[start:end]).IsValid(jsontext.AllowInvalidUTF8(true)) {
		return nil, d.invalidUTF8()
	}
	return nil, d.bad(b, start, "a string with valid escapes")
}

func (d *Decoder) invalidUTF8() int {
	_ = d.refuse(InvalidUTF8, "", "text is UTF-8, and surrogates come in pairs")
	return -1
}
