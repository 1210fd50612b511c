package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"

	"rollcall/cache/redis"
)

// Every key and its default are in docs/configuration.md, every command in docs/cli.md.
func TestDocumentation(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	c, doc := defaults(), read("configuration.md")
	for _, s := range settings(&c) {
		row := ""
		for line := range strings.Lines(doc) {
			if strings.HasPrefix(line, "| `"+s.key+"` ") {
				row = line
			}
		}
		def := fmt.Sprint(s.value.plain())
		if row == "" || len(def) > 1 && def != "[]" && def != "map[]" && !strings.Contains(row, "`"+def+"`") {
			t.Errorf("docs/configuration.md: %s with default %s: %q", s.key, def, row)
		}
		if s.lasting != strings.Contains(row, "` * |") {
			t.Errorf("docs/configuration.md: %s: the mark of lasting settings is wrong", s.key)
		}
	}
	parser, err := kong.New(&program{})
	if err != nil {
		t.Fatal(err)
	}
	cli := read("cli.md")
	for _, leaf := range parser.Model.Leaves(false) {
		if command := strings.TrimPrefix(leaf.FullPath(), parser.Model.Name+" "); !strings.Contains(cli, "`"+command) {
			t.Errorf("docs/cli.md: no %s", command)
		}
	}
}

// Every figure of GET /metrics that is this program's own is in docs/operations.md.
func TestFiguresAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	names, figures := make(chan *prometheus.Desc, 1000), 0
	newGauges(nil).Describe(names)
	newCacheGauges(nil, &redis.Cache{}).Describe(names)
	newTurnGauges(nil).Describe(names)
	storeFigures(nil).Describe(names)
	sourceFigures(nil).Describe(names)
	newArchiveGauges(nil).Describe(names)
	close(names)
	for desc := range names {
		name := strings.Split(desc.String(), "\"")[1]
		if figures++; !strings.Contains(string(doc), "`"+name+"`") && !strings.Contains(string(doc), "`"+name+"{") {
			t.Errorf("docs/operations.md: no %s", name)
		}
	}
	if figures < 40 {
		t.Errorf("%d figures", figures)
	}
}
