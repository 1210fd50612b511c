package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/store"
)

// With a build from another log becoming active, all builds from the log before go in the same step, and their files when the
// directory is opened again; the letters that no commit brought go over.
func TestActivationOfAnotherLog(t *testing.T) {
	dir, ctx := twoBuilds(t), context.Background()
	b := openBuildsIn(t, dir)
	made, err := b.Begin(ctx, store.Build{Dimensions: []string{"a"}, Shards: 3, Log: 1})
	must(t, err)
	before := handleOn(t, b, 1, false)
	must(t, b.Activate(ctx, 1, made.Number))
	if _, err := before.View(ctx); !errors.Is(err, store.ErrRetired) {
		t.Errorf("a view of the build before: %v", err)
	}
	must(t, before.Close())
	b = openBuildsIn(t, dir)
	all, err := b.Builds(ctx)
	must(t, err)
	if len(all) != 1 || all[0].Number != made.Number || all[0].State != store.Active || all[0].Log != 1 || all[0].Shards != 3 {
		t.Errorf("%+v", all)
	}
	s := handleOn(t, b, made.Number, false)
	letters, err := s.Letters(ctx, store.LetterQuery{Limit: 1})
	must(t, err)
	if len(letters) != 1 {
		t.Error("no letter went over")
	}
	must(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "store*.db*"))
	must(t, err)
	for _, f := range files {
		if !strings.HasPrefix(filepath.Base(f), "store-3.db") {
			t.Errorf("%s is left", f)
		}
	}
	if len(files) == 0 {
		t.Errorf("files %v", files)
	}
}
