package decode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"rollcall"
)

// reference decodes one record by the book: a strict tokenizer, maps, and no concern for time.
type reference struct {
	cfg    Config
	values map[string]refValue
}

type refValue struct {
	kind jsontext.Kind // '"', '0', 't', 'f', 'n' or '{' for objects and arrays
	text string
}

var errSyntax = errors.New("syntax") // any of invalid_json, invalid_utf8, not_an_object

func (r *reference) input(name string) string {
	if mapped, ok := r.cfg.Fields[name]; ok {
		return mapped
	}
	return name
}

// scan fills values, or gives the reason against it.
func (r *reference) scan(record []byte) (Reason, error) {
	known := map[string]bool{}
	for _, name := range append(FieldNames(), r.cfg.Dimensions...) {
		known[r.input(name)] = true
	}
	r.values = map[string]refValue{}
	tokens := jsontext.NewDecoder(bytes.NewBuffer(record), jsontext.AllowDuplicateNames(true))
	if tok, err := tokens.ReadToken(); err != nil || tok.Kind() != '{' {
		return "", errSyntax
	}
	for count := 1; tokens.PeekKind() != '}'; count++ {
		tok, err := tokens.ReadToken()
		if err != nil {
			return "", errSyntax
		}
		name := tok.String()
		if count > maxFields {
			return TooManyFields, nil
		}
		if _, twice := r.values[name]; twice && known[name] {
			return DuplicateField, nil
		}
		v, reason, err := r.value(tokens)
		if reason != "" || err != nil {
			return reason, err
		}
		r.values[name] = v
	}
	if _, err := tokens.ReadToken(); err != nil {
		return "", errSyntax
	}
	if _, err := tokens.ReadToken(); err != io.EOF {
		return "", errSyntax
	}
	return "", nil
}

func (r *reference) value(tokens *jsontext.Decoder) (refValue, Reason, error) {
	for first := (refValue{}); ; {
		tok, err := tokens.ReadToken()
		if err != nil {
			return first, "", errSyntax
		}
		if first.kind == 0 {
			first = refValue{tok.Kind(), tok.String()}
			if first.kind == '[' {
				first.kind = '{'
			}
		}
		if tokens.StackDepth() > maxDepth {
			return first, TooDeep, nil
		}
		if tokens.StackDepth() == 1 {
			return first, "", nil
		}
	}
}

func (r *reference) get(name string) (refValue, bool) {
	v, ok := r.values[r.input(name)]
	return v, ok && v.kind != 'n' && (v.kind != '"' || v.text != "")
}

func (r *reference) text(name string, limit int) ([]byte, Reason) {
	v, _ := r.get(name)
	switch {
	case v.kind == '{':
		return nil, WrongType
	case v.kind == 'n':
		return nil, ""
	case len(v.text) > limit:
		return nil, ValueTooLong
	}
	return []byte(v.text), ""
}

// event gives the event or the reason against it.
func (r *reference) event(record []byte, ev *rollcall.Event) (Reason, error) {
	if len(record) > DefaultMaxLine {
		return LineTooLong, nil
	}
	if reason, err := r.scan(record); reason != "" || err != nil {
		return reason, err
	}
	ev.Reset(len(r.cfg.Dimensions))
	if !r.record(ev) {
		return InvalidSessionRecord, nil
	}
	user, ok := r.get("user_id")
	switch {
	case !ok && !ev.Record:
		return MissingUserID, nil
	case ok && user.kind != '"' && (user.kind != '0' || strings.ContainsAny(user.text, ".eE")):
		return WrongType, nil
	case ok && len(user.text) > rollcall.MaxUserID:
		return UserIDTooLong, nil
	case ok:
		ev.User = []byte(user.text)
	}
	if reason := r.time(ev); reason != "" {
		return reason, nil
	}
	var reason Reason
	take := func(name string, limit int, to *[]byte) {
		if reason == "" {
			*to, reason = r.text(name, limit)
		}
	}
	take("event_id", rollcall.MaxEventID, &ev.ID)
	take("session_id", rollcall.MaxSessionID, &ev.Session)
	take("type", rollcall.MaxType, &ev.Type)
	for i, name := range r.cfg.Dimensions {
		take(name, rollcall.MaxDimension, &ev.Dims[i])
	}
	return reason, nil
}

