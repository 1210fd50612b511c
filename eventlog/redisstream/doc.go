// Package redisstream is the log in Redis Streams: a stream a shard, an entry a record, for any number of processes. It
// needs Redis 7.0 or newer, alone, behind Sentinel or a Cluster.
//
// Everything lies under {prefix}:log: and so in one slot: in a Cluster the log of an installation lives on one primary.
// That is what lets one Append to many shards and its mark be there whole or not at all. Who needs more than one primary
// carries runs the log on Kafka.
//
//	{prefix}:log:meta      identity, number of shards, format      {prefix}:log:members  members, by the end of their lease
//	{prefix}:log:0 …       streams: n number, c count,             {prefix}:log:owners   shard → member
//	                       s CRC-32C, p payload                    {prefix}:log:news     channel: shards with new records
//	{prefix}:log:numbers   shard → number of its last record       {prefix}:log:turns    channel: members come and go
//	{prefix}:log:marks     source → position
//
// Offsets are ms<<21 | seq of the entry's id, which Redis gives: 2^21 records a millisecond, and the year 2109. They rise
// and are not dense, and no id is given twice unless Redis loses data and its clock is set back as well.
//
// Each operation is one script, and so one round trip and one instant at the server (scripts/):
//
//	Append ─→ append.lua ─→ streams, marks ─→ news ─→ Fetch ─→ fetch.lua    append.go, mark.go, news.go, fetch.go
//	Report ─→ report.lua ─→ consumer group, trim                            report.go
//	Own    ─→ turn.lua, give.lua ─→ members, owners ─→ turns                own.go
//
// Invariants:
//
//   - an Append is there whole or not at all, with its mark: TestAppendIsWholeOrNothing, TestKilledServer
//   - what was acknowledged is read back, if Redis runs with appendfsync always or Replicas have it: TestKilledServer;
//     otherwise opening warns: TestWarnsOfWhatMayBeLost
//   - a mark moves only from where its reader believes it to be, so of two readers of a source one is refused, and an
//     Append repeated after an unknown outcome is not written twice: TestMarks
//   - Fetch goes on at an offset only if the record before it is still there, the records it returns are numbered without
//     a gap, and each matches its checksum. Redis that lost its data, was flushed, or holds another log gives ErrLost, and
//     never other records in their place: TestLostTail, TestFlushed, TestAnotherLog, TestDamagedEntries
//   - nothing that a snapshot needs is trimmed, nor the record before it: TestReportTrims
//   - a shard has one owner among members that hold their lease; who can't renew it in time says so before another can
//     take over: TestMembersShare, TestDeadMember, TestRedisAway. This makes the work even and quick to move, no more.
//     Exactly-once rests on the fence of the store: two processes may for a moment both believe that they own a shard.
//
// Not seen: with appendfsync everysec or without an append-only file, records that were acknowledged, lost by Redis, and
// never read by anyone. Only the settings prevent that.
//
// What happens on failure:
//
//	Redis away, loading, frozen   Append ErrUnavailable after Timeout; Fetch waits and goes on; owners lose their shards
//	                              at the end of the lease, and take them again
//	memory full, MaxBytes         Append ErrFull; fetching, trimming and leases go on, which makes room
//	data lost, FLUSHALL           ErrLost from Fetch, Append (with ErrUnavailable), Bounds, Own
//	failover to a replica that    ErrLost from the Fetch of each shard that lacks what was read
//	  lacked acknowledged data
//	a message was lost            a Fetch looks again after Poll, a member at its next turn
//	a member is killed            its shards are free after LeaseTime at most, and taken within a second from then
package redisstream
