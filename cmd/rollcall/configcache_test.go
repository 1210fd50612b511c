package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// writeCA gives a file with a certificate.
func writeCA(t *testing.T) string {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	return writeTemp(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
}

func TestEachProblemOfTheCacheIsNamed(t *testing.T) {
	empty := writeTemp(t, "empty.pem", "no certificate")
	for _, c := range []struct{ flag, value, says string }{
		{"kind", "memcached", `cache.kind: "memcached" is not known here; give memory or redis`},
		{"memory", "1MB", "cache.memory: 1000000 is out of range; give 1048576 to"},
		{"poll", "9ms", "cache.poll: 9ms is out of range; give 10ms to 1m"},
		{"poll", "61s", "cache.poll: 1m1s is out of range"},
		{"poll", "0", "cache.poll: 0 is out of range"},
		{"addr", "redis://u:hush@host:port", "cache.addr: redis address: host 1 of 1 is not host, host:port"},
		{"addr", "rediss-sentinel://:hush@host", "redis-sentinel://host:port/master"},
		{"addr", "http://hush@host", "unknown scheme"},
		{"addr", "", "cache.addr: "},
		{"prefix", "{hush}", `cache.prefix: "{hush}" is no prefix; give 1 to 64 letters`},
		{"prefix", "", "cache.prefix: "},
		{"ttl", "999ms", "cache.ttl: 999ms is out of range; give 1s to 30d"},
		{"timeout", "0", "cache.timeout: 0 is out of range; give 1ms to 10s"},
		{"timeout", "11s", "cache.timeout: 11s is out of range"},
		{"max-value-bytes", "65MiB", "cache.max_value_bytes: 68157440 is out of range; give 1024 to"},
		{"tls-ca", "/no/such/ca.pem", "cache.tls_ca: stat /no/such/ca.pem: no such file or directory; give a file of certificates"},
		{"tls-ca", empty, "holds no certificate; give one"},
		{"tls-ca", t.TempDir(), "is no file of at most"},
	} {
		status, out, _ := invoke(t, nil, "config", "check", "--data", t.TempDir(), "--cache-"+c.flag+"="+c.value)
		if status != wrongUse || !strings.Contains(out, c.says) || strings.Count(out, "\n") != 1 {
			t.Errorf("--cache-%s=%s: %d %s", c.flag, c.value, status, out)
		}
		if c.flag == "addr" && strings.Contains(out, "hush") {
			t.Errorf("a password in %s", out)
		}
	}
}

// Whatever is wrong with a secret or with the file around it, no message repeats it; nor does what is printed.
func TestSecretsAreNotRepeated(t *testing.T) {
	for _, file := range []string{
		"cache: {password: 73737373}", "cache: {password: [h73737373]}", "cache: {password: *h73737373}", "cache: {password: !h73737373 x, kind: y}",
		"cache: {password: \"73737373}", "cache: {addr: 73737373}", "cache: {addr: [73737373]}", "cache: {sentinel_password: 73737373}",
		"api_keys: [73737373]", "api_keys: {a: 73737373}", "73737373", "cache: {addr: \"redis://u:7373/7373@h\"}", "cache: 73737373",
	} {
		status, out, errs := invoke(t, nil, "config", "check", "--data", t.TempDir(), "--config", writeTemp(t, "c.yaml", file))
		if status != wrongUse || strings.Contains(out+errs, "7373") {
			t.Errorf("%s: %d %s%s", file, status, out, errs)
		}
	}
	environ := []string{"ROLLCALL_CACHE_PASSWORD=h73737373", "ROLLCALL_CACHE_SENTINEL_PASSWORD=h73737373", "ROLLCALL_CACHE_ADDR=rediss-sentinel://u7373:7373@h:1,i/m/3"}
	status, out, errs := invoke(t, environ, "config", "print", "--data", t.TempDir())
	if status != done || strings.Contains(out, "7373") || strings.Count(out, "password: (hidden)") != 2 || !strings.Contains(out, "addr: rediss-sentinel://(hidden)@h:1,i/m/3") {
		t.Errorf("%d %s%s", status, out, errs)
	}
}

func TestPrintedAddressHidesUserAndPassword(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scheme := rapid.SampledFrom([]string{"", "redis://", "rediss-cluster://"}).Draw(t, "scheme")
		secret := rapid.StringMatching(`[A-Z@:/%]{1,9}`).Draw(t, "secret")
		a := address(scheme + "u:" + secret + "@host:1")
		if shown, _ := a.plain().(string); strings.Contains(shown, secret+"@") || strings.ContainsAny(shown, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Fatalf("%s: %s", a, shown)
		}
		bare := address(scheme + "host:1")
		if bare.plain() != any(string(bare)) {
			t.Fatal(bare.plain())
		}
	})
}
