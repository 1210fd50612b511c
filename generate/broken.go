package generate

import (
	"strconv"
	"strings"
	"time"
)

// brokenKinds is how many ways to be broken Broken has.
const brokenKinds = 12

// Broken adds a line to dst that no intake accepts, as producers send them, each of a dozen in turn broken in another way.
func Broken(dst []byte, number, now int64) []byte {
	id := strconv.FormatInt(1000+number*37%9000, 10)
	at := time.UnixMilli(now).UTC().Format(time.RFC3339)
	line := [brokenKinds]string{
		`{"time":"` + at + `","type":"page_view","campaign_id":"brand_search"}`,
		`{"user_id":"u` + id + `","time":"yesterday","type":"click"}`,
		`{"user_id":"u` + id + `","time":"` + at + `","type":"page_v`,
		`{"user_id":"` + strings.Repeat("session-of-a-crawler-", 15) + id + `","time":"` + at + `"}`,
		`<html><body>502 Bad Gateway</body></html>`,
		`{"user_id":"u` + id + `","type":"purchase","device":"mobile"}`,
		`{"user_id":"u` + id + `","user_id":"u` + id + `","time":"` + at + `"}`,
		`["u` + id + `","` + at + `","page_view"]`,
		`{"user_id":"u` + id + `","time":99999999999999999999999}`,
		`{"user_id":{"id":"u` + id + `"},"time":"` + at + `"}`,
		"{\"user_id\":\"u" + id + "\",\"time\":\"" + at + "\",\"type\":\"\xff\xfe\"}",
		`{"user_id":"u` + id + `","time":"` + at + `","session_duration":"long","is_bounce":true}`,
	}[number%brokenKinds]
	return append(append(dst, line...), '\n')
}
