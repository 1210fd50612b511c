// Package decode turns bytes into rollcall.Event: JSON, NDJSON, arrays and CSV, compressed or not. It is the only parser
// of untrusted bytes. It is pure: it reads what it is given and knows no clock, file or network.
//
// Invariants:
//
//   - every record of the input reaches Each exactly once and in order, as an event or as a Reject; only blank lines are
//     passed over;
//   - a refused record changes nothing about the records around it, as far as their ends can be told;
//   - the outcome depends on the bytes alone: not on how the input is cut into reads or chunks, not on what the Decoder
//     saw before;
//   - the hand-written scanner accepts what a strict JSON parser accepts (RFC 8259, valid UTF-8), within the limits below,
//     and gives the same texts;
//   - memory stays within a few times MaxLine, whatever the input's size; an accepted event allocates nothing.
//
// Limits: MaxLine bytes a record, 32 levels of nesting, 256 fields an object, and those of package rollcall for values.
//
// On failure:
//
//	a record that is malformed, too large or short of a field   Each gets a Reject with reason, field and detail
//	an array that breaks off or lacks a comma                   one Reject more; what follows the line is read as NDJSON
//	a line or CSV record over MaxLine                           one Reject with its first MaxLine+1 bytes; the rest is skipped
//	a CSV header that names no user or no time                  an error before the first record
//	a read error, a damaged compressed stream                   complete records first, then the error; the cut-off one is dropped
//	Each returns an error                                       decoding stops and returns it
package decode
