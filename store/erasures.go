package store

import (
	"context"
	"errors"

	"rollcall"
)

// Erasure is a user who was erased from a log that can't be written anew: readers pass over the events of records before
// Until. Those of a build that was begun before, whose state has seen the events, do not: its state is made again from them.
type Erasure struct {
	User  [16]byte // the first 128 bits of the HMAC-SHA256 of the id under the key of the list
	Shard int
	Until rollcall.Offset // the user may come back from here on
	Build uint32          // the first that is without the user
	At    int64           // Unix ms
}

// Erasures keeps the list of a data set, which holds no user id. It outlives builds.
type Erasures interface {
	// Erasures gives the key of the list, a secret that is made at the first call, and the list by user, shard and build.
	Erasures(ctx context.Context) (key []byte, list []Erasure, err error)
	// AddErasures makes entries durable, all or none. One of the same user, shard and build as another reaches as far as
	// the one that reaches farther.
	AddErasures(ctx context.Context, add []Erasure) error
	// ForgetErasures deletes the entries of a shard that hold for no record from an offset on: the log begins there.
	ForgetErasures(ctx context.Context, shard int, first rollcall.Offset) (forgotten int64, err error)
	// Erasing gives what an erasure that has begun and not ended keeps here; nil when there is none.
	Erasing(ctx context.Context) (body []byte, err error)
	// KeepErasing makes body durable in place of was, nil for none, and deletes that when body is nil. ErrErasing when something
	// else is there, and nothing has changed: of two processes that erase at once one goes on.
	KeepErasing(ctx context.Context, was, body []byte) error
}

// ErrErasing tells that another process erases users, or has gone on with an erasure.
var ErrErasing = errors.New("another erasure is under way")
