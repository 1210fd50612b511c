package mysql

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"testing"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	mysqlserver "github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/types"
	"github.com/sirupsen/logrus"

	"rollcall"
	"rollcall/store"
)

// MySQL 8's own grammar takes the migrations and all statements. The server in memory keeps its grammar and not its
// transactions, so it shows no more than that.
func TestStatementsAreMySQL8(t *testing.T) {
	s := openTest(t, memoryServer(t), testDims, 2)
	ctx := context.Background()
	internTexts(t, s)
	_, err := s.Settle(ctx, map[string]string{"timezone": "UTC"})
	must(t, err)
	rnd := rand.New(rand.NewPCG(1, 1))
	at := []store.Position{acquire(t, s, 0), acquire(t, s, 1)}
	var parts []store.ShardCommit
	for range 9 {
		c := &store.Commit{At: 1, Shards: []store.ShardCommit{randomPart(rnd, at[0], 3), randomPart(rnd, at[1], 3)}}
		must(t, s.Commit(ctx, c))
		at[0], at[1] = c.Shards[0].To, c.Shards[1].To
		parts = append(parts, c.Shards...)
	}
	checkSums(t, s, parts)
	checkSQL(t, s)
	for _, all := range []bool{false, true} {
		_, err = s.Compact(ctx, all, join)
		must(t, err)
		checkSums(t, s, parts)
	}
	must(t, s.Quarantine(ctx, []store.DeadLetter{{At: 1, Raw: []byte("raw")}}))
	_, err = s.Letters(ctx, store.LetterQuery{Before: 9, Reason: "late", Newest: true, Limit: 10, MaxRaw: 3})
	must(t, err)
	_, err = s.CountLetters(ctx, 10)
	must(t, err)
	_, err = s.DeleteLetters(ctx, []int64{1, 2})
	must(t, err)
	_, err = s.Sizes(ctx)
	must(t, err)
	v, err := s.View(ctx)
	must(t, err)
	_, err = v.Ledger(ctx, 0, 1<<40, true)
	must(t, err)
	_, err = v.History(ctx, 1)
	must(t, err)
	must(t, v.Close())
	must(t, s.ExpireHistory(ctx, 1<<60))
	for grain := range 3 {
		must(t, s.Expire(ctx, rollcall.Grain(grain), 1<<30))
	}
}

// memoryServer serves a database in memory and gives its address.
func memoryServer(t *testing.T) (dsn string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	provider := memory.NewDBProvider(memory.NewDatabase("db"))
	engine := sqle.NewDefault(provider)
	srv, err := mysqlserver.NewServer(mysqlserver.Config{Protocol: "tcp", Listener: l}, engine, sql.NewContext, memory.NewSessionBuilder(provider), nil)
	must(t, err)
	// MySQL has it for sessions, too, and up to 2^30 s.
	sql.SystemVariables.AddSystemVariables([]sql.SystemVariable{&sql.MysqlSystemVariable{Name: "innodb_lock_wait_timeout",
		Scope: sql.GetMysqlScope(sql.SystemVariableScope_Both), Dynamic: true, Type: types.NewSystemIntType("innodb_lock_wait_timeout", 1, 1<<30, false), Default: int64(50)}})
	logrus.SetLevel(logrus.ErrorLevel)
	go func() { _ = srv.Start() }()
	t.Cleanup(func() { must(t, srv.Close()) })
	return "root@tcp(" + l.Addr().String() + ")/db"
}

// MySQL 8's grammar takes the statements of builds, too.
func TestStatementsOfBuildsAreMySQL8(t *testing.T) {
	dsn, ctx := memoryServer(t), context.Background()
	s := openTest(t, dsn, testDims, 2)
	must(t, s.Quarantine(ctx, []store.DeadLetter{{At: 1, Reason: "syntax", Raw: []byte("raw")}}))
	b := openBuilds(t, dsn)
	_, err := b.Begin(ctx, store.Build{Dimensions: testDims, Shards: 2, Settings: map[string]string{"timezone": "UTC"}})
	must(t, err)
	beside := openWith(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2, Build: 2, Beside: true})
	acquireAndCommit(t, beside)
	must(t, b.Activate(ctx, 1, 2))
	active := openWith(t, Config{DSN: dsn, Dimensions: testDims, Shards: 2})
	acquireAndCommit(t, active)
	letters, err := active.Letters(ctx, store.LetterQuery{Limit: 9})
	if err != nil || len(letters) != 1 {
		t.Fatalf("%+v, %v", letters, err)
	}
	if _, err := s.Acquire(ctx, 0); !errors.Is(err, store.ErrRetired) {
		t.Fatal(err)
	}
	must(t, b.Drop(ctx, 1))
	list, err := b.Builds(ctx)
	if err != nil || len(list) != 1 || list[0].Number != 2 || list[0].Settings["timezone"] != "UTC" {
		t.Fatalf("%+v, %v", list, err)
	}
}
