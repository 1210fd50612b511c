package store

import "fmt"

func (e *FencedError) Error() string {
	return fmt.Sprintf("shard %d: %v: owner had epoch %d offset %d, store has epoch %d offset %d",
		e.Shard, ErrFenced, e.Want.Epoch, e.Want.Offset, e.Stored.Epoch, e.Stored.Offset)
}

func (e *FencedError) Unwrap() error { return ErrFenced }
