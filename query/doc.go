// Package query answers questions about user activity: it plans which blocks answer a request, reads them from one
// consistent view of the store, combines them and gives the rows.
//
// Invariants:
//
//   - every figure equals what counting the accepted events that match the filter, the bucket and the range would give;
//   - one reply reads one view, so that no commit is half in it;
//   - counters are added over cells; distinct users are read from a counter only where a row is exactly one cell of a
//     materialised cuboid and one bucket of a stored grain, and are counted from the user sets otherwise;
//   - retention takes cohorts from the first event of all of each user, and the activity of each unit from the same sets as
//     active users;
//   - which rows come back is decided by the cells alone; user sets only fill figures in;
//   - a comparison is a second plan over the range before, read from the same view, for rows that exist beforehand;
//   - the group that unites all but the first is one more number for the combinations of values that have none;
//   - an answer kept is given again only while its tag is that of the question: a hash of the checked request and of the
//     versions of all that is read for it;
//   - cells are read some periods at a time; where users must be united in many groups, the packed user sets of the range
//     are held, and the cost limit bounds them; besides, memory follows the rows, and the users of the shards.
//
// A request that can't be answered as asked gives a *BadRequest that names the parameter, the reason and what is valid; one
// that would read too much a *TooCostly, before anything is read.
// When the store fails or the context ends, Query returns that error and no rows; nothing is kept, and asking again is
// safe.
package query
