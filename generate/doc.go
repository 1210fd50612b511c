// Package generate makes synthetic user activity: a Stream of history in order of arrival, and Live traffic for an
// instant the caller gives, for benchmarks and `rollcall generate`; and a Story, which is both, for the demo. It is pure: no
// clock, no I/O, and the same configuration gives the same events, byte for byte.
//
// The model of Stream and Live: a population that grows from about half to all of its users; a weekly rhythm and a daily one; about five
// events per active user and day, clustered in sessions whose neighbours are mostly two or three minutes apart, a third
// of them with a single event; campaigns by a Zipf law with exponent 1.1; an age group and a country that stick to the
// user; a device that sticks to the session.
//
// The model of a Story:
//
//	timeline   how busy each hour is: growth, weekdays, the hours of each country, campaigns, an outage
//	   ↓
//	visits     a Poisson process; the first one of somebody, or one of the crowd
//	   ↓            campaign: launches and leaves; says who it brings, how many bounce
//	crowd      who came on which day; r of them return t days later, r falling as a power of t, some much more often
//	   ↓
//	queue      events in order of arrival, some late, some twice
//
// A Story has no end. Its history is what arrives before Until, and live traffic the rest, asked for as it arrives: there is no
// seam between the two. Resume leaves a time out, or sets another rate.
//
// Invariants:
//
//   - a Stream gives exactly Config.Events distinct events, and for each one drawn as a duplicate the same event once more;
//   - event ids are unique within a seed, and those of a Story also over every Resume;
//   - times lie in [Until - Days, Until); without late events and duplicates they never fall from one event to the next;
//   - what a Story gives until an instant does not depend on how often it was asked before;
//   - a line of Broken is accepted by no intake.
//
// It has no failure but a configuration that makes no sense, which New, NewLive and NewStory report with the field's name.
package generate
