package apptest

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// What was refused can be looked at over HTTP, byte for byte, by those who may post.
func TestQuarantineOverHTTP(t *testing.T) {
	s := Start(t, binary(t), nil, "--data", filepath.Join(t.TempDir(), "data"), "--api-keys", "right-key")
	right := map[string]string{"Authorization": "Bearer right-key"}
	sent, err := s.Send(http.MethodPost, "/v1/events", nil, right, []byte(`{"time":"never","user_id":"<b>u</b>"}`))
	if err != nil || sent.Status != http.StatusAccepted {
		t.Fatalf("%d %v: %s", sent.Status, err, sent.Body)
	}
	for key, want := range map[string]int{"": http.StatusUnauthorized, "wrong-key": http.StatusForbidden} {
		header := map[string]string{}
		if key != "" {
			header["X-Api-Key"] = key
		}
		if reply, err := s.Send(http.MethodGet, "/api/v1/quarantine", nil, header, nil); err != nil || reply.Status != want || strings.Contains(string(reply.Body), "user_id") {
			t.Errorf("key %q: %d %v", key, reply.Status, err)
		}
	}
	err = s.Until(func() (bool, error) {
		reply, err := s.Send(http.MethodGet, "/api/v1/quarantine", nil, right, nil)
		return err == nil && strings.Contains(string(reply.Body), `"raw":"{\"time\":\"never\",\"user_id\":\"<b>u</b>\"}"`) &&
			strings.Contains(string(reply.Body), `"reasons":[{"reason":"invalid_time","count":1,`), err
	})
	if err != nil {
		t.Error(err)
	}
	err = s.Until(func() (bool, error) { // anyone may know how many there are, and why
		reply, err := s.Send(http.MethodGet, "/api/v1/status", nil, nil, nil)
		return err == nil && strings.Contains(string(reply.Body), `"quarantine":{"total":1,"more":false,"reasons":[{"reason":"invalid_time","count":1}]}`), err
	})
	if err != nil {
		t.Error(err)
	}
	s.Stop(t)
}

// Where there are no keys, everybody may look, as at the figures.
func TestQuarantineWithoutKeys(t *testing.T) {
	s := Start(t, binary(t), nil, "--data", filepath.Join(t.TempDir(), "data"))
	if reply, err := s.Send(http.MethodGet, "/api/v1/quarantine", nil, nil, nil); err != nil || reply.Status != http.StatusOK ||
		!strings.HasPrefix(string(reply.Body), `{"total":0,"more":false,"reasons":[],"letters":[]}`) {
		t.Errorf("%d %v: %s", reply.Status, err, reply.Body)
	}
	s.Stop(t)
}

// Beyond its bound the oldest of the quarantine go, and the server tells how many.
func TestQuarantineIsBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	MustRun(t, binary(t), []byte("{}\n"+strings.Repeat(`{"user_id":"u","time":"never"}`+"\n", 1199)), "import", "-", "--data", dir)
	s := Start(t, binary(t), nil, "--data", dir, "--quarantine-max-letters", "1000")
	err := s.Until(func() (bool, error) {
		reply, err := s.Send(http.MethodGet, "/api/v1/status", nil, nil, nil)
		return err == nil && strings.Contains(string(reply.Body), `"quarantine_dropped_since_start":200,"quarantine":{"total":1000,"more":false,"reasons":[{"reason":"invalid_time","count":1000}]}`), err
	})
	if err != nil {
		t.Error(err)
	}
	if reply, err := s.Send(http.MethodGet, "/metrics", nil, nil, nil); err != nil || !strings.Contains(string(reply.Body), "\nrollcall_quarantine_dropped_total 200\n") {
		t.Error(err)
	}
	s.Stop(t)
}
