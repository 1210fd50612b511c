package cache

import (
	"context"
	"slices"

	"rollcall"
	"rollcall/block"
	"rollcall/store"
)

// History tells how the figures of a day came about, and gives the rows of the ledger with from ≤ hour < until. Both are read
// from the store each time: few ask. Errors: ErrMoved, or the store's.
func (v *View) History(ctx context.Context, day rollcall.Date, from, until int64) (*store.History, []store.LedgerRow, error) {
	if err := v.admit(); err != nil {
		return nil, nil, err
	}
	under, err := v.open()
	if err != nil {
		return nil, nil, err
	}
	if !v.sameDay(under.Head(), day, from, until) {
		return nil, nil, ErrMoved
	}
	history, err := under.History(ctx, day)
	if err != nil {
		return nil, nil, err
	}
	ledger, err := under.Ledger(ctx, from, until, false)
	return history, ledger, err
}

// sameDay tells whether a head has the day, and the hours of its ledger, in the state that the view has them in.
func (v *View) sameDay(under *store.Head, day rollcall.Date, from, until int64) bool {
	days := func(h *store.Head) []store.Stamp {
		return h.Between(store.DayClock, block.Period(day), block.Period(day)+1)
	}
	ledger := func(h *store.Head) []store.Stamp {
		return h.Between(store.LedgerClock, store.LedgerDay(from), store.LedgerDay(until-1)+1)
	}
	return under.Identity == v.head.Identity && under.Build == v.head.Build &&
		slices.Equal(days(under), days(v.head)) && slices.Equal(ledger(under), ledger(v.head))
}
