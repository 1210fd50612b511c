package redisaddr

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestParseAddr(t *testing.T) {
	one := []string{"h:6379"}
	for s, want := range map[string]Addr{
		"h":                           {Hosts: one},
		"h:7000":                      {Hosts: []string{"h:7000"}},
		"[::1]":                       {Hosts: []string{"[::1]:6379"}},
		"[::1]:7000":                  {Hosts: []string{"[::1]:7000"}},
		"h,i:7000":                    {Hosts: []string{"h:6379", "i:7000"}, Cluster: true},
		"redis://h":                   {Hosts: one},
		"redis://h/":                  {Hosts: one},
		"redis://h/3":                 {Hosts: one, DB: 3},
		"redis://u:p%40@h":            {Hosts: one, Username: "u", Password: "p@"},
		"redis://:p@q@h":              {Hosts: one, Password: "p@q"},
		"rediss://u@h":                {Hosts: one, Username: "u", TLS: true},
		"redis-cluster://h":           {Hosts: one, Cluster: true},
		"rediss-cluster://h,i":        {Hosts: []string{"h:6379", "i:6379"}, Cluster: true, TLS: true},
		"redis-sentinel://:p@h,i:7/m": {Hosts: []string{"h:26379", "i:7"}, Password: "p", Master: "m"},
		"rediss-sentinel://h/m/2":     {Hosts: []string{"h:26379"}, Master: "m", DB: 2, TLS: true},
	} {
		a, err := Parse(s)
		if err != nil || !reflect.DeepEqual(a, want) {
			t.Errorf("%s: %+v, %v", s, a, err)
		}
	}
}

func TestParseAddrRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":                             "host 1 of 1",
		"h,":                           "host 2 of 2",
		"h:0":                          "port of 1 to 65535",
		"h:65536":                      "port of 1 to 65535",
		"h:x":                          "port of 1 to 65535",
		"::1":                          "[ipv6]:port",
		"http://h":                     "unknown scheme",
		"redis-x://h":                  "unknown scheme",
		"redis://u:secret:h":           "host 1 of 1",
		"redis://u:sec/ret@h":          "percent-encoded",
		"redis://u:sec?ret@h":          "percent-encoded",
		"redis://u:%zz@h":              "write % as %25",
		"redis://h/x":                  "number of a database",
		"redis://h/1/2":                "number of a database",
		"redis-cluster://h/1":          "Cluster has only that",
		"redis-sentinel://h":           "name of the master",
		strings.Repeat("h", 4097):      "at most 4096",
		strings.Repeat("h,", 64) + "h": "at most 64",
	} {
		if _, err := Parse(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", s, err, want)
		}
	}
}

// No input panics, what is taken is taken again from its String, and neither it nor an error shows the password.
func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"redis://SECRET@h:1/2", "redis://u:SECRET@h", "redis-sentinel://:SECRET@a,b:2/m/3", "rediss-cluster://SECRET", "a:1,b:2", "[::1%SECRET]:1", "redis://%53ECRET:x@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			if strings.Contains(err.Error(), "SECRET") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := Parse(a.String())
		user, password := a.Username, a.Password
		a.Username, a.Password = "", ""
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("%q is %+v, but its String %s is %+v, %v", s, a, a, again, err)
		}
		a.Username, a.Password = user, password
		hideable := "redis://" + url.QueryEscape(user) + ":" + url.PathEscape("SECRET"+password) + "@h"
		if b, err := Parse(hideable); err == nil && strings.Contains(b.String(), "SECRET") {
			t.Fatalf("String shows the password: %s", b)
		}
	})
}
