package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"rollcall/decode"
)

// asLines gives a CSV file, or an array of objects, as one JSON object a line, for a server to judge. Names and values
// stay as they are. The reader must be closed.
func asLines(r io.Reader, format decode.Format) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		if format == decode.CSV {
			in.CloseWithError(csvLines(in, r))
		} else {
			in.CloseWithError(arrayLines(in, r))
		}
	}()
	return out
}

func csvLines(w io.Writer, r io.Reader) error {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	first, err := rows.Read()
	if err != nil {
		return fmt.Errorf("csv header: %w", err)
	}
	names := append([]string(nil), first...)
	names[0] = string(bytes.TrimPrefix([]byte(names[0]), []byte("\xef\xbb\xbf")))
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("csv: %w", err)
		}
		object := make(map[string]string, len(row))
		for i, v := range row {
			if v != "" {
				object[names[i]] = v
			}
		}
		if err := out.Encode(object); err != nil {
			return err
		}
	}
}

func arrayLines(w io.Writer, r io.Reader) error {
	in := json.NewDecoder(r)
	if _, err := in.Token(); err != nil {
		return fmt.Errorf("json array: %w", err)
	}
	var line bytes.Buffer
	for in.More() {
		var element json.RawMessage
		if err := in.Decode(&element); err != nil {
			return fmt.Errorf("json array: byte %d: %w", in.InputOffset(), err)
		}
		line.Reset()
		if err := json.Compact(&line, element); err != nil {
			return err
		}
		line.WriteByte('\n')
		if _, err := w.Write(line.Bytes()); err != nil {
			return err
		}
	}
	_, err := in.Token()
	return err
}
