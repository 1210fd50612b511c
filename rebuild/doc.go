// Package rebuild makes a build of the figures anew, beside the active one, and puts it in its place.
//
//	begin or resume ─→ fold the log from its beginning ─→ reach its end ─→ verify ─→ hold the active build ─→ reach the end ─→ activate
//	                   (the aggregator itself, over a build of its own)               (nobody commits to it)
//
// Going back to a build that was kept is the same without the beginning: it folds what it has missed.
//
// Invariants:
//
//   - the new build is folded by the same engine from the same records, so that at equal offsets and settings its figures are
//     those of the active one, and at others what the active one would have had;
//   - it is activated only where it has come as far as the active one in every shard, so that no reply goes back in time;
//   - until that moment the active build is untouched and goes on counting, but for the moment of the hold, in which the log takes
//     what comes; readers see the one or the other;
//   - events that were too late for the active build are not too late for a new one: they come back.
//
// What happens on failure:
//
//	the process ends at any step      the active build stays, or the new one is active; the next rebuild with the same settings goes
//	                                  on where the new build's last commit is
//	verification finds a difference   the new build stays beside the active one, to be looked at, and is not activated
//	the log's beginning is trimmed    eventlog.ErrTrimmed, and the new build stays empty
//	the store fails                   as for every aggregator: asked again until it answers
package rebuild
