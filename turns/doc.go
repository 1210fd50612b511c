// Package turns lets processes that write the same hot rows do so one after another, instead of waiting for each other's
// locks in the database and starting over when it finds a deadlock. A turn is a lock in Redis by Redlock: it is held when
// a majority of independent servers has granted it. docs/design/store.md tells when turns are worth their price.
//
// Nothing rests on a turn. The store is right with every process writing at once; a process that can't have a turn in time
// writes without. So a turn that two hold at once (a server lost its memory, a holder took longer than Expiry) costs what
// having no turns costs, and no more.
//
// Invariants:
//
//   - while a majority of the servers answers, keeps its memory, and no holder takes longer than Expiry, at most one
//     process has the turn;
//   - Take returns within Wait, whatever the servers do, and soon (0.2 s) when ctx ends;
//   - after a Take that failed for want of servers, further ones go without at once for Pause, so that servers that hang
//     cost a fraction of the time;
//   - a turn that ends never ends one that another process has taken since;
//   - a holder that dies has the turn for Expiry at most.
//
// On failure:
//
//	fewer than a majority answer     Take goes on without a turn; counted
//	the turn does not come in Wait   the same
//	the holder is slower than Expiry its turn is over: another may begin; the end of the first is without effect
package turns
