package fold

import (
	"fmt"
	"slices"

	"rollcall"
)

// UserPart is the part of the dictionary's state that a user's entry is written to.
func UserPart(user uint32) int64 { return int64(user >> 16) }

// KeyPart is the part of the seen event ids, and of the session ids, that a user's keys are written to.
func KeyPart(user uint32) int64 { return int64(user >> 8) }

const keyUsers = 1 << 8 // users in a part of keys

// cutUsers writes the entries of new users and of those whose first event moved.
func (s *Shard) cutUsers(d *Delta) {
	u := s.users
	slices.Sort(u.changed)
	for from := 0; from < len(u.changed); {
		part := UserPart(u.changed[from])
		w := newChunkWriter(s.cfg.Dims)
		if part == 0 {
			w.byte(1)
			w.fixed(s.key[0])
			w.fixed(s.key[1])
		} else {
			w.byte(0)
		}
		last := uint32(0)
		i := from
		for ; i < len(u.changed) && UserPart(u.changed[i]) == part; i++ {
			n := u.changed[i]
			f := &u.firsts[n-1]
			f.changed = false
			w.uvarint(uint64(n - last))
			w.fixed(u.hashes[n-1])
			w.varint(f.time)
			w.byte(f.level)
			w.cell(s.cells, f.cell)
			w.text(u.texts.get(f.id))
			last = n
		}
		d.Users, d.Parts = append(d.Users, w.bytes()), append(d.Parts, part)
		from = i
	}
	u.changed = u.changed[:0]
	if u.texts.wasteful() {
		u.compact()
	}
}

// compact rebuilds the arena of first events' ids.
func (d *dictionary) compact() {
	old := d.texts
	d.texts = arena{}
	for i := range d.firsts {
		d.firsts[i].id = d.texts.put(old.get(d.firsts[i].id))
	}
}

// userRecord is a dictionary entry as written.
type userRecord struct {
	user   uint32
	hash   uint64
	time   int64
	level  uint8
	values []rollcall.Value
	id     []byte
}

// readUserHead opens a chunk of the dictionary, before its first entry.
func readUserHead(data []byte) (r *chunkReader, key Key, err error) {
	if r, err = readChunk(data); err != nil {
		return nil, key, err
	}
	if r.byte() == 1 {
		key = Key{r.fixed(), r.fixed()}
	}
	return r, key, nil
}

// user reads an entry up to its id, which is a text. Its values are valid as long as the reader.
func (r *chunkReader) user(last uint32) userRecord {
	return userRecord{user: last + uint32(r.uvarint()), hash: r.fixed(), time: r.varint(), level: r.byte(), values: r.tuple()}
}

func readUsers(data []byte, each func(userRecord) error) (key Key, dims int, err error) {
	r, key, err := readUserHead(data)
	if err != nil {
		return key, 0, err
	}
	user := uint32(0)
	for r.more() {
		u := r.user(user)
		u.id = r.text()
		if user = u.user; r.bad {
			break
		}
		if err := each(u); err != nil {
			return key, r.dims, err
		}
	}
	return key, r.dims, r.err()
}

// ReadKey gives the secret kept in the chunks of the first part of the dictionary.
func ReadKey(chunk []byte) (Key, error) {
	key, _, err := readUsers(chunk, func(userRecord) error { return nil })
	return key, err
}

// LoadUsers adds the entries of one dictionary part, oldest chunk first. Parts come in rising order.
func (s *Shard) LoadUsers(chunks [][]byte) error {
	for _, data := range chunks {
		_, _, err := readUsers(data, s.loadUser)
		if err != nil {
			return fmt.Errorf("load dictionary: %w", err)
		}
	}
	return nil
}

func (s *Shard) loadUser(u userRecord) error {
	d := s.users
	if int(u.user) > d.len()+1 || u.user == 0 || len(u.values) != s.cfg.Dims {
		return fmt.Errorf("%w: user %d after %d", ErrState, u.user, d.len())
	}
	var slot *userSlot
	if int(u.user) == d.len()+1 {
		slot = d.add(u.hash)
	} else if slot = d.find(d.hashes[u.user-1]); slot == nil || slot.user != u.user {
		return fmt.Errorf("%w: user %d", ErrState, u.user)
	}
	d.texts.drop(d.firsts[u.user-1].id)
	d.firsts[u.user-1] = first{time: u.time, cell: s.cells.of(u.values), id: d.texts.put(u.id), level: u.level}
	slot.second = clampSecond(u.time)
	return nil
}

// mergeUsers keeps the newest entry of each user.
func mergeUsers(chunks [][]byte) ([]byte, error) {
	newest := map[uint32]userRecord{}
	var key Key
	hasKey, dims := false, 0
	for _, data := range chunks {
		k, n, err := readUsers(data, func(u userRecord) error {
			u.values, u.id = slices.Clone(u.values), slices.Clone(u.id)
			newest[u.user] = u
			return nil
		})
		if err != nil {
			return nil, err
		}
		dims = n
		if k != (Key{}) {
			key, hasKey = k, true
		}
	}
	w := newChunkWriter(dims)
	if hasKey {
		w.byte(1)
		w.fixed(key[0])
		w.fixed(key[1])
	} else {
		w.byte(0)
	}
	last := uint32(0)
	for _, n := range sortedKeys(newest) {
		u := newest[n]
		w.uvarint(uint64(n - last))
		w.fixed(u.hash)
		w.varint(u.time)
		w.byte(u.level)
		w.tuple(u.values)
		w.text(u.id)
		last = n
	}
	return w.bytes(), nil
}

func sortedKeys[V any](m map[uint32]V) []uint32 {
	keys := make([]uint32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
