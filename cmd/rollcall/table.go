package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"rollcall/query"
)

// remoteTable prints a JSON reply of a query as a table, with the columns in the order of the reply.
func remoteTable(out io.Writer, body []byte) error {
	var reply struct {
		Rows            []json.RawMessage `json:"rows"`
		AsOf            string            `json:"as_of"`
		CompleteThrough string            `json:"complete_through"`
		Late            int64             `json:"late"`
		Duplicates      int64             `json:"duplicates"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return fmt.Errorf("reply of the server: %w", err)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	for i, row := range reply.Rows {
		names, values, err := columns(row)
		if err != nil {
			return fmt.Errorf("row %d of the reply: %w", i, err)
		}
		if i == 0 {
			printRow(w, names)
		}
		printRow(w, values)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d rows, as of %s, complete through %s, late %d, duplicates %d\n",
		len(reply.Rows), reply.AsOf, reply.CompleteThrough, reply.Late, reply.Duplicates)
	return err
}

func printRow(w io.Writer, cells []string) {
	for _, c := range cells {
		fmt.Fprint(w, c, "\t")
	}
	fmt.Fprintln(w)
}

// shown gives a value of a reply for people.
func shown(column string, value json.Token) string {
	if value == nil {
		return "-"
	}
	if n, ok := value.(json.Number); ok {
		if v, err := n.Float64(); err == nil {
			return query.ShowFigure(column, v)
		}
	}
	return query.Printable(fmt.Sprint(value))
}

// columns gives the names and values of a flat JSON object in their order.
func columns(row []byte) (names, values []string, err error) {
	d := json.NewDecoder(bytes.NewReader(row))
	d.UseNumber()
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		value, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		column := query.Printable(fmt.Sprint(name))
		names, values = append(names, column), append(values, shown(column, value))
	}
	return names, values, nil
}