func (r *reference) time(ev *rollcall.Event) Reason {
	v, ok := r.get("time")
	if !ok {
		if v, ok = r.get("event_date"); !ok {
			return MissingTime
		}
		if v.kind != '"' {
			return WrongType
		}
		date, err := rollcall.ParseDate(v.text)
		if err != nil {
			return InvalidTime
		}
		v.text = date.String()
	}
	if v.kind != '"' && v.kind != '0' {
		return WrongType
	}
	var err error
	if ev.Time, err = ParseTime([]byte(v.text), r.cfg.Location); errors.Is(err, ErrTimeRange) {
		return TimeOutOfRange
	} else if err != nil {
		return InvalidTime
	}
	return ""
}

func (r *reference) record(ev *rollcall.Event) bool {
	d, hasDuration := r.get("session_duration")
	b, hasBounce := r.get("is_bounce")
	if !hasDuration && !hasBounce {
		return true
	}
	if !hasDuration || !hasBounce || d.kind != '0' && d.kind != '"' {
		return false
	}
	if end, ok := scanNumber([]byte(d.text), 0); !ok || end != len(d.text) {
		return false
	}
	s := refNumber(d.text)
	ms := s.Mul(s, big.NewRat(1000, 1))
	if ms.Sign() < 0 {
		return false
	}
	half := new(big.Rat).Add(ms, big.NewRat(1, 2))
	whole := new(big.Int).Div(half.Num(), half.Denom())
	if !whole.IsInt64() || whole.Int64() > maxDuration {
		return false
	}
	var ok bool
	ev.Record, ev.Duration = true, whole.Int64()
	if ev.Bounce, ok = refTruth(b); !ok {
		return false
	}
	if n, has := r.get("is_new_user"); has {
		ev.NewUser, ok = refTruth(n)
	}
	return ok
}

// refNumber gives a number's value; exponents beyond any that matters are drawn in, to spare memory.
func refNumber(s string) *big.Rat {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	e, _ := new(big.Int).SetString("0"+strings.TrimPrefix(strings.TrimPrefix(exponent, "+"), "-"), 10)
	limit := int64(len(s) + 400)
	if !e.IsInt64() || e.Int64() > limit {
		e.SetInt64(limit)
	}
	if strings.HasPrefix(exponent, "-") {
		e.Neg(e)
	}
	r, _ := new(big.Rat).SetString(mantissa + "e" + e.String())
	return r
}

