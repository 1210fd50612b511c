package mysql

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/store"
	"rollcall/store/storetest"
)

func openBuilds(t testing.TB, dsn string) *Builds {
	t.Helper()
	b, err := OpenBuilds(context.Background(), Config{DSN: dsn})
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func TestBuilds(t *testing.T) {
	storetest.RunBuilds(t, func(t *testing.T, dims []string, shards int) storetest.BuildsRig {
		dsn := server.Database(t)
		must(t, Migrate(context.Background(), Config{DSN: dsn, Dimensions: dims, Shards: shards}))
		return storetest.BuildsRig{Builds: openBuilds(t, dsn), Handle: func(t *testing.T, b store.Build, beside bool) (storetest.Store, func()) {
			s, err := Open(context.Background(), Config{DSN: dsn, Dimensions: b.Dimensions, Shards: b.Shards, Build: b.Number, Beside: beside, MaxOpenConns: 4})
			must(t, err)
			return s, sync.OnceFunc(func() { must(t, s.Close()) })
		}}
	})
}

// A build with a prefix is a store as any other, without the tables of build 1.
func TestConformanceOfAnotherBuild(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dims []string, shards int) storetest.Store {
		dsn := server.Database(t)
		must(t, Migrate(context.Background(), Config{DSN: dsn, Dimensions: dims, Shards: shards}))
		b := openBuilds(t, dsn)
		_, err := b.Begin(context.Background(), store.Build{Dimensions: dims, Shards: shards})
		must(t, err)
		for _, table := range tablesOfBuild() {
			_, err := b.store.own.Exec("DROP TABLE " + table)
			must(t, err)
		}
		return openWith(t, Config{DSN: dsn, Dimensions: dims, Shards: shards, Build: 2, Beside: true})
	})
}

// Every statement marks the tables that each build has one of.
func TestStatementsNameTheBuild(t *testing.T) {
	named := regexp.MustCompile(`(KEY |FOR )?\b(?:FROM|JOIN|INTO|UPDATE|EXISTS|TABLE)\s+([a-z~]\w*)`)
	shared := []string{"builds", "information_schema"}
	files, err := filepath.Glob("*.go")
	must(t, err)
	found := 0
	check := func(where, text string) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if m[1] != "" || slices.Contains(shared, m[2]) {
				continue
			}
			if found++; !strings.HasPrefix(m[2], mark) {
				t.Errorf("%s: %q in %q", where, m[2], text)
			}
		}
	}
	for _, script := range []string{tables1, tables2} {
		check("a migration", withoutComments(script))
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, is := n.(*ast.BasicLit); is && literal.Kind == token.STRING {
				check(fset.Position(n.Pos()).String(), literal.Value)
			}
			return true
		})
	}
	if found < 40 {
		t.Fatalf("%d statements found", found)
	}
}

// Naming the tables of a statement of many rows copies none of the rows.
func TestNamesCostNoCopyOfRows(t *testing.T) {
	of := tablesOf(12, false)
	if n := testing.AllocsPerRun(10, func() { _ = insertChunks.text(&of, maxRows) }); n > 2 {
		t.Fatalf("%v allocations", n)
	}
	if got := insertChunks.text(&of, 2); !strings.HasPrefix(got, "INSERT INTO b12_chunks (") || strings.Count(got, "?") != 16 || strings.Contains(got, mark) {
		t.Fatal(got)
	}
}
