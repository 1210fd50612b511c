package simtest_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall"
	"rollcall/block"
	"rollcall/eventlog"
	"rollcall/record"
	"rollcall/simtest"
	"rollcall/store"
	"rollcall/store/sqlite"
	"rollcall/verify"
)

// TestVerifyNamesSabotage spoils the store, and then the log, of a world in one place each, and looks for that place among the
// differences.
func TestVerifyNamesSabotage(t *testing.T) {
	w := simtest.RecentWorld(rand.New(rand.NewSource(3)), time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))
	w.Config.Shards = 2
	p, err := openPipeline(t, w)
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(w.Events, 7) {
		if err := p.Append(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.caughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if r := verifyCopy(t, p, func(*testing.T, *spoiled) {}); !r.Equal || r.Cells == 0 || r.Sets == 0 || r.Hours == 0 {
		t.Fatalf("nothing was spoiled: %+v", r)
	}
	for name, c := range map[string]struct {
		spoil func(*spoiled, *testing.T)
		want  func(*spoiled, *testing.T, *verify.Report)
	}{
		"a counter that is flipped":       {(*spoiled).flipCounter, (*spoiled).namesCell},
		"a user dropped from a set":       {(*spoiled).dropUser, (*spoiled).namesSet},
		"a user put in another's place":   {(*spoiled).swapUser, (*spoiled).namesSet},
		"an hour in a mask":               {(*spoiled).changeMask, (*spoiled).namesSet},
		"a row of the ledger that's gone": {(*spoiled).deleteLedger, (*spoiled).namesLedger},
		"a hash in the ledger":            {(*spoiled).changeHash, (*spoiled).namesLedger},
		"a delta that is doubled":         {(*spoiled).doubleDelta, (*spoiled).namesCell},
		"a block of cells that's gone":    {(*spoiled).loseCells, (*spoiled).namesCell},
		"a cell too many":                 {(*spoiled).addCell, (*spoiled).namesCell},
		"a row said to be late":           {(*spoiled).markLate, (*spoiled).namesDrop},
		"a row said to be a duplicate":    {(*spoiled).markDuplicate, (*spoiled).namesDrop},
		"a mark of no row":                {(*spoiled).markNothing, (*spoiled).namesDrop},
		"a position":                      {(*spoiled).changePosition, (*spoiled).namesPosition},
		"a period nobody looks for":       {(*spoiled).forgetPeriod, (*spoiled).namesPeriod},
		"a record gone from the log":      {func(s *spoiled, t *testing.T) { s.relog(t, 0) }, (*spoiled).namesLedger},
		"a record in the log twice":       {func(s *spoiled, t *testing.T) { s.relog(t, 2) }, (*spoiled).namesLedger},
	} {
		t.Run(name, func(t *testing.T) {
			var s *spoiled
			r := verifyCopy(t, p, func(t *testing.T, copied *spoiled) { s = copied; c.spoil(s, t) })
			if r.Equal {
				t.Fatal("nothing differs")
			}
			c.want(s, t, r)
		})
	}
}

// TestVerifyOldData takes away what an older release did not keep: which rows were dropped, and which settings were in force.
// With the settings of then all is equal, and it is told what was taken for granted.
func TestVerifyOldData(t *testing.T) {
	for seed := int64(0); ; seed++ {
		dice := rand.New(rand.NewSource(seed))
		p, err := openPipeline(t, simtest.RandomWorld(dice, true))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.Append(p.world.Events), p.caughtUp(t.Context())); err != nil {
			t.Fatal(err)
		}
		late := int64(0)
		for _, s := range p.owner.Status().Shards {
			late += s.Late
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		s := &spoiled{pipeline: p, dir: p.dir}
		s.database(t, func(db *sql.DB) {
			if _, err := db.Exec("DELETE FROM chunks WHERE kind = 3 AND b IN (5, 6)"); err != nil {
				t.Fatal(err)
			}
		})
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
		r, err := p.verifyAll(dice)
		if err != nil || !r.Equal || r.Events > 0 && len(r.Notes) == 0 {
			t.Fatalf("seed %d: %v %s", seed, err, wrong{r})
		}
		p.world.Config.LateHorizon = 0
		r, err = p.verifyAll(dice)
		if err != nil || r.Equal != (late == 0) || late > 0 && !strings.Contains(strings.Join(r.Notes, " "), "which were dropped") {
			t.Fatalf("seed %d, without a horizon: %v %s", seed, err, wrong{r})
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if late > 0 && seed > 20 {
			return
		}
	}
}

// TestVerifyLostSegments takes segments of the log away.
func TestVerifyLostSegments(t *testing.T) {
	w := simtest.RecentWorld(rand.New(rand.NewSource(4)), time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC))
	p, err := openPipeline(t, w, func(p *pipeline) { p.segmentBytes = 2 << 10 })
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.Events {
		if err := p.Append(w.Events[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.caughtUp(t.Context()), p.Close()); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(p.dir, "log", "*.seg"))
	if err != nil || len(segments) < 4 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	lose := func(i int) func(*testing.T, *spoiled) {
		return func(t *testing.T, s *spoiled) {
			if err := os.Remove(filepath.Join(s.dir, "log", filepath.Base(segments[i]))); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("first", func(t *testing.T) {
		r := verifyCopy(t, p, lose(0))
		if len(r.Unverified) == 0 || !strings.Contains(r.Unverified[0], "the log begins at") || !r.Equal || len(r.Days) > 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("last", func(t *testing.T) {
		r := verifyCopy(t, p, func(t *testing.T, s *spoiled) { lose(len(segments)-1)(t, s); lose(len(segments)-2)(t, s) })
		if r.Differences[verify.LogEnd] != 1 || r.Differences[verify.Ledger] == 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("middle", func(t *testing.T) {
		s := copyOf(t, p)
		lose(1)(t, s)
		_, err := s.verify(t)
		var corrupt *eventlog.CorruptError
		if !errors.As(err, &corrupt) || filepath.Base(corrupt.File) != filepath.Base(segments[1]) {
			t.Errorf("%v", err)
		}
	})
}

// spoiled is a copy of a pipeline's data, and what was spoiled in it.
type spoiled struct {
	*pipeline
	dir    string
	bucket string
	hour   int64
	shard  int
}

func copyOf(t *testing.T, p *pipeline) *spoiled {
	s := &spoiled{pipeline: p, dir: filepath.Join(t.TempDir(), "copy")}
	if err := os.CopyFS(s.dir, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	return s
}

func verifyCopy(t *testing.T, p *pipeline, spoil func(*testing.T, *spoiled)) *verify.Report {
	t.Helper()
	s := copyOf(t, p)
	spoil(t, s)
	r, err := s.verify(t)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *spoiled) verify(t *testing.T) (*verify.Report, error) {
	c := s.world.Config
	log, err := s.openLog(s.dir)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	reader, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(s.dir, "store.db"))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return verify.Run(t.Context(), verify.Config{Cuboids: rollcall.Cuboids(len(c.Dimensions)), Calendar: rollcall.NewCalendar(c.Location), Gap: c.Gap, Earlier: c.Earlier, Passive: c.Passive,
		MinuteRetention: always, HourRetention: always, Days: verify.Days{All: true}, Limit: 1000},
		verify.Deps{Source: verify.Log{Fetcher: log}, Store: reader, Now: func() time.Time { return time.UnixMilli(0) }})
}

func (s *spoiled) openLog(dir string) (*eventlog.Log, error) {
	return eventlog.Open(eventlog.Config{Dir: filepath.Join(dir, "log"), Shards: max(s.world.Config.Shards, 1), SegmentBytes: s.segment()},
		eventlog.Deps{Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
}

// database changes the store as no program of ours would.
func (s *spoiled) database(t *testing.T, change func(db *sql.DB)) {
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	change(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (s *spoiled) exec(t *testing.T, query string, args ...any) {
	s.database(t, func(db *sql.DB) {
		result, err := db.Exec(query, args...)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := result.RowsAffected(); n != 1 {
			t.Fatalf("%s: %d rows", query, n)
		}
	})
}

// chunk reads a chunk of a kind and grain from the middle.
func (s *spoiled) chunk(t *testing.T, kind int, grain rollcall.Grain) (id, b, c int64, data, masks []byte) {
	s.database(t, func(db *sql.DB) {
		const query = `SELECT id, b, c, data, masks FROM chunks WHERE kind = ?1 AND a = ?2 ORDER BY b DESC, id
			LIMIT 1 OFFSET (SELECT count(*) / 2 FROM chunks WHERE kind = ?1 AND a = ?2)`
		if err := db.QueryRow(query, kind, int64(grain)).Scan(&id, &b, &c, &data, &masks); err != nil {
			t.Fatal(err)
		}
	})
	s.bucket = rollcall.Date(c).String()
	return id, b, c, data, masks
}

func (s *spoiled) cells(t *testing.T) (int64, *block.Cells) {
	id, cuboid, period, data, _ := s.chunk(t, 1, rollcall.Day)
	cells, err := block.DecodeCells(data, block.CellKey{Grain: rollcall.Day, Period: block.Period(period), Cuboid: rollcall.Cuboid(cuboid)})
	if err != nil {
		t.Fatal(err)
	}
	return id, cells
}

func (s *spoiled) put(t *testing.T, id int64, cells *block.Cells) {
	s.exec(t, "UPDATE chunks SET data = ? WHERE id = ?", cells.Encode(nil), id)
}

func (s *spoiled) flipCounter(t *testing.T) {
	id, cells := s.cells(t)
	cells.Counters[rollcall.Bounces][cells.Len()-1] ^= 1
	s.put(t, id, cells)
}

func (s *spoiled) addCell(t *testing.T) {
	id, cells := s.cells(t)
	var b block.CellsBuilder
	b.Reset(cells.Key)
	b.Add(cells.Sub[0], make([]rollcall.Value, len(cells.Dims)), &rollcall.Counters{rollcall.Sessions: 7})
	s.put(t, id, block.MergeCells([]*block.Cells{cells, b.Build()}))
}

func (s *spoiled) doubleDelta(t *testing.T) {
	id, _ := s.cells(t)
	s.exec(t, "INSERT INTO chunks (kind, a, b, c, level, data, masks) SELECT kind, a, b, c, level, data, masks FROM chunks WHERE id = ?", id)
}

func (s *spoiled) loseCells(t *testing.T) {
	id, _ := s.cells(t)
	s.exec(t, "DELETE FROM chunks WHERE id = ?", id)
}

// mark adds what a store says of a row that was dropped.
func (s *spoiled) mark(t *testing.T, d record.Drop) {
	const query = "INSERT INTO chunks (kind, a, b, c, level, data, masks) VALUES (3, ?, ?, ?, 0, ?, x'')"
	s.exec(t, query, s.shard, int(store.Drops), store.DropsPart(d.Offset), record.AppendDrop(nil, d))
}

func (s *spoiled) markLate(t *testing.T) { s.mark(t, record.Drop{Count: 1, Late: true}) }

func (s *spoiled) markDuplicate(t *testing.T) { s.mark(t, record.Drop{Count: 1}) }

func (s *spoiled) markNothing(t *testing.T) { s.mark(t, record.Drop{Row: 1 << 20, Count: 1}) }

func (s *spoiled) changeSet(t *testing.T, change func(sets *block.Sets)) {
	id, shard, period, data, masks := s.chunk(t, 2, rollcall.Day)
	packed, err := block.OpenSets(data, masks, block.SetKey{Grain: rollcall.Day, Period: block.Period(period), Shard: int(shard)})
	if err != nil {
		t.Fatal(err)
	}
	sets, err := packed.Sets()
	if err != nil {
		t.Fatal(err)
	}
	change(sets)
	data, masks = sets.Encode()
	s.shard = int(shard)
	s.exec(t, "UPDATE chunks SET data = ?, masks = ? WHERE id = ?", data, append([]byte{}, masks...), id)
}

// dropUser takes the first user out of the first cell.
func (s *spoiled) dropUser(t *testing.T) {
	s.changeSet(t, func(sets *block.Sets) {
		sets.Users, sets.Masks = sets.Users[1:], sets.Masks[1:]
		for i := 1; i < len(sets.Start); i++ {
			sets.Start[i]--
		}
	})
}

func (s *spoiled) swapUser(t *testing.T) {
	s.changeSet(t, func(sets *block.Sets) { sets.Users[sets.Start[1]-1] += 100 })
}

func (s *spoiled) changeMask(t *testing.T) {
	s.changeSet(t, func(sets *block.Sets) { sets.Masks[0] ^= 1 << 3 })
}

// ledgerRow picks the row with the most events.
func (s *spoiled) ledgerRow(t *testing.T) {
	s.database(t, func(db *sql.DB) {
		if err := db.QueryRow("SELECT hour, shard FROM ledger ORDER BY count DESC LIMIT 1").Scan(&s.hour, &s.shard); err != nil {
			t.Fatal(err)
		}
	})
}

func (s *spoiled) deleteLedger(t *testing.T) {
	s.ledgerRow(t)
	s.exec(t, "DELETE FROM ledger WHERE hour = ? AND shard = ?", s.hour, s.shard)
}

func (s *spoiled) changeHash(t *testing.T) {
	s.ledgerRow(t)
	s.exec(t, "UPDATE ledger SET hash2 = hash2 + 1 WHERE hour = ? AND shard = ?", s.hour, s.shard)
}

func (s *spoiled) changePosition(t *testing.T) {
	s.exec(t, "UPDATE shards SET accepted = accepted + 1 WHERE shard = ?", s.shard)
}

func (s *spoiled) forgetPeriod(t *testing.T) {
	s.cells(t)
	date, err := rollcall.ParseDate(s.bucket)
	if err != nil {
		t.Fatal(err)
	}
	s.exec(t, "DELETE FROM periods WHERE clock = ? AND period = ?", int64(store.DayClock), int64(date))
}

// relog writes the log anew, one record of it so many times.
func (s *spoiled) relog(t *testing.T, times int) {
	old, err := s.openLog(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	records, err := old.Fetch(t.Context(), 0, 0, 0, 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	records = slices.Clone(records)
	for shard := 1; shard < s.world.Config.Shards; shard++ {
		more, err := old.Fetch(t.Context(), shard, 0, 0, 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, more...)
	}
	received := records[0].Received
	s.dir = filepath.Join(s.dir, "relogged")
	if err := os.CopyFS(s.dir, os.DirFS(s.pipeline.dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "log")); err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(eventlog.Config{Dir: filepath.Join(s.dir, "log"), Shards: s.world.Config.Shards},
		eventlog.Deps{Now: func() time.Time { return time.UnixMilli(received) }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for i, r := range records {
		n := 1
		if i == 0 {
			n = times
		}
		for range n {
			if err := log.Append(context.Background(), []eventlog.Record{{Shard: r.Shard, Count: r.Count, Payload: r.Payload}}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (s *spoiled) names(t *testing.T, r *verify.Report, what string, is func(*verify.Difference) bool) {
	t.Helper()
	if !slices.ContainsFunc(r.Shown, func(d verify.Difference) bool { return d.What == what && is(&d) }) {
		t.Errorf("no %s of %s, shard %d, hour %d is named: %s", what, s.bucket, s.shard, s.hour, wrong{r})
	}
}

func (s *spoiled) namesCell(t *testing.T, r *verify.Report) {
	s.names(t, r, verify.Cell, func(d *verify.Difference) bool { return d.Bucket == s.bucket && d.Grain == "day" })
	if n := r.Different(); n != r.Differences[verify.Cell] {
		t.Errorf("other differences than in cells: %v", r.Differences)
	}
}

func (s *spoiled) namesSet(t *testing.T, r *verify.Report) {
	s.names(t, r, verify.UserSet, func(d *verify.Difference) bool { return d.Bucket == s.bucket && *d.Shard == s.shard })
	if r.Different() != 1 {
		t.Errorf("differences: %v", r.Differences)
	}
}

func (s *spoiled) namesLedger(t *testing.T, r *verify.Report) {
	hour := time.UnixMilli(s.hour).UTC().Format(time.RFC3339)
	s.names(t, r, verify.Ledger, func(d *verify.Difference) bool { return s.hour == 0 || d.Bucket == hour && *d.Shard == s.shard })
}

func (s *spoiled) namesPosition(t *testing.T, r *verify.Report) {
	s.names(t, r, verify.Position, func(d *verify.Difference) bool { return *d.Shard == s.shard && d.Figure == "accepted" })
}

func (s *spoiled) namesDrop(t *testing.T, r *verify.Report) {
	s.names(t, r, verify.Drop, func(d *verify.Difference) bool { return *d.Shard == s.shard })
	if r.Different() != 1 {
		t.Errorf("differences: %v", r.Differences)
	}
}

func (s *spoiled) namesPeriod(t *testing.T, r *verify.Report) {
	s.names(t, r, verify.Period, func(d *verify.Difference) bool { return d.Bucket == s.bucket })
}
