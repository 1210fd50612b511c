// Package registry decodes messages in the Confluent wire format, whose schemas lie in a schema registry: Avro and
// Protobuf, each as an intake.Format.
//
// The record becomes a flat JSON object: its scalar fields by name, those of records within it by their path with dots.
//
//	bytes, strings                  text (bytes that are no UTF-8 are refused)
//	fixed                           hex; a UUID in its usual form
//	timestamps, google.protobuf.Timestamp   RFC 3339 in UTC; local timestamps without an offset
//	date                            YYYY-MM-DD
//	decimal, google.protobuf.Duration       a decimal number; a duration in seconds
//	enums                           their symbols
//	arrays and maps                 [], which no field of an event takes
//
// Invariants:
//
//   - the outcome depends on the bytes of the message and on its schema alone, which never changes under its id: a message
//     read again gives the same event, or is refused again;
//   - so a schema that the registry does not know (yet), or a registry that is away, is waited for, and nothing is refused
//     because of it. Config.Refuse names ids to refuse instead;
//   - whatever the bytes, decoding ends, within limits of depth, items and size;
//   - the schemas held are bounded, and so is what is read of the registry;
//   - no error repeats a password.
//
// What happens on failure:
//
//	the registry is away, or denies us       asked again with pauses up to 10 s, logged; the partition waits
//	it has no schema of the id               the same
//	the schema is of another kind, or faulty the message is refused: intake.ErrMismatch
//	the bytes don't match the schema         the same
package registry
