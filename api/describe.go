package api

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"rollcall/query"
)

func (s *server) describeReport() object {
	parameters := array{
		parameter("from", "Start of the range; without from and to, the newest 90 days with data.", text("a date or an RFC 3339 instant")),
		parameter("to", "End of the range, not in it.", text("a date or an RFC 3339 instant")),
	}
	for _, d := range s.Engine.Dimensions() {
		parameters = append(parameters, parameter(d, "Count only events with one of these values.", list(text("a value"))))
	}
	rows := list(schema[query.DailyMetric]())
	return object{"summary": "The simple report", "description": "At most 90 days, newest first.", "parameters": parameters,
		"responses": tagged(refused(object{"200": response("The days.", content("application/json", rows,
			array{object{"event_date": "2026-11-01", "dau": 2, "avg_session_duration": 12.5, "bounce_rate": 0.5}}))}, "400", "422", "500", "503"))}
}

// queryParameters lists the parameters of a query, each dimension's filters in the place of their pattern.
func (s *server) queryParameters() (all []query.Parameter) {
	for _, p := range query.Parameters() {
		prefix, not, isFilter := strings.Cut(p.Name, "<dimension>")
		if p.Name == "group_by" {
			p.Values = s.Engine.Dimensions()
		}
		if !isFilter {
			all = append(all, p)
			continue
		}
		for _, d := range s.Engine.Dimensions() {
			p.Name = prefix + d + not
			all = append(all, p)
		}
	}
	return all
}

func valueSchema(p *query.Parameter) object {
	switch {
	case p.Whole:
		return object{"type": "integer", "minimum": 1}
	case len(p.Values) > 0:
		return enum(p.Values)
	default:
		return object{"type": "string"}
	}
}

func (s *server) describeQuery() object {
	parameters := array{}
	for _, p := range s.queryParameters() {
		of := valueSchema(&p)
		if p.List {
			of = list(of)
		}
		parameters = append(parameters, parameter(p.Name, p.Doc, of))
	}
	return object{"summary": "Figures by bucket and group", "parameters": parameters, "responses": s.queryResponses("400", "422", "500", "503")}
}

func (s *server) describeQueryPost() object {
	properties := object{}
	for _, p := range s.queryParameters() {
		of := valueSchema(&p)
		if p.List {
			of = object{"anyOf": array{text("values joined by commas"), list(of)}}
		}
		of["description"] = p.Doc
		properties[p.Name] = of
	}
	body := object{"type": "object", "properties": properties, "additionalProperties": false}
	return object{"summary": "The same question as JSON",
		"requestBody": object{"required": true, "content": content("application/json", body,
			object{"from": "2026-11-01", "metrics": query.DefaultMetrics(), "grain": "day"})},
		"responses": s.queryResponses("400", "413", "422", "500", "503")}
}

// queryResponses describes a reply of each form.
func (s *server) queryResponses(refusals ...string) object {
	forms := object{}
	for _, f := range query.Formats() {
		switch f {
		case "json":
			forms["application/json"] = object{"schema": s.answerSchema()}
		case "csv":
			forms["text/csv"] = object{"schema": text("A header line and the rows, as RFC 4180 has it; null is empty.")}
		case "parquet":
			forms["application/vnd.apache.parquet"] = object{"schema": object{}}
		}
	}
	return tagged(refused(object{"200": response("The rows, and what they are made of.", forms)}, refusals...))
}

// tagged adds the tag and what it is for to the replies of an operation.
func tagged(responses object) object {
	ok, is := responses["200"].(object)
	if is {
		ok["headers"] = object{"ETag": object{"description": "Names the rows; If-None-Match with it gives 304 while they are the same.", "schema": object{"type": "string"}}}
	}
	responses["304"] = response("The rows are those that the client has.", nil)
	return responses
}

// answerSchema is the JSON of a reply. Rows have the dimensions grouped by and the metrics asked for.
func (s *server) answerSchema() object {
	columns := object{"bucket": text("Start of the bucket: a date, or RFC 3339 for minute and hour; total for the whole range.")}
	for _, d := range s.Engine.Dimensions() {
		columns[d] = object{"type": array{"string", "null"}}
	}
	for _, m := range query.MetricNames() {
		columns[m] = object{"type": array{"number", "null"}}
		if query.WholeMetric(m) {
			columns[m] = object{"type": "integer"}
		}
	}
	instant := object{"type": array{"string", "null"}, "format": "date-time"}
	count := object{"type": "integer"}
	return object{"type": "object", "required": array{"rows", "as_of", "complete_through", "late", "duplicates", "exact", "build"},
		"properties": object{"rows": list(object{"type": "object", "properties": columns, "required": array{"bucket"}}),
			"as_of": instant, "complete_through": instant, "late": count, "duplicates": count, "exact": object{"type": "boolean"}, "build": count}}
}

func (s *server) describeDimensions() object {
	names := object{"type": "object", "required": array{"dimensions"}, "properties": object{"dimensions": list(object{"type": "string"})}}
	return object{"summary": "The names of the dimensions", "responses": object{"200": response("The names.", content("application/json", names, nil))}}
}

func (s *server) describeValues() object {
	name := object{"name": "name", "in": "path", "required": true, "description": "A dimension.", "schema": object{"type": "string"}}
	if known := s.Engine.Dimensions(); len(known) > 0 {
		name["schema"] = enum(slices.Clone(known))
	}
	found := object{"type": "object", "required": array{"dimension", "values"},
		"properties": object{"dimension": object{"type": "string"}, "values": list(schema[query.DimensionValue]())}}
	return object{"summary": "The values of a dimension, heaviest first",
		"parameters": array{name, parameter("search", "Only values that contain this, whatever the case.", object{"type": "string"}),
			parameter("limit", "Most values; "+strconv.Itoa(defaultValues)+" unless given.", object{"type": "integer", "minimum": 1, "maximum": maxValues})},
		"responses": refused(object{"200": response("The values, and how many events carried each.", content("application/json", found, nil))}, "400", "500", "503")}
}

func (s *server) describeStatus() object {
	of := object{"type": "object"}
	if s.StatusOf != nil {
		of = schemaOf(reflect.TypeOf(s.StatusOf))
	}
	return object{"summary": "Shards, offsets, lag, freshness, sizes",
		"responses": refused(object{"200": response("The state of the node.", content("application/json", of, nil))}, "500", "503")}
}
