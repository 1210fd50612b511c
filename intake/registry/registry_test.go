package registry

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"rollcall/intake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// server is a small schema registry: it speaks the part of the REST API that readers use, over HTTP.
type server struct {
	URL   string
	asked atomic.Int64

	mu      sync.Mutex
	schemas []sr.Schema // by id-1
	http    *http.Server
	addr    string
}

func startServer(t testing.TB) *server {
	t.Helper()
	s := &server{}
	s.listen(t, "127.0.0.1:0")
	t.Cleanup(s.stop)
	return s
}

func (s *server) listen(t testing.TB, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /schemas/ids/{id}", func(w http.ResponseWriter, r *http.Request) { s.reply(w, r, r.PathValue("id")) })
	mux.HandleFunc("GET /subjects/{subject}/versions/1", func(w http.ResponseWriter, r *http.Request) { s.reply(w, r, r.PathValue("subject")) })
	s.addr, s.URL, s.http = l.Addr().String(), "http://"+l.Addr().String(), &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	go func(h *http.Server) { _ = h.Serve(l) }(s.http)
}

func (s *server) stop() { _ = s.http.Close() }

func (s *server) reply(w http.ResponseWriter, r *http.Request, id string) {
	s.asked.Add(1)
	if user, password, _ := r.BasicAuth(); user != "reader" || password != "hunter2" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error_code":40101,"message":"Unauthorized"}`)
		return
	}
	var n int
	_, _ = fmt.Sscan(id, &n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 1 || n > len(s.schemas) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"error_code":40403,"message":"Schema %d not found"}`, n)
		return
	}
	schema := s.schemas[n-1]
	reply := map[string]any{"schema": schema.Schema, "schemaType": schema.Type.String(), "references": schema.References, "id": n, "subject": id, "version": 1}
	_ = json.NewEncoder(w).Encode(reply)
}

// add registers a schema. Its subject is its id in digits.
func (s *server) add(kind sr.SchemaType, text string, refs ...sr.SchemaReference) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schemas = append(s.schemas, sr.Schema{Schema: text, Type: kind, References: refs})
	return len(s.schemas)
}

func newRegistry(t testing.TB, s *server, change func(*Config)) *Registry {
	t.Helper()
	cfg := Config{URL: s.URL, Username: "reader", Password: "hunter2", Timeout: time.Second}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func framed(id int, path []byte, body []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{magic}, uint32(id))
	return append(append(b, path...), body...)
}

const avroSchema = `{"type":"record","name":"Event","namespace":"shop","fields":[
	{"name":"user_id","type":{"type":"string","logicalType":"uuid"}},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"micros","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},
	{"name":"day","type":{"type":"int","logicalType":"date"}},
	{"name":"local","type":{"type":"long","logicalType":"local-timestamp-millis"}},
	{"name":"kind","type":{"type":"enum","name":"Kind","symbols":["view","buy"]}},
	{"name":"bounce","type":"boolean"},
	{"name":"count","type":"int"},
	{"name":"ratio","type":"double"},
	{"name":"small","type":"float"},
	{"name":"raw","type":"bytes"},
	{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
	{"name":"mark","type":{"type":"fixed","name":"Mark","size":4}},
	{"name":"tags","type":{"type":"array","items":"string"}},
	{"name":"more","type":{"type":"map","values":["null","long","Kind"]}},
	{"name":"none","type":["null","string"]},
	{"name":"device","type":["null",{"type":"record","name":"Device","fields":[{"name":"os","type":"string"},{"name":"next","type":["null","Device"]}]}]}
]}`

func avroEvent() map[string]any {
	return map[string]any{"user_id": "0191e4a8-0000-7000-8000-000000000001", "at": time.UnixMilli(1793534400123).UTC(),
		"micros": time.UnixMicro(1793534400123456).UTC(), "day": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), "local": time.UnixMilli(1793534400120).UTC(), "kind": "buy", "bounce": true,
		"count": -7, "ratio": 0.25, "small": float32(1.5), "raw": []byte("a\"b\n"), "price": big.NewRat(-1205, 100), "mark": [4]byte{0xde, 0xad, 0, 1},
		"tags": []string{"x", "y"}, "more": map[string]any{"a": nil, "b": map[string]any{"long": int64(9)}}, "none": nil,
		"device": map[string]any{"shop.Device": map[string]any{"os": "bsd", "next": map[string]any{"shop.Device": map[string]any{"os": "plan9", "next": nil}}}}}
}

const avroJSON = `{"user_id":"0191e4a8-0000-7000-8000-000000000001","at":"2026-11-01T12:00:00.123Z","micros":"2026-11-01T12:00:00.123456Z","day":"2026-11-01",` +
	`"local":"2026-11-01 12:00:00.12","kind":"buy","bounce":true,"count":-7,"ratio":0.25,"small":1.5,"raw":"a\"b\u000a","price":-12.05,"mark":"dead0001","tags":[],"more":[],"none":null,` +
	`"device.os":"bsd","device.next.os":"plan9","device.next.next":null}`

func marshalAvro(t testing.TB, schema string, v any) []byte {
	t.Helper()
	s, err := avro.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	b, err := avro.Marshal(s, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAvro(t *testing.T) {
	s := startServer(t)
	id := s.add(sr.TypeAvro, avroSchema)
	body := marshalAvro(t, avroSchema, avroEvent())
	f := newRegistry(t, s, nil).Avro()
	for range 3 {
		if got, err := f.AppendJSON(t.Context(), nil, framed(id, nil, body)); err != nil || string(got) != avroJSON {
			t.Fatalf("%v\ngot  %s\nwant %s", err, got, avroJSON)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("the registry was asked %d times", n)
	}
	for n := range len(body) {
		if _, err := f.AppendJSON(t.Context(), nil, framed(id, nil, body[:n])); !errors.Is(err, intake.ErrMismatch) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := f.AppendJSON(t.Context(), nil, framed(id, nil, append(body, 0))); !errors.Is(err, intake.ErrMismatch) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestAvroReferences(t *testing.T) {
	s := startServer(t)
	device := s.add(sr.TypeAvro, `{"type":"record","name":"Device","namespace":"shop","fields":[{"name":"os","type":"string"}]}`)
	id := s.add(sr.TypeAvro, `{"type":"record","name":"Event","namespace":"shop","fields":[{"name":"d","type":"shop.Device"}]}`,
		sr.SchemaReference{Name: "shop.Device", Subject: fmt.Sprint(device), Version: 1})
	got, err := newRegistry(t, s, nil).Avro().AppendJSON(t.Context(), nil, framed(id, nil, []byte("\x06bsd")))
	if err != nil || string(got) != `{"d.os":"bsd"}` {
		t.Fatalf("%s %v", got, err)
	}
}

const protoSchema = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "device.proto";
message Other { message Inner { string user_id = 1; } int32 x = 1; }
message Event {
	enum Kind { VIEW = 0; BUY = 1; }
	string user_id = 1;
	google.protobuf.Timestamp at = 2;
	Kind kind = 3;
	bytes raw = 4;
	int64 big = 5;
	uint64 huge = 6;
	double ratio = 7;
	bool bounce = 8;
	optional string none = 9;
	repeated string tags = 10;
	map<string, int32> more = 11;
	Device device = 12;
	google.protobuf.Duration took = 13;
	google.protobuf.StringValue wrapped = 14;
	int32 zero = 15;
}`

const deviceSchema = `syntax = "proto3"; package shop; message Device { string os = 1; Device next = 2; }`

const protoEvent = `{"userId":"u1","at":"2026-11-01T12:00:00.123Z","kind":"BUY","raw":"aGk=","big":"-9007199254740993","huge":"18446744073709551615",
	"ratio":0.5,"bounce":true,"tags":["a"],"more":{"a":1},"device":{"os":"bsd","next":{"os":"plan9"}},"took":"90.5s","wrapped":"w"}`

const protoJSON = `{"user_id":"u1","at":"2026-11-01T12:00:00.123Z","kind":"BUY","raw":"hi","big":-9007199254740993,"huge":18446744073709551615,` +
	`"ratio":0.5,"bounce":true,"tags":[],"more":[],"device.os":"bsd","device.next.os":"plan9","took":90.500000000,"wrapped":"w","zero":0}`

func addProto(s *server) int {
	device := s.add(sr.TypeProtobuf, deviceSchema)
	return s.add(sr.TypeProtobuf, protoSchema, sr.SchemaReference{Name: "device.proto", Subject: fmt.Sprint(device), Version: 1})
}

func marshalProto(t testing.TB, name protoreflect.Name, text string) []byte {
	t.Helper()
	file, err := compileProtobuf(context.Background(), sr.Schema{Schema: protoSchema}, []reference{{"device.proto", deviceSchema}})
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(file.(protoreflect.FileDescriptor).Messages().ByName(name))
	if err := protojson.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProtobuf(t *testing.T) {
	s := startServer(t)
	id := addProto(s)
	f := newRegistry(t, s, nil).Protobuf()
	for _, c := range []struct {
		path []byte
		body []byte
		want string
	}{
		{[]byte{2, 2}, marshalProto(t, "Event", protoEvent), protoJSON},
		{[]byte{0}, marshalProto(t, "Other", `{"x":5}`), `{"x":5}`},
		{[]byte{4, 0, 0}, []byte("\x0a\x02u1"), `{"user_id":"u1"}`},
	} {
		got, err := f.AppendJSON(t.Context(), nil, framed(id, c.path, c.body))
		if err != nil || string(got) != c.want {
			t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
		}
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("the registry was asked %d times", n)
	}
	for _, bad := range []string{"", "\x01", "\x06\x00\x00\x00", "\x02\x04", "\x02\x02\x0a\x05u", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		if _, err := f.AppendJSON(t.Context(), nil, framed(id, nil, []byte(bad))); !errors.Is(err, intake.ErrMismatch) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestWaits: an id that the registry does not have, and a registry that is away, are waited for.
func TestWaits(t *testing.T) {
	s := startServer(t)
	f := newRegistry(t, s, nil).Avro()
	message := framed(1, nil, []byte("\x04u1"))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	if _, err := f.AppendJSON(ctx, nil, message); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("an unknown id: %v", err)
	}
	cancel()
	if n := s.asked.Load(); n < 2 {
		t.Errorf("the registry was asked %d times", n)
	}
	s.stop()
	got := make(chan string, 1)
	go func() {
		b, err := f.AppendJSON(t.Context(), nil, message)
		got <- fmt.Sprint(string(b), err)
	}()
	s.add(sr.TypeAvro, `{"type":"record","name":"E","fields":[{"name":"user_id","type":"string"}]}`)
	s.listen(t, s.addr)
	if text := <-got; text != `{"user_id":"u1"}<nil>` {
		t.Error(text)
	}
}

func TestRefused(t *testing.T) {
	s := startServer(t)
	ids := []int{s.add(sr.TypeProtobuf, deviceSchema), s.add(sr.TypeAvro, `{"type":`), s.add(sr.TypeAvro, `"string"`), 77}
	f := newRegistry(t, s, func(c *Config) { c.Refuse = []int{77} }).Avro()
	for _, value := range [][]byte{nil, {}, {0, 0, 0, 0}, {1, 0, 0, 0, 1, 0}, framed(ids[0], nil, nil), framed(ids[1], nil, nil), framed(ids[2], nil, nil), framed(ids[3], nil, nil)} {
		if _, err := f.AppendJSON(t.Context(), nil, value); !errors.Is(err, intake.ErrMismatch) {
			t.Errorf("%v: %v", value, err)
		}
	}
}

func TestSchemasAreBounded(t *testing.T) {
	s := startServer(t)
	r := newRegistry(t, s, func(c *Config) { c.Schemas = 3 })
	f := r.Avro()
	for i := range 10 {
		id := s.add(sr.TypeAvro, fmt.Sprintf(`{"type":"record","name":"E%d","fields":[{"name":"user_id","type":"string"}]}`, i))
		if _, err := f.AppendJSON(t.Context(), nil, framed(id, nil, []byte("\x04u1"))); err != nil {
			t.Fatal(err)
		}
		if n := len(r.schemas); n > 3 {
			t.Fatalf("%d schemas are held", n)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, u := range []string{"", "registry:8081", "ftp://x", "http://user:hunter2@x", "http://"} {
		if _, err := New(Config{URL: u}, quiet()); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func FuzzAvro(f *testing.F) {
	s := startServer(f)
	id := s.add(sr.TypeAvro, avroSchema)
	format := newRegistry(f, s, nil).Avro()
	f.Add(marshalAvro(f, avroSchema, avroEvent()))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := format.AppendJSON(t.Context(), nil, framed(id, nil, body))
		checkJSON(t, b, err)
	})
}

func FuzzProtobuf(f *testing.F) {
	s := startServer(f)
	id := addProto(s)
	format := newRegistry(f, s, nil).Protobuf()
	f.Add([]byte{2, 2}, marshalProto(f, "Event", protoEvent))
	f.Fuzz(func(t *testing.T, path, body []byte) {
		b, err := format.AppendJSON(t.Context(), nil, framed(id, path, body))
		checkJSON(t, b, err)
	})
}

func checkJSON(t *testing.T, b []byte, err error) {
	if err != nil {
		if !errors.Is(err, intake.ErrMismatch) {
			t.Fatal(err)
		}
		return
	}
	if !json.Valid([]byte(strings.ToValidUTF8(string(b), "?"))) {
		t.Fatalf("no JSON: %q", b)
	}
}

func BenchmarkFormats(b *testing.B) {
	s := startServer(b)
	simple := `{"type":"record","name":"E","fields":[{"name":"event_id","type":"string"},{"name":"user_id","type":"string"},
		{"name":"time","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"campaign_id","type":["null","string"]},{"name":"age_group","type":"string"}]}`
	id := s.add(sr.TypeAvro, simple)
	body := marshalAvro(b, simple, map[string]any{"event_id": "0191e4a8-0000-7000", "user_id": "user-123456", "time": time.UnixMilli(1793534400123), "campaign_id": "c12", "age_group": "20s"})
	proto := addProto(s)
	r := newRegistry(b, s, nil)
	for _, c := range []struct {
		name   string
		format intake.Format
		value  []byte
	}{{"avro", r.Avro(), framed(id, nil, body)}, {"protobuf", r.Protobuf(), framed(proto, []byte{2, 2}, marshalProto(b, "Event", protoEvent))}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				var err error
				if out, err = c.format.AppendJSON(b.Context(), out[:0], c.value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
