package main

import (
	"io"
	"strings"
	"testing"

	"rollcall/decode"
)

// A server judges the same names and values that stood in the file.
func TestAsLines(t *testing.T) {
	for _, c := range []struct {
		name   string
		format decode.Format
		in     string
		want   string
		fails  bool
	}{
		{"csv", decode.CSV, "\xef\xbb\xbfuser_id,time,campaign\na,1,\"x,\"\"y\"\"\"\nb,2,\n", `{"campaign":"x,\"y\"","time":"1","user_id":"a"}` + "\n" + `{"time":"2","user_id":"b"}` + "\n", false},
		{"csv cut short", decode.CSV, "user_id,time\na\n", "", true},
		{"array", decode.Array, "[{\"user_id\":1,\n \"time\":2}, {\"a\":[1, 2]}]", `{"user_id":1,"time":2}` + "\n" + `{"a":[1,2]}` + "\n", false},
		{"array cut short", decode.Array, `[{"user_id":1},{"us`, `{"user_id":1}` + "\n", true},
	} {
		r := asLines(strings.NewReader(c.in), c.format)
		got, err := io.ReadAll(r)
		if string(got) != c.want || (err != nil) != c.fails {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
