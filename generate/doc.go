// Package generate makes synthetic user activity: a Stream of history in order of arrival, and Live traffic for an
// instant the caller gives. It is pure: no clock, no I/O, and the same Config gives the same events, byte for byte. The
// demo, the benchmarks and `rollcall generate` all draw from it.
//
// The model: a population that grows from about half to all of its users; a weekly rhythm and a daily one; about five
// events per active user and day, clustered in sessions whose neighbours are mostly two or three minutes apart, a third
// of them with a single event; campaigns by a Zipf law with exponent 1.1; an age group and a country that stick to the
// user; a device that sticks to the session.
//
// Invariants:
//
//   - a Stream gives exactly Config.Events distinct events, and for each one drawn as a duplicate the same event once more;
//   - event ids are unique within a seed;
//   - times lie in [Until - Days, Until); without late events and duplicates they never fall from one event to the next.
//
// It has no failure but a Config that makes no sense, which New reports with the field's name.
package generate
