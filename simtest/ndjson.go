package simtest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"rollcall"
)

// ReadNDJSON reads events from a gzipped file of JSON objects whose fields are texts, with RFC 3339 times, as the log
// would hold them when it received all of them at one instant.
func ReadNDJSON(path string, dimensions []string, received time.Time) ([]Logged, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return readLines(unzipped, dimensions, received.UnixMilli())
}

func readLines(r io.Reader, dimensions []string, received int64) ([]Logged, error) {
	var events []Logged
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := map[string]string{}
		if err := json.Unmarshal(lines.Bytes(), &fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
		}
		t, err := time.Parse(time.RFC3339, fields["time"])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(events)+1, err)
		}
		e := rollcall.Event{
			User: []byte(fields["user_id"]), ID: []byte(fields["event_id"]),
			Session: []byte(fields["session_id"]), Type: []byte(fields["type"]), Time: t.UnixMilli(),
		}
		for _, name := range dimensions {
			e.Dims = append(e.Dims, []byte(fields[name]))
		}
		events = append(events, Logged{e, received})
	}
	return events, lines.Err()
}
