package sqlite

import (
	"bytes"
	"context"
	"os"
	"testing"

	"rollcall/block"
	"rollcall/store"
	"rollcall/store/chunk"
)

func join(_ store.StateKey, chunks [][]byte) ([]byte, error) { return bytes.Join(chunks, nil), nil }

func chunkCount(t *testing.T, s *Store) (n int) {
	t.Helper()
	must(t, s.writer.session.conn.QueryRowContext(context.Background(), "SELECT count(*) FROM chunks").Scan(&n))
	return n
}

// However many commits, a key keeps few chunks, and each is rewritten a few times only.
func TestCompactionIsTiered(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	p := acquire(t, s, 0)
	const commits = 600
	rewritten, most := 0, 0
	for i := range commits {
		c := next(p)
		c.Cells = []*block.Cells{dayCells(1, 1)}
		commit(t, s, c)
		p = c.To
		if i%10 == 9 {
			stats, err := s.Compact(context.Background(), false, join)
			must(t, err)
			rewritten += stats.Chunks
			most = max(most, chunkCount(t, s))
		}
	}
	if most > 4*(chunk.LevelChunks-1) {
		t.Errorf("up to %d chunks of one key", most)
	}
	if rewritten > commits*2 {
		t.Errorf("%d chunks rewritten for %d commits", rewritten, commits)
	}
}

// Compacting all gives the room back.
func TestCompactAllShrinksTheFile(t *testing.T) {
	path := newPath(t)
	s := openTest(t, path, nil, 1)
	p := acquire(t, s, 0)
	for range 20 {
		c := next(p)
		for part := range int64(20) {
			c.State = append(c.State, store.StateChunk{Key: store.StateKey{Kind: store.IDs, Part: part}, Full: true, Data: make([]byte, 20_000)})
			c.State = append(c.State, store.StateChunk{Key: store.StateKey{Kind: store.Sessions, Part: part}, Data: make([]byte, 20_000)})
		}
		commit(t, s, c)
		p = c.To
	}
	last := func(_ store.StateKey, chunks [][]byte) ([]byte, error) { return chunks[len(chunks)-1], nil }
	stats, err := s.Compact(context.Background(), true, last)
	must(t, err)
	if stats.Keys != 20 || stats.Chunks != 400 || chunkCount(t, s) != 40 {
		t.Fatalf("%+v, %d chunks left", stats, chunkCount(t, s))
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Size() > 2*40*20_000 {
		t.Fatalf("the file has %d bytes for %d of content", info.Size(), 40*20_000)
	}
}

// When the disk is full a commit fails whole, reads go on, and so do commits once there is room.
func TestFullDisk(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	c := next(acquire(t, s, 0))
	c.State = []store.StateChunk{{Key: store.StateKey{Kind: store.Users}, Data: make([]byte, 1<<20)}}
	limit := func(pages string) {
		must(t, s.writer.alone(context.Background(), func(ctx context.Context, t *session) error {
			_, err := t.exec(ctx, "PRAGMA max_page_count = "+pages)
			return err
		}))
	}
	for range 2 {
		limit("30") // of the connection, which a failure may renew
		if err := s.Commit(context.Background(), &store.Commit{At: 1, Shards: []store.ShardCommit{c}}); err == nil {
			t.Fatal("committed")
		}
		if got := offset(t, s.Reader); got != 0 {
			t.Fatalf("offset %d", got)
		}
	}
	limit("1000000")
	commit(t, s, c)
	if got := offset(t, s.Reader); got != 1 {
		t.Fatalf("offset %d", got)
	}
}

// A transaction that can be neither committed nor rolled back goes with its connection; the next one has another.
func TestWriterIsRenewed(t *testing.T) {
	s := openTest(t, newPath(t), nil, 1)
	err := s.writer.transact(context.Background(), func(ctx context.Context, t *session) error {
		_, err := t.exec(ctx, "ROLLBACK")
		return err
	})
	if err == nil {
		t.Fatal("committed what was rolled back")
	}
	if p := acquire(t, s, 0); p.Epoch != 1 {
		t.Fatalf("%+v", p)
	}
	checkSettings(t, s)
}
