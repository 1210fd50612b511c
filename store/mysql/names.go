package mysql

import (
	"fmt"
	"strings"

	"rollcall/store"
)

// mark stands in statements before the name of a table that each build has one of.
const mark = "~"

// tables are the tables of one build, as a handle on it sees them. Whether a build is the active one is written with the
// sign of its rows: that of the head and those of the shards have another key while it is not. So a statement that locks
// its rows by key finds none once the build is something else, in the statement that it sends anyway; and a release that
// knows nothing of builds finds none either.
type tables struct {
	build  uint32
	beside bool // the handle works on a build that is not active
	prefix string
}

func tablesOf(build uint32, beside bool) tables {
	t := tables{build: build, beside: beside}
	if build > 1 {
		t.prefix = fmt.Sprintf("b%d_", build)
	}
	return t
}

// in names the tables of a statement.
func (t *tables) in(statement string) string { return strings.ReplaceAll(statement, mark, t.prefix) }

// head is what the row of the head has as its build while the handle may write.
func (t *tables) head() int64 {
	if t.beside {
		return -int64(t.build)
	}
	return int64(t.build)
}

// shard is the key of a shard's row while the handle may write.
func (t *tables) shard(number int) int {
	if t.beside {
		return -1 - number
	}
	return number
}

// shardOf is the shard that a row stands for.
func shardOf(key int) int { return max(key, -1-key) }

// retired is the failure of a handle that finds its rows no longer.
func (t *tables) retired() error {
	if t.beside {
		return fmt.Errorf("build %d is no longer beside the active one: %w", t.build, store.ErrRetired)
	}
	return fmt.Errorf("build %d: %w", t.build, store.ErrRetired)
}

// pattern matches the names of the tables, and no other build's.
func (t *tables) pattern() string {
	if t.prefix == "" {
		return "^[^b]|^b[^0-9]"
	}
	return "^" + t.prefix
}
