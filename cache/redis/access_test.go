//go:build unix

package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
	"rollcall/redisaddr"
)

const password = "open-sesame/@:%"

func TestPassword(t *testing.T) {
	s := redistest.StartWith(t, redistest.Options{Password: password, Args: []string{"--requirepass", password}})
	s.Do("ACL", "SETUSER", "reader", "on", ">"+password, "~*", "&*", "+@all", "-@dangerous")
	for _, cfg := range []Config{
		{Addr: "redis://:open-sesame%2F%40%3A%25@" + s.Addr},
		{Addr: s.Addr, Password: password},
		{Addr: "redis://reader:open-sesame%2F%40%3A%25@" + s.Addr},
		{Addr: "redis://reader:wrong@" + s.Addr + "/2", Password: password},
	} {
		cfg.Timeout = 10 * time.Second
		c := open(t, cfg)
		blobs := sized(keysOf(3), 30)
		put(t, c, blobs)
		wantBlobs(t, c, keysOf(3), blobs)
		c.Close()
	}
}

// A server that rejects costs nothing, the log says so once, and says nothing secret.
func TestWrongPassword(t *testing.T) {
	s := redistest.StartWith(t, redistest.Options{Password: password, Args: []string{"--requirepass", password}})
	for _, wrong := range []string{"", "wrong-word"} {
		var l logged
		c := openLogged(t, Config{Addr: s.Addr, Password: wrong}, l.logger())
		if took := timed(func() { c.Get(t.Context(), []string{"a"}) }); took > atOnce {
			t.Errorf("a Get took %s", took)
		}
		redistest.Eventually(t, "the reason is logged", func() bool {
			return strings.Contains(l.String(), "NOAUTH") || strings.Contains(l.String(), "WRONGPASS")
		})
		if wrong != "" && strings.Contains(l.String(), wrong) {
			t.Errorf("the log shows the password:\n%s", l.String())
		}
	}
}

func TestErrorsHidePasswords(t *testing.T) {
	l := newLink(redisaddr.Addr{Hosts: []string{"h:1"}, Password: "pass-word"}, &Config{SentinelPassword: "other-word"}, nil)
	defer l.close()
	if text := l.scrub(&net.AddrError{Err: "unknown command, with args: pass-word other-word"}); strings.Contains(text, "-word") {
		t.Error(text)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	trusting := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	s := redistest.StartWith(t, redistest.Options{TLS: trusting, Args: []string{"--port", "0", "--tls-port", "%port", "--tls-auth-clients", "no",
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"), "--tls-ca-cert-file", filepath.Join(dir, "cert.pem")}})
	c := open(t, Config{Addr: "rediss://" + s.Addr, TLS: trusting, Timeout: 10 * time.Second})
	blobs := sized(keysOf(3), 100_000)
	put(t, c, blobs)
	wantBlobs(t, c, keysOf(3), blobs)

	var l logged
	openLogged(t, Config{Addr: "rediss://" + s.Addr}, l.logger())
	redistest.Eventually(t, "an unknown certificate is refused", func() bool { return strings.Contains(l.String(), "certificate") })
}

// certificate writes cert.pem, for 127.0.0.1 and signed by itself, and key.pem.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, content := range map[string][]byte{"cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}
