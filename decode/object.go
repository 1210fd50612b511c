package decode

// kind is the type of a value in the input.
type kind uint8

const (
	null kind = iota
	text
	number
	boolean
	composite // object or array
)

// value is a field's value: the decoded text of a string, or the JSON text of a number or boolean.
type value struct {
	text []byte
	kind kind
}

// object scans the JSON object at the start of b, which may have space before it, and keeps the values of the known
// fields. It gives the index behind the object, or the first fault.
func (d *Decoder) object(b []byte) (int, *Reject) {
	d.seen, d.arena = 0, d.arena[:0]
	i := space(b, 0)
	if i >= len(b) || b[i] != '{' {
		return 0, d.noObject(b, i)
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for count := 1; ; count++ {
		input, next := d.field(b, i, count)
		if next < 0 {
			return 0, &d.rej
		}
		if count > maxFields {
			return 0, d.refuse(TooManyFields, "", "an object may have 256 fields")
		}
		if input >= 0 {
			if d.seen>>input&1 != 0 {
				return 0, d.refuse(DuplicateField, d.names.list[input], "stands twice")
			}
			d.seen |= 1 << input
		}
		v, next := d.value(b, next, 1)
		if next < 0 {
			return 0, &d.rej
		}
		if input >= 0 {
			d.values[input] = v
		}
		i = space(b, next)
		if i < len(b) && b[i] == ',' {
			i = space(b, i+1)
			continue
		}
		if i < len(b) && b[i] == '}' {
			return i + 1, nil
		}
		return 0, d.malformed(b, i, "',' or '}'")
	}
}

// noObject refuses what begins at b[i] for not being an object.
func (d *Decoder) noObject(b []byte, i int) *Reject {
	if i < len(b) {
		if _, next := d.value(b, i, 0); next < 0 {
			return &d.rej
		} else if next = space(b, next); next == len(b) {
			return d.refuse(NotAnObject, "", "a record is a JSON object")
		}
	}
	return d.malformed(b, i, "'{'")
}

// field reads the name and colon of the count-th field, and gives its input, -1 for one that is unknown, and the index of
// the value; -1 when refused. Where the record before had the same bytes, it need not look at them again.
func (d *Decoder) field(b []byte, i, count int) (input, next int) {
	guess := &d.guesses[count%len(d.guesses)]
	if end := i + int(guess.size); end < len(b) && string(b[i:end]) == string(guess.text[:guess.size]) && guess.size > 0 {
		return int(guess.input), space(b, end)
	}
	name, next := d.name(b, i)
	if next < 0 {
		return 0, next
	}
	input = d.names.find(name)
	if next-i <= len(guess.text) {
		guess.size, guess.input = uint8(copy(guess.text[:], b[i:next])), int8(input)
	}
	return input, next
}

// guess is how a field's name and colon were written in the record before, and which input it is.
type guess struct {
	text  [30]byte
	size  uint8
	input int8
}

// name reads a field name and its colon, and gives the index of the value; -1 when refused.
func (d *Decoder) name(b []byte, i int) ([]byte, int) {
	if i >= len(b) || b[i] != '"' {
		return nil, d.bad(b, i, "a field name")
	}
	name, i := d.quoted(b, i)
	if i < 0 {
		return nil, -1
	}
	if i = space(b, i); i >= len(b) || b[i] != ':' {
		return nil, d.bad(b, i, "':'")
	}
	return name, space(b, i+1)
}

// value reads the value at b[i] inside depth levels of nesting, and gives the index behind it; -1 when refused.
func (d *Decoder) value(b []byte, i, depth int) (value, int) {
	if i >= len(b) {
		return value{}, d.bad(b, i, "a value")
	}
	switch b[i] {
	case '"':
		s, next := d.quoted(b, i)
		return value{s, text}, next
	case '{', '[':
		return value{nil, composite}, d.nested(b, i, depth+1)
	case 't':
		return d.literal(b, i, "true", boolean)
	case 'f':
		return d.literal(b, i, "false", boolean)
	case 'n':
		return d.literal(b, i, "null", null)
	}
	end, ok := scanNumber(b, i)
	if !ok {
		return value{}, d.bad(b, end, "a value")
	}
	return value{b[i:end:end], number}, end
}

func (d *Decoder) literal(b []byte, i int, want string, k kind) (value, int) {
	end := i + len(want)
	if end > len(b) || string(b[i:end]) != want {
		return value{}, d.bad(b, i, "a value")
	}
	return value{b[i:end:end], k}, end
}

// nested checks the object or array at b[i], which is the depth-th level, and gives the index behind it; -1 when refused.
func (d *Decoder) nested(b []byte, i, depth int) int {
	if depth > maxDepth {
		_ = d.refuse(TooDeep, "", "more than 32 levels of nesting")
		return -1
	}
	object, closing := b[i] == '{', b[i]+2 // '{'+2 is '}', '['+2 is ']'
	i = space(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1
	}
	for {
		if object {
			if _, i = d.name(b, i); i < 0 {
				return -1
			}
		}
		if _, i = d.value(b, i, depth); i < 0 {
			return -1
		}
		i = space(b, i)
		if i < len(b) && b[i] == ',' {
			i = space(b, i+1)
			continue
		}
		if i < len(b) && b[i] == closing {
			return i + 1
		}
		return d.bad(b, i, "',' or the closing bracket")
	}
}

// scanNumber reads the number at b[i] by the grammar of JSON. It gives the index behind it, or of what is wrong.
func scanNumber(b []byte, i int) (int, bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	start := i
	if i = digits(b, i); i == start || b[start] == '0' && i > start+1 {
		return start, false
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = digits(b, start); i == start {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = digits(b, start); i == start {
			return i, false
		}
	}
	return i, true
}

// digits gives the index of the first byte from i on that is no digit.
func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// space gives the index of the first byte from i on that is no JSON white space.
func space(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r') }
