// Package api is the HTTP side: it mounts every route, reads parameters, asks the engine, and writes replies; it computes
// no figure. One table of routes gives the handler, the OpenAPI document, the metrics, and what a path's other methods
// are told.
//
// Invariants:
//
//   - a reply with an ETag has the same rows as every other reply with that ETag; a request that names it, weak or not,
//     gets 304 and no block is read (as_of and complete_through are of the moment of a reply, not of the tag);
//   - a listener of the stream that applies every event it gets, or asks anew at a reset, knows each day and hour that
//     has changed, however often it was cut off and whichever process it comes back to; it holds no queue;
//   - what is wrong with a request is said as problem details (RFC 9457) with the parameter and what is valid there;
//   - no request runs longer than the deadline or sends a body beyond the limit; only so many heavy replies are under
//     construction, only so many large ones are being sent, and a client takes each 64 KiB within the pace or is cut off;
//   - every route is in the OpenAPI document, and what the document offers is what the parser takes;
//   - counting a request costs no allocation.
//
// What happens on failure:
//
//	a bad request, too large a body             400, 413
//	too costly a question                       422 with the estimate and the limit
//	at the deadline, in the queue or later      503 with Retry-After
//	too many listeners                          503 with Retry-After
//	the store fails                             500; the cause goes to the log, not to the client
//	a failure after the first byte of a reply   the connection is broken, so that half a reply is never taken for a whole one
//	the source of changes fails                 the stream ends; the client comes back with the id of its last event
//	the server stops                            streams end at once, requests under way are answered
package api
