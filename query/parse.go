package query

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall"
)

// ParseValues reads the parameters of GET /api/v1/query. Lists are separated by commas or repetition, and a comma
// within a value is written \, . Errors are *BadRequest.
func ParseValues(v url.Values) (*Request, error) {
	return parse(itemsOf(v))
}

func itemsOf(v url.Values) map[string][]string {
	items := make(map[string][]string, len(v))
	for name, given := range v {
		for _, text := range given {
			items[name] = append(items[name], splitList(text)...)
		}
	}
	return items
}

// ParseJSON reads the body of POST /api/v1/query: an object with the same names; a list may be a text with commas or
// an array, whose elements are taken as they are. Errors are *BadRequest.
func ParseJSON(body []byte) (*Request, error) {
	var object map[string]jsontext.Value
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, bad("body", []string{`{"from":"2026-11-01","metrics":["active_users"]}`}, "not a JSON object: %v", err)
	}
	items := make(map[string][]string, len(object))
	for name, value := range object {
		list, ok := jsonItems(value)
		if !ok {
			return nil, bad(name, []string{"a text", "a number", "true or false", "an array of these"}, "is %s", value)
		}
		items[name] = list
	}
	return parse(items)
}

func jsonItems(value jsontext.Value) (list []string, ok bool) {
	if value.Kind() != '[' {
		text, ok := jsonText(value)
		if value.Kind() != '"' {
			return []string{text}, ok
		}
		return splitList(text), ok
	}
	var elements []jsontext.Value
	if json.Unmarshal(value, &elements) != nil {
		return nil, false
	}
	for _, e := range elements {
		text, ok := jsonText(e)
		if !ok {
			return nil, false
		}
		list = append(list, text)
	}
	return list, true
}

func jsonText(value jsontext.Value) (text string, ok bool) {
	switch value.Kind() {
	case '"':
		return text, json.Unmarshal(value, &text) == nil
	case '0', 't', 'f':
		return string(value), true
	default:
		return "", false
	}
}

// splitList cuts at commas; a backslash takes the comma or backslash after it literally.
func splitList(text string) []string {
	var list []string
	var item strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			item.WriteByte(text[i])
		case c == ',':
			list = append(list, item.String())
			item.Reset()
		default:
			item.WriteByte(c)
		}
	}
	return append(list, item.String())
}

func parse(items map[string][]string) (*Request, error) {
	r := &Request{Grain: rollcall.Day, Metrics: defaultMetrics, Format: "json"}
	for _, name := range slices.Sorted(maps.Keys(items)) {
		list := items[name]
		if f, ok := filterNamed(name, list); ok {
			r.Filters = append(r.Filters, f)
			continue
		}
		if err := r.set(name, list); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// filterNamed reads a parameter filter.<dimension> or filter.<dimension>!; not ok for any other.
func filterNamed(name string, list []string) (f Filter, ok bool) {
	dimension, ok := strings.CutPrefix(name, "filter.")
	dimension, not := strings.CutSuffix(dimension, "!")
	return Filter{dimension, not, list}, ok
}

// set reads one parameter. One that is there but empty counts as not given.
func (r *Request) set(name string, list []string) (err error) {
	if !slices.Contains(parameters, name) {
		return bad(name, parameters, "unknown parameter")
	}
	if len(list) == 0 || len(list) == 1 && list[0] == "" {
		return nil
	}
	switch name {
	case "metrics":
		r.Metrics = list
		return checkMetrics(list)
	case "group_by":
		r.GroupBy = list
		return checkTwice(name, list)
	case "order":
		r.Order = parseOrder(list)
		return nil
	}
	if len(list) > 1 {
		return bad(name, nil, "takes one value, not %d", len(list))
	}
	return r.setOne(name, list[0])
}

func (r *Request) setOne(name, text string) (err error) {
	switch name {
	case "from":
		r.From = text
	case "to":
		r.To = text
	case "grain":
		if r.Grain, err = rollcall.ParseGrain(text); err != nil {
			return bad(name, grains, "unknown grain %q", text)
		}
	case "limit":
		if r.Limit, err = strconv.Atoi(text); err != nil || r.Limit <= 0 {
			return bad(name, []string{"a whole number from 1"}, "is %q", text)
		}
	case "fill":
		if r.Fill = text == "zero"; !r.Fill {
			return bad(name, []string{"zero"}, "is %q", text)
		}
	case "compare":
		if r.Compare = text; !slices.Contains(comparisons, text) {
			return bad(name, comparisons, "unknown comparison %q", text)
		}
	case "everything_else":
		if r.EverythingElse = text == "true"; !r.EverythingElse && text != "false" {
			return bad(name, []string{"true", "false"}, "is %q", text)
		}
	case "format":
		if r.Format = text; !slices.Contains(formats, text) {
			return bad(name, formats, "unknown format %q", text)
		}
	}
	return nil
}

func checkMetrics(list []string) error {
	for _, name := range list {
		if _, ok := metricNamed(name); !ok {
			return bad("metrics", MetricNames(), "unknown metric %q", name)
		}
	}
	return checkTwice("metrics", list)
}

func checkTwice(param string, list []string) error {
	for i, name := range list {
		if slices.Contains(list[:i], name) {
			return bad(param, nil, "names %q twice", name)
		}
	}
	return nil
}

func parseOrder(list []string) []Order {
	orders := make([]Order, len(list))
	for i, text := range list {
		column, minus := strings.CutPrefix(text, "-")
		column, desc := strings.CutSuffix(column, ":desc")
		orders[i] = Order{Column: column, Desc: minus || desc}
	}
	return orders
}
