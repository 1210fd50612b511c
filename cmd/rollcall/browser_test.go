package main

import (
	"io"
	"os"
	"slices"
	"testing"
)

func TestBrowserOf(t *testing.T) {
	for _, c := range []struct {
		system string
		screen bool
		want   []string
	}{
		{"darwin", false, []string{"open"}}, {"windows", false, []string{"rundll32", "url.dll,FileProtocolHandler"}},
		{"linux", true, []string{"xdg-open"}}, {"linux", false, nil}, {"freebsd", true, []string{"xdg-open"}},
	} {
		if got := browserOf(c.system, c.screen); !slices.Equal(got, c.want) {
			t.Errorf("%s, screen %t: %q, want %q", c.system, c.screen, got, c.want)
		}
	}
}

// Nobody sits before a file or a buffer.
func TestAtTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if atTerminal(&world{out: io.Discard}) || atTerminal(&world{out: f}) {
		t.Error("a terminal where there is none")
	}
}
