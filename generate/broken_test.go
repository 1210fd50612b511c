package generate

import (
	"bytes"
	"testing"
	"time"

	"rollcall"
	"rollcall/decode"
)

// Every broken line is refused, for a dozen reasons but one, which two of them share.
func TestBrokenIsRefused(t *testing.T) {
	d, err := decode.New(decode.Config{Dimensions: Dimensions(), Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for i := range int64(2 * brokenKinds) {
		lines = Broken(lines, i, 1_795_854_000_000)
	}
	reasons, n := map[decode.Reason]bool{}, 0
	err = d.Stream(bytes.NewReader(lines), decode.NDJSON, func(_ int, raw []byte, _ *rollcall.Event, rej *decode.Reject) error {
		if n++; rej == nil {
			t.Errorf("%s is accepted", raw)
		} else {
			reasons[rej.Reason] = true
		}
		return nil
	})
	if err != nil || n != 2*brokenKinds || len(reasons) != brokenKinds-1 {
		t.Errorf("%d lines, %d reasons, %v", n, len(reasons), err)
	}
}
