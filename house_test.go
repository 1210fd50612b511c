package rollcall_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The diagram of the house: which of its packages each package may import. "." is the root.
func diagram() map[string][]string {
	return map[string][]string{
		".":        {},
		"block":    {"."},
		"record":   {"."},
		"decode":   {"."},
		"generate": {"."},

		"redisaddr": {},

		"eventlog":             {"."},
		"eventlog/kafka":       {".", "eventlog"},
		"eventlog/redisstream": {".", "eventlog", "redisaddr"},
		"store":                {".", "block"},
		"store/chunk":          {".", "block", "store"},
		"store/sqlite":         {".", "block", "store", "store/chunk"},
		"store/mysql":          {".", "block", "store", "store/chunk"},

		"fold":               {".", "block", "record", "store"},
		"aggregate":          {".", "block", "record", "store", "eventlog", "fold"},
		"intake":             {".", "decode", "record", "store", "eventlog"},
		"intake/redissource": {".", "eventlog", "intake", "redisaddr"},
		"intake/registry":    {"intake"},
		"intake/sqlsource":   {"decode"},
		"archive":            {".", "record", "store", "eventlog"},
		"archive/s3":         {"archive"},
		"erase":              {".", "record", "store", "eventlog"},
		"cache":              {".", "block", "store"},
		"cache/redis":        {".", "cache", "redisaddr"},
		"query":              {".", "block", "store", "cache"},
		"api":                {".", "store", "query"},
		"dashboard":          {},
		"turns":              {},
		"verify":             {".", "block", "record", "store", "eventlog"},
		"rebuild":            {".", "store", "eventlog", "aggregate"},
		"reshard":            {".", "record", "eventlog"},

		"scripts/barehttp": {},

		"cmd/rollcall": {".", "block", "store", "store/sqlite", "store/mysql", "eventlog", "eventlog/kafka", "eventlog/redisstream", "redisaddr", "record",
			"decode", "generate", "intake", "intake/sqlsource", "intake/redissource", "intake/registry", "turns", "fold", "aggregate", "archive", "archive/s3", "erase", "cache", "cache/redis", "query", "api", "dashboard", "verify", "rebuild", "reshard"},
	}
}

// Packages for tests only: they may import what they like, and nothing but tests imports them.
func forTests() []string {
	return []string{"eventlog/logtest", "store/storetest", "query/querytest", "cache/redis/redistest",
		"eventlog/kafka/kafkatest", "store/mysql/mysqltest", "archive/archivetest", "archive/s3/s3test", "freeport", "simtest", "apptest", "chaostest"}
}

// Packages without I/O, clock, randomness or log.
func pure() []string {
	return []string{".", "block", "record", "decode", "generate", "fold", "store/chunk"}
}

type source struct {
	file *ast.File
	set  *token.FileSet
	path string
	dir  string
	test bool
}

func (s *source) at(n ast.Node) string {
	p := s.set.Position(n.Pos())
	return s.path + ":" + strconv.Itoa(p.Line)
}

func sources(t *testing.T) []source {
	var all []source
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && p != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{f, set, p, path.Dir(filepath.ToSlash(p)), strings.HasSuffix(p, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *source) imports() (std, house, other []string) {
	for _, spec := range s.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		switch first, _, _ := strings.Cut(name, "/"); {
		case err != nil:
		case name == "rollcall":
			house = append(house, ".")
		case first == "rollcall":
			house = append(house, strings.TrimPrefix(name, "rollcall/"))
		case strings.Contains(first, "."):
			other = append(other, name)
		default:
			std = append(std, name)
		}
	}
	return std, house, other
}

func TestImportsFollowTheDiagram(t *testing.T) {
	d := diagram()
	for _, s := range sources(t) {
		_, house, other := s.imports()
		if s.test || slices.Contains(forTests(), s.dir) {
			continue
		}
		allowed, known := d[s.dir]
		if !known {
			t.Errorf("%s: package %s is not in the diagram", s.path, s.dir)
		}
		for _, name := range house {
			if !slices.Contains(allowed, name) {
				t.Errorf("%s: %s must not import %s", s.path, s.dir, name)
			}
		}
		if s.dir == "." && len(other) > 0 {
			t.Errorf("%s: the root imports the standard library only, not %v", s.path, other)
		}
	}
}

func TestVerifyKnowsNothingOfFold(t *testing.T) {
	for _, s := range sources(t) {
		if _, house, _ := s.imports(); s.dir == "verify" && slices.Contains(house, "fold") {
			t.Errorf("%s imports fold", s.path)
		}
	}
}

func TestPurePackages(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(pure(), s.dir) {
			continue
		}
		std, _, _ := s.imports()
		for _, name := range std {
			first, _, _ := strings.Cut(name, "/")
			if slices.Contains([]string{"os", "net", "database", "log", "syscall", "context"}, first) || name == "crypto/rand" {
				t.Errorf("%s: a pure package must not import %s", s.path, name)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				x, _ := sel.X.(*ast.Ident)
				if x != nil && x.Name == "time" && slices.Contains([]string{"Now", "Sleep", "After", "Since", "NewTicker", "NewTimer"}, sel.Sel.Name) {
					t.Errorf("%s: a pure package knows no clock: time.%s", s.at(n), sel.Sel.Name)
				}
			}
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: a pure package starts no goroutine", s.at(n))
			}
			return true
		})
	}
}

func TestNoInitAndNoMutableGlobals(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init function", s.at(f))
			}
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && !constantLike(v, g) {
						t.Errorf("%s: package variable %s can be changed", s.at(v), v.Names[0].Name)
					}
				}
			}
		}
	}
}

// constantLike allows variables that stand for a constant: errors, patterns, tables written out, embedded files,
// assertions of an interface.
func constantLike(v *ast.ValueSpec, g *ast.GenDecl) bool {
	if v.Names[0].Name == "_" {
		return true
	}
	if len(v.Values) == 0 {
		return embedded(g, v)
	}
	for _, value := range v.Values {
		switch x := value.(type) {
		case *ast.CompositeLit:
			if _, isMap := x.Type.(*ast.MapType); isMap {
				return false
			}
		case *ast.CallExpr:
			if !constructs(x) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func constructs(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		f, isFunc := call.Fun.(*ast.FuncLit)
		id, isIdent := call.Fun.(*ast.Ident)
		return isFunc && f != nil || isIdent && id != nil
	}
	x, _ := sel.X.(*ast.Ident)
	return x != nil && slices.Contains([]string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "crc32.MakeTable", "sync.OnceValue", "sync.OnceValues"}, x.Name+"."+sel.Sel.Name)
}

// embedded tells a //go:embed variable.
func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, group := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if group == nil {
			continue
		}
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:embed") {
				return true
			}
		}
	}
	return false
}