func refTruth(v refValue) (yes, ok bool) {
	if v.kind == '{' {
		return false, false
	}
	switch strings.ToLower(v.text) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// agree checks the Decoder against the reference.
func agree(t interface{ Fatalf(string, ...any) }, d *Decoder, cfg Config, record []byte) {
	var got, want rollcall.Event
	rej := d.Event(record, &got)
	ref := reference{cfg: cfg}
	reason, err := ref.event(record, &want)
	accepted := reason == "" && err == nil
	switch {
	case accepted != (rej == nil):
		t.Fatalf("%q: got %v, want %q %v", record, rej, reason, err)
	case accepted && show(&got) != show(&want):
		t.Fatalf("%q:\n got %s\nwant %s", record, show(&got), show(&want))
	case !accepted && class(rej.Reason) != class(reason):
		t.Fatalf("%q: got %v, want %q %v", record, rej, reason, err)
	}
}

// class puts the faults of form together: which of several comes first depends on how far a parser looks ahead.
func class(r Reason) Reason {
	switch r {
	case InvalidJSON, InvalidUTF8, NotAnObject, TooDeep, TooManyFields, DuplicateField:
		return ""
	}
	return r
}

var sharedConfig = Config{
	Dimensions: []string{"campaign_id", "type", "국가"}, Location: seoul,
	Fields: map[string]string{"time": "ts", "session_id": "campaign_id"},
}

func FuzzEvent(f *testing.F) {
	for _, c := range eventCases {
		f.Add([]byte(c.in))
	}
	d, shared := newDecoder(f, testConfig), newDecoder(f, sharedConfig)
	f.Fuzz(func(t *testing.T, record []byte) {
		agree(t, d, testConfig, record)
		agree(t, shared, sharedConfig, record)
	})
}

// drawRecord makes a record of known and unknown fields, then perhaps damages it.
func drawRecord(t *rapid.T) []byte {
	names := append(FieldNames(), "campaign_id", "age_group", "x", "ts", "국가", "")
	values := rapid.SampledFrom([]string{
		`null`, `true`, `false`, `0`, `1`, `-1.5e3`, `1793534400.25`, `""`, `"a"`, `"1"`, `"true"`, `"2026-11-01"`, `"2026-11-01T10:00:00+09:00"`,
		`"2026-11-01 01:02:03"`, `{}`, `[]`, `{"a":[1,"b",{"c":null}]}`, `"\u00e9\ud83d\ude00"`, `"여름 캠페인"`, `"a long text of some forty characters or so"`, "\"\xff\"", `"\ud800"`,
	})
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 12).Draw(t, "names") {
		if i > 0 {
			b.WriteByte(',')
		}
		quoted, _ := json.Marshal(name)
		b.Write(quoted)
		b.WriteString(rapid.SampledFrom([]string{":", " : ", ":\n"}).Draw(t, "colon"))
		b.WriteString(values.Draw(t, "value"))
	}
	b.WriteByte('}')
	return damage(t, b.Bytes())
}

func damage(t *rapid.T, b []byte) []byte {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "damage") {
		at := rng.IntN(len(b))
		switch rng.IntN(3) {
		case 0:
			const odd = "\"\\{}[]:,0e-. \n\x00\xff"
			b[at] = odd[rng.IntN(len(odd))]
		case 1:
			b = append(b[:at], b[at+1:]...)
		case 2:
			b = b[:at+1]
		}
		if len(b) == 0 {
			break
		}
	}
	return b
}

func TestEventAgreesWithReference(t *testing.T) {
	d, shared := newDecoder(t, testConfig), newDecoder(t, sharedConfig)
	rapid.Check(t, func(t *rapid.T) {
		record := drawRecord(t)
		agree(t, d, testConfig, record)
		agree(t, shared, sharedConfig, record)
	})
}

// The first marked byte of special is the first special one.
func TestSpecial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.SampledFrom([]byte("\x00\x1f !\"#[\\]az\x7f\x80\xa2\xdc\xff")), 8, 40).Draw(t, "b")
		want := -1
		for i, c := range b {
			if c == '"' || c == '\\' || c < ' ' || c >= 0x80 {
				want = i
				break
			}
		}
		d := &Decoder{}
		text, end := d.quoted(append([]byte{'"'}, append(b, '"')...), 0)
		if want < 0 && (end != len(b)+2 || !bytes.Equal(text, b)) || want >= 0 && b[want] == '"' && (end != want+2 || !bytes.Equal(text, b[:want])) {
			t.Fatalf("%q: %q, %d; want %d", b, text, end, want)
		}
	})
}

func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var table names
		want := map[string]uint8{}
		for _, name := range rapid.SliceOfN(rapid.StringMatching(`[ab]{0,3}[a-c]{0,20}`), 0, maxInputs).Draw(t, "names") {
			n := table.add(name)
			if before, ok := want[name]; ok && n != before || !ok && int(n) != len(want) {
				t.Fatalf("%q is number %d", name, n)
			}
			want[name] = n
		}
		for _, name := range rapid.SliceOfN(rapid.StringMatching(`[ab]{0,3}[a-c]{0,20}`), 0, 50).Draw(t, "others") {
			if n, ok := want[name]; table.find([]byte(name)) != int(n) && ok || !ok && table.find([]byte(name)) != -1 {
				t.Fatalf("%q found as %d", name, table.find([]byte(name)))
			}
		}
	})
}
