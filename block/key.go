package block

import (
	"errors"
	"fmt"
	"time"

	"rollcall"
)

// ErrCorrupt tells that a blob is not what Encode made for its key. It comes wrapped with the key and the reason.
var ErrCorrupt = errors.New("corrupt block")

// String names the block for errors and logs.
func (k CellKey) String() string {
	return fmt.Sprintf("cells of %v %s cuboid %#x", k.Grain, k.Period.text(k.Grain), uint32(k.Cuboid))
}

// String names the block for errors and logs.
func (k SetKey) String() string {
	return fmt.Sprintf("sets of %v %s shard %d", k.Grain, k.Period.text(k.Grain), k.Shard)
}

func (p Period) text(g rollcall.Grain) string {
	if g == rollcall.Minute {
		return time.Unix(int64(p)*60, 0).UTC().Format("2006-01-02T15:04Z")
	}
	return rollcall.Date(p).String()
}
