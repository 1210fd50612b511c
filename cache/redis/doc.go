// Package redis keeps the second level of blobs in a Redis that processes share, and tells other processes of commits
// over its pub/sub. It speaks to one server, to a Sentinel group and to a Cluster; docs/design/cache.md says why it is
// built on rueidis and how it is tuned.
//
//	Get ──→ breaker ──→ MGET, waited for no longer than Timeout ──→ open (seal.go) ──→ blobs
//	Put, Delete ──→ pending (pending.go) ──→ writer: SET EX, UNLINK (write.go)
//	Announce ──→ PUBLISH (announce.go)     Listen ←── SUBSCRIBE, again after each loss
//	                    client (client.go): connected in the background, again and again until it succeeds
//
// Invariants:
//
//   - no reader waits longer than Timeout in a Get; with the server dead, slow or mute, at most Failures Gets in a row
//     wait that long, then one in each Pause: TestMuteServerCostsOneTimeoutAPause, TestSlowServer
//   - a blob that Get gives is, byte for byte, one that was put under that key: TestDamagedAndForeignValues
//   - Put, Delete and Announce never wait for the server, and what waits to be written is bounded: TestPendingIsBounded
//   - of a key put and deleted, the later call prevails, unless it was dropped or got no reply in two seconds:
//     TestLastCallPrevails
//   - no key is without an end: TestRoundTrip
//   - whoever listens hears of each commit announced while the server was there, and once after each reconnection:
//     TestAnnouncements, TestListenHearsAfterRestart
//   - Close takes a few seconds at most and ends every goroutine, but for sleepers of the library, which end by themselves
//     within five seconds of a change in a Cluster: TestCloseWithMuteServer, TestMain
//   - no password is in a message: FuzzParseAddr of redisaddr, TestWrongPassword, TestErrorsHidePasswords
//
// What happens on failure:
//
//	no server at the start        New succeeds; Gets find nothing at once until the server comes
//	server dead, slow or mute     the breaker opens: Gets find nothing at once, puts are dropped and counted
//	server rejects (password, …)  the same, and the log says why
//	server full, noeviction       Gets go on; its refusal of a put is counted, and the log has said what to set
//	server lost its data          Gets find nothing; readers put again
//	failover, resharding          followed; meanwhile as a dead server
//	damaged or foreign value      not found, counted
//	more puts than the server takes  the newest are dropped, counted
//	an announcement is lost       the reader's polling finds the commit
package redis
