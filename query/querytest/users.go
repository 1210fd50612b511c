package querytest

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// PartUsers is the number of users in a part of the dictionary: a few, so that a test has several parts.
const PartUsers = 2

// State gives a part of the dictionary, and nothing of other kinds.
func (m *Store) State(_ context.Context, key store.StateKey) ([]store.StateChunk, error) {
	data, ok := m.users[key]
	if !ok {
		return nil, nil
	}
	return []store.StateChunk{{Key: key, Data: data}}, nil
}

// States gives the parts of the dictionary, by rising part.
func (m *Store) States(ctx context.Context, from store.StateKey, until int64) (chunks []store.StateChunk, err error) {
	for ; from.Part < until; from.Part++ {
		part, err := m.State(ctx, from)
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, part...)
	}
	return chunks, nil
}

// buildUsers makes the dictionary: the first event of a user is his earliest fact that makes a new user.
func (m *Store) buildUsers(shards int, facts []Fact) {
	firsts := map[int]Fact{}
	for _, f := range facts {
		if before, ok := firsts[f.User]; f.User >= 0 && f.NewUser && (!ok || f.Time < before.Time) {
			firsts[f.User] = f
		}
	}
	parts := map[store.StateKey][]Fact{}
	for user, f := range firsts {
		key := store.StateKey{Shard: user % shards, Kind: store.Users, Part: int64(user / shards / PartUsers)}
		parts[key] = append(parts[key], f)
	}
	for key, list := range parts {
		slices.SortFunc(list, func(a, b Fact) int { return cmp.Compare(a.User, b.User) })
		b := &block.Firsts{Dims: make([][]rollcall.Value, len(m.Header.Dimensions))}
		for _, f := range list {
			values, _ := m.tuple(f, rollcall.Full(len(f.Dims)))
			b.User, b.Time = append(b.User, uint32(f.User/shards)), append(b.Time, f.Time)
			for d, v := range values {
				b.Dims[d] = append(b.Dims[d], v)
			}
		}
		m.AddFirsts(key.Shard, key.Part, b)
	}
}

// AddFirsts puts first events in place of those of a part of the dictionary.
func (m *Store) AddFirsts(shard int, part int64, f *block.Firsts) {
	data := []byte{byte(len(f.Dims))}
	for i, user := range f.User {
		data = binary.LittleEndian.AppendUint32(data, user)
		data = binary.LittleEndian.AppendUint64(data, uint64(f.Time[i]))
		for d := range f.Dims {
			data = binary.LittleEndian.AppendUint32(data, uint32(f.Dims[d][i]))
		}
	}
	m.users[store.StateKey{Shard: shard, Kind: store.Users, Part: part}] = data
}

// ReadFirsts reads a part of the dictionary as AddFirsts writes it: the number of dimensions, and for each user his number,
// the time and the values, all of fixed size.
func ReadFirsts(chunks [][]byte) (*block.Firsts, error) {
	f := &block.Firsts{}
	for _, data := range chunks {
		if len(data) == 0 || (len(data)-1)%(12+4*int(data[0])) != 0 {
			return nil, fmt.Errorf("a part of %d bytes", len(data))
		}
		f.Dims = make([][]rollcall.Value, data[0])
		for rest := data[1:]; len(rest) > 0; {
			f.User, rest = append(f.User, binary.LittleEndian.Uint32(rest)), rest[4:]
			f.Time, rest = append(f.Time, int64(binary.LittleEndian.Uint64(rest))), rest[8:]
			for d := range f.Dims {
				f.Dims[d], rest = append(f.Dims[d], rollcall.Value(binary.LittleEndian.Uint32(rest))), rest[4:]
			}
		}
	}
	return f, nil
}
