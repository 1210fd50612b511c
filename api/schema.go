package api

import (
	"reflect"
	"strings"
	"time"
)

type (
	object = map[string]any
	array  = []any
)

// schemaOf describes how a type is written as JSON.
func schemaOf(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(schemaOf(t.Elem()))
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return object{"type": "string", "format": "date-time"}
		}
		return structSchema(t)
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Interface:
		return object{}
	default:
		return object{"type": "integer"}
	}
}

// structSchema requires the members that are always written.
func structSchema(t reflect.Type) object {
	properties, required := object{}, array{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		properties[name] = schemaOf(f.Type)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required}
}

func nullable(s object) object {
	if kind, ok := s["type"].(string); ok {
		s["type"] = array{kind, "null"}
	}
	return s
}

func schema[T any]() object { return schemaOf(reflect.TypeFor[T]()) }

func text(doc string) object { return object{"type": "string", "description": doc} }

func enum(values []string) object { return object{"type": "string", "enum": values} }

func list(of object) object { return object{"type": "array", "items": of} }

// parameter describes a parameter of the query string.
func parameter(name, doc string, of object) object {
	p := object{"name": name, "in": "query", "description": doc, "schema": of}
	if of["type"] == "array" {
		p["style"], p["explode"] = "form", false
	}
	return p
}

// content is a reply's body in one form.
func content(kind string, of object, example any) object {
	body := object{"schema": of}
	if example != nil {
		body["example"] = example
	}
	return object{kind: body}
}

func response(doc string, body object) object {
	r := object{"description": doc}
	if body != nil {
		r["content"] = body
	}
	return r
}

// refused adds the problems that an operation may reply.
func refused(responses object, statuses ...string) object {
	for _, status := range statuses {
		responses[status] = object{"$ref": "#/components/responses/" + status}
	}
	return responses
}
