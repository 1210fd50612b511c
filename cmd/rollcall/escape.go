package main

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// escaped shows a text of others on a terminal: what can't be seen, or changes what is seen, is written as in Go's texts.
func escaped(s string) string {
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// printable encodes values as JSON, one a line, in which nothing but printable characters stands as it is.
type printable struct{ out io.Writer }

func (p printable) encode(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b.WriteString(unicodeEscape(high) + unicodeEscape(low))
		default:
			b.WriteString(unicodeEscape(r))
		}
	}
	b.WriteByte('\n')
	_, err = io.WriteString(p.out, b.String())
	return err
}

func unicodeEscape(r rune) string { return `\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:] }
