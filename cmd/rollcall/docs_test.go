package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
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
