// Package api answers HTTP requests about the figures: /api/v1/metrics, /api/v1/query, /api/v1/retention,
// /api/v1/dimensions, /api/v1/status, /healthz and /readyz. It reads parameters, asks the engine, and writes replies; it computes nothing.
//
// Invariants:
//
//   - a reply with an ETag has the same rows as every other reply with that ETag; a request that names it gets 304
//     and no block is read (freshness, late and duplicates are then those of the first reply or newer);
//   - what is wrong with a request is said as problem details (RFC 9457) with the parameter and what is valid there;
//   - no request runs longer than the deadline or sends a body beyond the limit.
//
// On a bad request the reply is 400, on too large a body 413, at the deadline 503 with Retry-After, and when the store
// fails 500; the cause goes to the log, not to the client. A failure after the first byte of a reply breaks the
// connection, so that half a reply is never taken for a whole one.
package api
