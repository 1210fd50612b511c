package apptest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"rollcall/simtest"
)

// Object gives an event as a producer would send it. The number chooses among the forms a time may have.
func Object(c *simtest.Config, e *simtest.Logged, number int) ([]byte, error) {
	fields := map[string]any{"time": timeForm(c.Location, e.Time, number)}
	set := func(name string, value []byte) {
		if len(value) > 0 {
			fields[name] = string(value)
		}
	}
	set("user_id", e.User)
	set("event_id", e.ID)
	set("session_id", e.Session)
	set("type", e.Type)
	for i, name := range c.Dimensions {
		set(name, e.Dims[i])
	}
	if e.Record {
		fields["session_duration"] = decimal(e.Duration)
		fields["is_bounce"] = e.Bounce
		fields["is_new_user"] = 0
		if e.NewUser {
			fields["is_new_user"] = 1
		}
	}
	return json.Marshal(fields)
}

// Lines gives events as NDJSON.
func Lines(c *simtest.Config, events []simtest.Logged) ([]byte, error) {
	var body []byte
	for i := range events {
		object, err := Object(c, &events[i], i)
		if err != nil {
			return nil, err
		}
		body = append(append(body, object...), '\n')
	}
	return body, nil
}

func timeForm(loc *time.Location, ms int64, number int) any {
	t := time.UnixMilli(ms)
	switch number % 6 {
	case 0:
		return t.In(loc).Format("2006-01-02T15:04:05.000Z07:00")
	case 1:
		return t.UTC().Format(time.RFC3339Nano)
	case 2:
		return ms
	case 3:
		return decimal(ms)
	case 4:
		return ms * 1000
	default:
		return ms * 1_000_000
	}
}

// decimal gives ms as seconds.
func decimal(ms int64) json.Number {
	return json.Number(strconv.FormatInt(ms/1000, 10) + fmt.Sprintf(".%03d", ms%1000))
}
