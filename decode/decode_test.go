package decode

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall"
)

var seoul = mustLoad("Asia/Seoul")

func mustLoad(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

func newDecoder(t testing.TB, cfg Config) *Decoder {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// show writes an event so that two of them can be compared, and a failure be read.
func show(ev *rollcall.Event) string {
	s := fmt.Sprintf("user=%q id=%q session=%q type=%q dims=%q time=%d", ev.User, ev.ID, ev.Session, ev.Type, ev.Dims, ev.Time)
	if ev.Record || ev.Bounce || ev.NewUser || ev.Duration != 0 {
		s += fmt.Sprintf(" record=%t bounce=%t new=%t duration=%d", ev.Record, ev.Bounce, ev.NewUser, ev.Duration)
	}
	return s
}

func showReject(rej *Reject) string { return strings.TrimSpace(string(rej.Reason) + " " + rej.Field) }

var testConfig = Config{Dimensions: []string{"campaign_id", "age_group"}, Location: seoul}

func nest(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func many(fields int) string {
	var b strings.Builder
	for i := range fields {
		fmt.Fprintf(&b, `"f%d":%d,`, i, i)
	}
	return b.String()
}

// eventCases are inputs with what must come of them. They also seed the fuzz tests.
var eventCases = []struct{ in, want string }{
	{`{"user_id":"u","time":1}`, `user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{` { "user_id" : "u" , "time" : 1 } `, `user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"u","time":"2026-11-01T12:00:00.1239Z","event_id":"e","session_id":"s","type":"click","campaign_id":"c","age_group":"20s"}`,
		`user="u" id="e" session="s" type="click" dims=["c" "20s"] time=1793534400123`},
	{`{"user_id":42,"time":"1793534400","event_id":7,"session_id":1.5,"type":true,"campaign_id":false,"age_group":-2e3}`,
		`user="42" id="7" session="1.5" type="true" dims=["false" "-2e3"] time=1793534400000`},
	{`{"user_id":"u","time":1,"event_id":null,"session_id":"","type":null,"campaign_id":null,"age_group":""}`,
		`user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user\u005fid":"\ud83d\ude00\n\u0000","time":1,"campaign_id":"여름","age_group":"\"\\\/"}`,
		`user="😀\n\x00" id="" session="" type="" dims=["여름" "\"\\/"] time=1000`},
	{`{"user_id":"u","time":1,"x":{"a":[1,{"b":null}],"c":"\u00e9"},"y":[],"z":{},"x":[true,false,-0.5E+3]}`,
		`user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"u","time":1,"x":` + nest(31) + `}`, `user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"u","time":1,"x":` + nest(32) + `}`, `too_deep`},
	{`{` + many(254) + `"user_id":"u","time":1}`, `user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{` + many(255) + `"user_id":"u","time":1}`, `too_many_fields`},
	{`{"user_id":"` + strings.Repeat("u", 256) + `","time":1}`, `user="` + strings.Repeat("u", 256) + `" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"` + strings.Repeat("u", 257) + `","time":1}`, `user_id_too_long user_id`},
	{`{"user_id":"u","time":1,"event_id":"` + strings.Repeat("e", 257) + `"}`, `value_too_long event_id`},
	{`{"user_id":"u","time":1,"session_id":"` + strings.Repeat("e", 257) + `"}`, `value_too_long session_id`},
	{`{"user_id":"u","time":1,"type":"` + strings.Repeat("e", 129) + `"}`, `value_too_long type`},
	{`{"user_id":"u","time":1,"age_group":"` + strings.Repeat("e", 1025) + `"}`, `value_too_long age_group`},

	{``, `invalid_json`}, {` `, `invalid_json`}, {`{`, `invalid_json`}, {`{"`, `invalid_json`}, {`{"user_id`, `invalid_json`},
	{`{"user_id"}`, `invalid_json`}, {`{"user_id":}`, `invalid_json`}, {`{"user_id":"u",}`, `invalid_json`},
	{`{,"user_id":"u"}`, `invalid_json`}, {`{"user_id":"u" "time":1}`, `invalid_json`}, {`{user_id:"u"}`, `invalid_json`},
	{`{'user_id':'u'}`, `invalid_json`}, {`{"user_id":"u","time":1}}`, `invalid_json`}, {`{"user_id":"u","time":1} x`, `invalid_json`},
	{`{"user_id":"u","time":1}{"user_id":"u","time":1}`, `invalid_json`}, {`{"user_id":"u","time":01}`, `invalid_json`},
	{`{"user_id":"u","time":+1}`, `invalid_json`}, {`{"user_id":"u","time":1.}`, `invalid_json`}, {`{"user_id":"u","time":.5}`, `invalid_json`},
	{`{"user_id":"u","time":1e}`, `invalid_json`}, {`{"user_id":"u","time":-}`, `invalid_json`}, {`{"user_id":"u","time":NaN}`, `invalid_json`},
	{`{"user_id":"u","time":tru}`, `invalid_json`}, {`{"user_id":"u","time":truex}`, `invalid_json`}, {`{"user_id":"u","time":1,"x":[1,]}`, `invalid_json`},
	{`{"user_id":"u","time":1,"x":[1}`, `invalid_json`}, {`{"user_id":"u","time":1,"x":{"a"}}`, `invalid_json`}, {`{"user_id":"u","time":1,"x":[`, `invalid_json`},
	{"{\"user_id\":\"a\nb\",\"time\":1}", `invalid_json`}, {"{\"user_id\":\"a\x00b\",\"time\":1}", `invalid_json`}, {`{"user_id":"\x","time":1}`, `invalid_json`},
	{`{"user_id":"\u12g4","time":1}`, `invalid_json`}, {`{"user_id":"abcdefgh\`, `invalid_json`}, {`{"user_id":"abcdefgh\"`, `invalid_json`},
	{"{\"user_id\":\"u\",\"time\":1,\"x\":\"\xff\"}", `invalid_utf8`}, {"{\"user_id\":\"\xc0\x80\",\"time\":1}", `invalid_utf8`},
	{"{\"user_id\":\"\xed\xa0\x80\",\"time\":1}", `invalid_utf8`}, {`{"user_id":"\ud800","time":1}`, `invalid_utf8`},
	{`{"user_id":"\ud800\u0041","time":1}`, `invalid_utf8`}, {`{"user_id":"\udc00\ud800","time":1}`, `invalid_utf8`},
	{"{\"user_id\":\"\\n\xff\",\"time\":1}", `invalid_utf8`}, {"{\"\xff\":1}", `invalid_utf8`},
	{`[]`, `not_an_object`}, {`"u"`, `not_an_object`}, {`1`, `not_an_object`}, {`null`, `not_an_object`}, {`nul`, `invalid_json`}, {`hello`, `invalid_json`},
	{`{"user_id":"u","user_id":"u","time":1}`, `duplicate_field user_id`}, {`{"time":null,"user_id":"u","time":1}`, `duplicate_field time`},
	{`{"user_id":"u","time":1,"campaign_id":"a","campaign\u005fid":"b"}`, `duplicate_field campaign_id`},

	{`{}`, `missing_user_id user_id`}, {`{"time":1}`, `missing_user_id user_id`}, {`{"user_id":"","time":1}`, `missing_user_id user_id`},
	{`{"user_id":null,"time":1}`, `missing_user_id user_id`}, {`{"User_ID":"u","time":1}`, `missing_user_id user_id`},
	{`{"user_id":1.5,"time":1}`, `wrong_type user_id`}, {`{"user_id":1e3,"time":1}`, `wrong_type user_id`}, {`{"user_id":true,"time":1}`, `wrong_type user_id`},
	{`{"user_id":["u"],"time":1}`, `wrong_type user_id`}, {`{"user_id":-5,"time":1}`, `user="-5" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"u"}`, `missing_time time`}, {`{"user_id":"u","time":null}`, `missing_time time`}, {`{"user_id":"u","time":""}`, `missing_time time`},
	{`{"user_id":"u","time":"yesterday"}`, `invalid_time time`}, {`{"user_id":"u","time":"2026-02-30"}`, `invalid_time time`},
	{`{"user_id":"u","time":1e300}`, `time_out_of_range time`}, {`{"user_id":"u","time":"0000-01-01T00:00:00Z"}`, `time_out_of_range time`},
	{`{"user_id":"u","time":true}`, `wrong_type time`}, {`{"user_id":"u","time":{}}`, `wrong_type time`},
	{`{"user_id":"u","time":1,"campaign_id":{}}`, `wrong_type campaign_id`}, {`{"user_id":"u","time":1,"event_id":[1]}`, `wrong_type event_id`},

	{`{"user_id":"u","time":1,"session_duration":12.3456,"is_bounce":false}`, `user="u" id="" session="" type="" dims=["" ""] time=1000 record=true bounce=false new=false duration=12346`},
	{`{"time":1,"session_duration":"0","is_bounce":1,"is_new_user":"TRUE"}`, `user="" id="" session="" type="" dims=["" ""] time=1000 record=true bounce=true new=true duration=0`},
	{`{"event_date":"2026-11-01","session_duration":1e2,"is_bounce":"0","is_new_user":0,"campaign_id":"c"}`,
		`user="" id="" session="" type="" dims=["c" ""] time=1793458800000 record=true bounce=false new=false duration=100000`},
	{`{"user_id":"u","event_date":"2026-11-01"}`, `user="u" id="" session="" type="" dims=["" ""] time=1793458800000`},
	{`{"user_id":"u","time":1,"event_date":"nonsense"}`, `user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"u","event_date":"1793458800"}`, `invalid_time event_date`}, {`{"user_id":"u","event_date":20261101}`, `wrong_type event_date`},
	{`{"user_id":"u","event_date":"0001-01-01"}`, `time_out_of_range event_date`},
	{`{"user_id":"u","time":1,"is_new_user":"what"}`, `user="u" id="" session="" type="" dims=["" ""] time=1000`},
	{`{"user_id":"u","time":1,"session_duration":1}`, `invalid_session_record is_bounce`}, {`{"user_id":"u","time":1,"is_bounce":1}`, `invalid_session_record session_duration`},
	{`{"time":1,"session_duration":1,"is_bounce":null}`, `invalid_session_record is_bounce`},
	{`{"time":1,"session_duration":-1,"is_bounce":1}`, `invalid_session_record session_duration`}, {`{"time":1,"session_duration":-0.0,"is_bounce":1}`, `user="" id="" session="" type="" dims=["" ""] time=1000 record=true bounce=true new=false duration=0`},
	{`{"time":1,"session_duration":1e99,"is_bounce":1}`, `invalid_session_record session_duration`}, {`{"time":1,"session_duration":"1s","is_bounce":1}`, `invalid_session_record session_duration`},
	{`{"time":1,"session_duration":true,"is_bounce":1}`, `invalid_session_record session_duration`}, {`{"time":1,"session_duration":1,"is_bounce":2}`, `invalid_session_record is_bounce`},
	{`{"time":1,"session_duration":1,"is_bounce":"yes"}`, `invalid_session_record is_bounce`}, {`{"time":1,"session_duration":1,"is_bounce":[]}`, `invalid_session_record is_bounce`},
	{`{"time":1,"session_duration":1,"is_bounce":1,"is_new_user":2}`, `invalid_session_record is_new_user`}, {`{"session_duration":1,"is_bounce":1}`, `missing_time time`},
}

func TestEvent(t *testing.T) {
	d := newDecoder(t, testConfig)
	for _, c := range eventCases {
		var ev rollcall.Event
		got := ""
		if rej := d.Event([]byte(c.in), &ev); rej != nil {
			got = showReject(rej)
			if rej.Detail == "" || !strings.Contains(rej.Error(), string(rej.Reason)) {
				t.Errorf("%s: no detail in %q", c.in, rej.Error())
			}
		} else {
			got = show(&ev)
		}
		if got != c.want {
			t.Errorf("%.100s:\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func TestMaxLine(t *testing.T) {
	const in = `{"user_id":"u","time":1}`
	var ev rollcall.Event
	if rej := newDecoder(t, Config{MaxLine: len(in)}).Event([]byte(in), &ev); rej != nil {
		t.Error(rej)
	}
	if rej := newDecoder(t, Config{MaxLine: len(in) - 1}).Event([]byte(in), &ev); rej == nil || rej.Reason != LineTooLong {
		t.Errorf("got %v, want %s", rej, LineTooLong)
	}
}

// A name mapped away is an unknown field, and one field of the input can feed several of the event.
func TestFieldMapping(t *testing.T) {
	d := newDecoder(t, Config{
		Dimensions: []string{"type", "event_id", "country"},
		Fields:     map[string]string{"time": "ts", "user_id": "visitor", "country": "geo", "session_id": "visitor"},
	})
	var ev rollcall.Event
	if rej := d.Event([]byte(`{"ts":1,"visitor":"v","type":"click","event_id":"e","geo":"KR","time":[],"country":{},"user_id":{}}`), &ev); rej != nil {
		t.Fatal(rej)
	}
	if got, want := show(&ev), `user="v" id="e" session="v" type="click" dims=["click" "e" "KR"] time=1000`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if rej := d.Event([]byte(`{"visitor":"v","time":1}`), &ev); rej == nil || showReject(rej) != "missing_time ts" {
		t.Errorf("got %v, want the name in the input", rej)
	}
}

func TestNewRefuses(t *testing.T) {
	for want, cfg := range map[string]Config{
		"max line":        {MaxLine: -1},
		"empty or stands": {Dimensions: []string{"a", "a"}},
		"dimension 1":     {Dimensions: []string{""}},
		"at most 16":      {Dimensions: strings.Split("abcdefghijklmnopq", "")},
		"is no field":     {Fields: map[string]string{"user": "u"}},
		"an empty name":   {Fields: map[string]string{"user_id": ""}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", cfg, err, want)
		}
	}
	if _, err := New(Config{Dimensions: strings.Split("abcdefghijklmnop", "")}); err != nil {
		t.Error(err)
	}
}

// What a decoder saw before changes nothing.
func TestEventForgets(t *testing.T) {
	used := newDecoder(t, testConfig)
	for _, before := range eventCases {
		for _, c := range eventCases {
			var ev rollcall.Event
			_ = used.Event([]byte(before.in), &ev)
			rej := used.Event([]byte(c.in), &ev)
			if got := outcome(&ev, rej); got != c.want {
				t.Fatalf("%.100s after %.100s:\n got %s\nwant %s", c.in, before.in, got, c.want)
			}
		}
	}
}

func outcome(ev *rollcall.Event, rej *Reject) string {
	if rej != nil {
		return showReject(rej)
	}
	return show(ev)
}

func TestEventAllocatesNothing(t *testing.T) {
	d := newDecoder(t, testConfig)
	var ev rollcall.Event
	for _, c := range eventCases[:8] {
		in := []byte(c.in)
		if n := testing.AllocsPerRun(100, func() { _ = d.Event(in, &ev) }); n != 0 {
			t.Errorf("%s: %v allocations", c.in, n)
		}
	}
}
