package sqlsource

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

type kind uint8

const (
	text kind = iota
	integer
	decimal
	floating
	binary
	bits
	date
	datetime
	timestamp
	document // JSON
	choice   // ENUM, SET: ordered by number, shown as text
)

// column is one of the table.
type column struct {
	name     string
	typ      string // as the server writes it
	kind     kind
	unsigned bool
	nullable bool
}

// kindOf tells the kind of a type by its name in the catalogue.
func kindOf(dataType string) kind {
	switch strings.ToLower(dataType) {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint", "year":
		return integer
	case "decimal", "numeric":
		return decimal
	case "float", "double", "real":
		return floating
	case "bit":
		return bits
	case "date":
		return date
	case "datetime":
		return datetime
	case "timestamp":
		return timestamp
	case "json":
		return document
	case "enum", "set":
		return choice
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "time", "uuid", "inet4", "inet6":
		return text
	default:
		return binary
	}
}

// ordered tells whether the column can be part of a keyset: compared exactly with a value that was read.
func (c *column) ordered() bool {
	return !slices.Contains([]kind{floating, bits, document, choice}, c.kind) && !strings.Contains(strings.ToLower(c.typ), "text")
}

// isTime tells whether the column can be walked by.
func (c *column) isTime() bool {
	return slices.Contains([]kind{date, datetime, timestamp, integer, decimal}, c.kind)
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// placeholder stands for a value of the column in a comparison that an index can serve.
func (c *column) placeholder() string {
	if c.kind == decimal { // text would be compared as floating point
		digits, _, _ := strings.Cut(strings.ToLower(c.typ), ")")
		if _, digits, ok := strings.Cut(digits, "("); ok {
			return "CAST(? AS DECIMAL(" + digits + "))"
		}
	}
	return "?"
}

// argument turns the text of a value, as key gives it, into what the driver takes.
func (c *column) argument(s string) (any, error) {
	switch {
	case c.kind == integer && c.unsigned:
		return strconv.ParseUint(s, 10, 64)
	case c.kind == integer:
		return strconv.ParseInt(s, 10, 64)
	case c.kind == binary:
		return hex.DecodeString(s)
	default:
		return s, nil
	}
}

// key is the text of a value in a cursor or an event id.
func (c *column) key(raw []byte) string {
	if c.kind == binary {
		return hex.EncodeToString(raw)
	}
	return string(raw)
}

// appendJSON appends a value, not NULL, as JSON: text in quotes whatever the type, which the decoder reads as it reads
// the number; bytes in hex; a JSON document as it is.
func (c *column) appendJSON(b, raw []byte) []byte {
	switch c.kind {
	case binary:
		b = append(b, '"')
		b = hex.AppendEncode(b, raw)
		return append(b, '"')
	case bits:
		n := uint64(0)
		for _, x := range raw {
			n = n<<8 | uint64(x)
		}
		b = append(b, '"')
		b = strconv.AppendUint(b, n, 10)
		return append(b, '"')
	case timestamp:
		b = append(b, '"')
		b = append(b, raw...)
		return append(b, 'Z', '"')
	case document:
		if v := jsontext.Value(raw); v.IsValid() && !slices.Contains(raw, '\n') {
			return append(b, raw...)
		}
	}
	return appendText(b, raw)
}

// appendText appends a JSON string. The server has sent valid UTF-8; anything else is replaced.
func appendText(b, raw []byte) []byte {
	b, _ = jsontext.AppendQuote(b, raw)
	return b
}
