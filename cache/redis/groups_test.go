//go:build unix

package redis

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall/cache/redis/redistest"
)

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	cfg := quick(g.URL)
	cfg.Timeout = time.Second
	c := open(t, cfg)
	heard := listen(t, c)
	wantRecovery(t, c)
	g.Master.Kill()
	redistest.Eventually(t, "the replica is master", func() bool { return says(g.Replica, "master") })
	wantRecovery(t, c)
	if n := g.Replica.Do("EXISTS", "rollcall:again"); n != "1" {
		t.Error("what was put after the failover is not at the new master")
	}
	before := heard.Load()
	redistest.Eventually(t, "announcements are heard at the new master", func() bool {
		c.Announce()
		return heard.Load() > before
	})
}

// A master that is demoted without dying, as after a partition, is left as well.
func TestSentinelSwitchOver(t *testing.T) {
	t.Parallel()
	g := redistest.StartSentinel(t)
	c := open(t, quick(g.URL))
	wantRecovery(t, c)
	redistest.Eventually(t, "the sentinel begins", func() bool { // when it has seen the replica in good order
		_, err := g.Sentinel.Ask("SENTINEL", "FAILOVER", g.Name)
		return err == nil
	})
	redistest.Eventually(t, "the old master is a replica", func() bool { return says(g.Master, "slave") })
	redistest.Eventually(t, "puts reach the new master", func() bool {
		c.Put(map[string][]byte{"new": []byte("1")})
		n, _ := g.Replica.Ask("EXISTS", "rollcall:new")
		return n == "1"
	})
	wantRecovery(t, c)
}

// says tells whether a server says it has the role; it cuts its connections when that changes.
func says(s *redistest.Server, role string) bool {
	reply, err := s.Ask("ROLE")
	return err == nil && strings.Contains(reply, role)
}

func TestCluster(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t)
	for _, addr := range []string{g.URL, g.Nodes[1].Addr} { // a single node is enough, and needs no scheme
		cfg := patient(addr)
		cfg.Prefix = "c" + strconv.Itoa(len(addr))
		c := open(t, cfg)
		keys := keysOf(500)
		blobs := sized(keys, 300)
		put(t, c, blobs)
		wantBlobs(t, c, append(slices.Clone(keys), "none"), blobs)
		c.Delete(keys[1:])
		redistest.Eventually(t, "superseded keys are deleted", func() bool { return c.Stats().Deletes == 499 })
		wantBlobs(t, c, keys, map[string][]byte{keys[0]: blobs[keys[0]]})
	}
	wantBadValue(t, g)
	for _, node := range g.Nodes {
		node.Do("FLUSHALL")
	}
	testAnnouncements(t, g.Nodes[0].Addr, g.Nodes[2].Addr)
}

// wantBadValue looks for a value that is no string beside sound keys.
func wantBadValue(t *testing.T, g *redistest.Cluster) {
	t.Helper()
	c := open(t, patient(g.URL))
	put(t, c, map[string][]byte{"sound": {1}})
	for _, node := range g.Nodes {
		_, _ = node.Ask("RPUSH", "rollcall:list", "x") // the others answer MOVED
	}
	wantBlobs(t, c, []string{"list", "sound"}, map[string][]byte{"sound": {1}})
	if s := c.Stats(); s.BadValues != 1 || s.Errors != 0 || s.Breaker != "closed" {
		t.Errorf("%+v", s)
	}
}

// Slots that move to another node are followed.
func TestClusterMoves(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t)
	c := open(t, patient(g.URL))
	blobs := sized(keysOf(100), 100)
	put(t, c, blobs)
	key := "rollcall:" + keysOf(1)[0]
	from, to := move(t, g, key)
	wantBlobs(t, c, keysOf(100), blobs)
	c.Delete(keysOf(1))
	redistest.Eventually(t, "the moved key is deleted", func() bool { return to.Do("EXISTS", key) == "0" })
	if from.Do("DBSIZE") == "0" && to.Do("DBSIZE") == "0" {
		t.Error("no keys left")
	}
}

// move gives the slot of key to a node that hasn't got it.
func move(t *testing.T, g *redistest.Cluster, key string) (from, to *redistest.Server) {
	t.Helper()
	slot := g.Nodes[0].Do("CLUSTER", "KEYSLOT", key)
	for _, node := range g.Nodes {
		if n := node.Do("CLUSTER", "COUNTKEYSINSLOT", slot); n != "0" {
			from = node
		} else {
			to = node
		}
	}
	host, port, _ := strings.Cut(to.Addr, ":")
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do("CLUSTER", "MYID"))
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", to.Do("CLUSTER", "MYID"))
	from.Do("MIGRATE", host, port, "", "0", "5000", "KEYS", key)
	for _, node := range g.Nodes {
		node.Do("CLUSTER", "SETSLOT", slot, "NODE", to.Do("CLUSTER", "MYID"))
	}
	return from, to
}

// With a node gone, what the others hold is found.
func TestClusterLosesANode(t *testing.T) {
	t.Parallel()
	g := redistest.StartCluster(t)
	cfg := quick(g.URL)
	cfg.Timeout = 5 * time.Second
	c := open(t, cfg)
	blobs := sized(keysOf(300), 100)
	put(t, c, blobs)
	g.Nodes[2].Kill()
	redistest.Eventually(t, "the others' blobs are found", func() bool {
		found := 0
		for i, blob := range c.Get(t.Context(), keysOf(300)) {
			if blob != nil && string(blob) == string(blobs[keysOf(300)[i]]) {
				found++
			}
		}
		return found > 100 && found < 300
	})
}
