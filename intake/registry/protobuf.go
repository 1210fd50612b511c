package registry

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/bufbuild/protocompile"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Protobuf is the format of Protobuf messages.
type Protobuf struct{ registry *Registry }

// Protobuf gives the format of Protobuf messages.
func (r *Registry) Protobuf() *Protobuf { return &Protobuf{registry: r} }

// AppendJSON appends the record. A field without presence always has a value, be it 0 or "".
func (p *Protobuf) AppendJSON(ctx context.Context, b, value []byte) ([]byte, error) {
	id, body, err := p.registry.split(value)
	if err != nil {
		return b, err
	}
	s, err := p.registry.schema(ctx, sr.TypeProtobuf, id, compileProtobuf)
	if err != nil {
		return b, err
	}
	descriptor, body, err := pick(s.(protoreflect.FileDescriptor), body)
	if err != nil {
		return b, mismatch(fmt.Sprintf("schema %d: %v", id, err))
	}
	m := dynamicpb.NewMessage(descriptor)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(body, m); err != nil {
		return b, mismatch(fmt.Sprintf("schema %d: %v", id, err))
	}
	w := protobufWriter{out: append(b, '{')}
	w.message(m, 0)
	return append(w.out, '}'), nil
}

// pick reads the path of message indexes, and gives the message's descriptor and what is behind the path.
func pick(file protoreflect.FileDescriptor, b []byte) (protoreflect.MessageDescriptor, []byte, error) {
	count, n := binary.Varint(b)
	if n <= 0 || count < 0 || count > maxDepth {
		return nil, nil, fmt.Errorf("byte %d: no path of message indexes", headerSize)
	}
	b = b[n:]
	messages := file.Messages()
	if count == 0 && messages.Len() > 0 {
		return messages.Get(0), b, nil
	}
	var m protoreflect.MessageDescriptor
	for range count {
		i, n := binary.Varint(b)
		if n <= 0 || i < 0 || i >= int64(messages.Len()) {
			return nil, nil, fmt.Errorf("byte %d: the path of message indexes leads nowhere", headerSize)
		}
		m, b = messages.Get(int(i)), b[n:]
		messages = m.Messages()
	}
	if m == nil {
		return nil, nil, fmt.Errorf("the schema has no messages")
	}
	return m, b, nil
}

func compileProtobuf(ctx context.Context, s sr.Schema, refs []reference) (any, error) {
	name := "schema.proto"
	sources := map[string]string{}
	for _, ref := range refs {
		sources[ref.name] = ref.text
	}
	for sources[name] != "" {
		name = "_" + name
	}
	sources[name] = s.Schema
	c := protocompile.Compiler{MaxParallelism: 1, Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(sources)})}
	files, err := c.Compile(ctx, name)
	if err != nil {
		return nil, err
	}
	return protoreflect.FileDescriptor(files[0]), nil
}
