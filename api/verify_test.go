package api

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// One verification is under way at a time; it tells how far it is and ends with its client.
func TestVerifyOneAtATime(t *testing.T) {
	begun, ended, goOn := make(chan struct{}, 2), make(chan error, 2), make(chan struct{})
	s := full(func(c *Config) {
		c.Verify = &Verify{Ask: func(*VerifyRequest) (func(context.Context, func(float64)) (any, error), error) {
			return func(ctx context.Context, tell func(float64)) (any, error) {
				tell(0.25)
				begun <- struct{}{}
				select {
				case <-goOn:
				case <-ctx.Done():
				}
				ended <- ctx.Err()
				return state{Failed: "no"}, ctx.Err()
			}, nil
		}}
	})
	server := httptest.NewServer(s.handler())
	defer server.Close()
	post := func(ctx context.Context) *http.Response {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/api/v1/verify", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := post(ctx)
	<-begun
	second := post(t.Context())
	second.Body.Close()
	if second.StatusCode != http.StatusConflict || second.Header.Get("Retry-After") == "" {
		t.Errorf("a second one: %s", second.Status)
	}
	for lines := bufio.NewScanner(first.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), "0.25") {
			break
		}
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("it went on without its client")
	}
	first.Body.Close()
	close(goOn)
	for third := post(t.Context()); ; third = post(t.Context()) {
		text, err := io.ReadAll(third.Body)
		third.Body.Close()
		if third.StatusCode == http.StatusConflict {
			continue // the first one has not quite gone
		}
		if err != nil || !strings.HasSuffix(string(text), "{\"report\":{\"shards\":null,\"failed\":\"no\"}}\n") && !strings.Contains(string(text), `"failed":"no"`) {
			t.Errorf("%v: %s", err, text)
		}
		return
	}
}

func TestVerifyWantsAKey(t *testing.T) {
	h := full(func(c *Config) { c.Allowed = func(http.Header) int { return http.StatusUnauthorized } }).handler()
	if w := do(h, "POST", "/api/v1/verify", "{}"); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}
