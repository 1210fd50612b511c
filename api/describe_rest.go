package api

func (s *server) describeEvents() object {
	event := object{"type": "object", "description": "One event; fields are named as the server's configuration has them."}
	one := object{"anyOf": array{event, list(event)}}
	rejected := object{"type": "object", "required": array{"index", "reason"}, "properties": object{"index": object{"type": "integer"}, "reason": object{"type": "string"}}}
	taken := object{"type": "object", "required": array{"accepted", "duplicates_possible", "rejected"}, "properties": object{
		"accepted": object{"type": "integer"}, "duplicates_possible": object{"type": "boolean"},
		"rejected": list(rejected), "rejected_total": object{"type": "integer"}}}
	header := func(name, doc string) object {
		return object{"name": name, "in": "header", "description": doc, "schema": object{"type": "string"}}
	}
	return object{"summary": "Take events in", "security": array{object{}, object{"bearer": array{}}, object{"key": array{}}},
		"parameters": array{header("Idempotency-Key", "Names the events without event_id, so that the request may be repeated; at most 200 bytes."),
			header("Content-Encoding", "gzip or zstd.")},
		"requestBody": object{"required": true, "content": object{
			"application/json":     object{"schema": one, "example": object{"user_id": "u1", "time": "2026-11-01T09:00:00Z", "event_id": "e1"}},
			"application/x-ndjson": object{"schema": text("One event a line.")}}},
		"responses": refused(object{"202": response("The accepted events are durable.", content("application/json", taken,
			object{"accepted": 2, "duplicates_possible": false, "rejected": array{}}))}, "400", "401", "403", "413", "415", "429", "503")}
}

const streamDoc = `Server-sent events. A change event has the id <build>-<version> and says which days and hours have changed since
the event before it; reset says that anything may have. A freshness event says how far the figures are complete. Last-Event-ID, or
last_event_id, goes on where a client was.`

func (s *server) describeStream() object {
	last := object{"name": "Last-Event-ID", "in": "header", "description": "The id of the last event seen.", "schema": object{"type": "string"}}
	events := content("text/event-stream", object{"type": "string"},
		"id: 1-42\nevent: change\ndata: {\"version\":42,\"build\":1,\"at\":\"2026-11-01T10:00:00.300Z\",\"as_of\":\"2026-11-01T10:00:00.250Z\",\"complete_through\":\"2026-11-01T10:00:00.300Z\",\"days\":[\"2026-11-01\"],\"hours\":[\"2026-11-01T10:00:00Z\"]}\n\n")
	return object{"summary": "What changes", "description": streamDoc,
		"parameters":     array{last, parameter("last_event_id", "The same, for clients that can't set headers.", object{"type": "string"})},
		"responses":      refused(object{"200": response("Events until the client goes.", events)}, "500", "503"),
		"x-change-event": schema[change](), "x-freshness-event": schema[fresh]()}
}

func (s *server) describeItself() object {
	return object{"summary": "This document", "responses": tagged(object{"200": response("OpenAPI 3.1.",
		content("application/json", object{"type": "object", "required": array{"openapi", "paths"}}, nil))})}
}

func (s *server) describeMeters() object {
	return object{"summary": "Metrics for Prometheus", "responses": object{"200": response("The text format.", content("text/plain", object{"type": "string"}, nil))}}
}

func (s *server) describeHealth() object {
	return object{"summary": "The process is up", "responses": object{"200": response("ok", content("text/plain", object{"type": "string"}, nil))}}
}

func (s *server) describeReady() object {
	why := content("text/plain", object{"type": "string"}, nil)
	return object{"summary": "The node takes events and answers", "responses": object{"200": response("ready", why), "503": response("Why it does not.", why)}}
}
