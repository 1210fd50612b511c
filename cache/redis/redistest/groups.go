//go:build unix

package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Sentinel is a master, its replica, and one sentinel that watches them.
type Sentinel struct {
	Master, Replica, Sentinel *Server
	Name                      string // of the master
	URL                       string // redis-sentinel://…
}

// StartSentinel starts the group, and waits until the sentinel knows the replica and the replica is in step. The sentinel
// takes a master for dead after half a second.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	g := &Sentinel{Name: "main"}
	g.Master = Start(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(g.Master.Addr)
	g.Replica = Start(t, "--repl-diskless-sync-delay", "0", "--replicaof", host+" "+port)
	g.Sentinel = start(t, Options{}, func(dir string) []string {
		conf := filepath.Join(dir, "sentinel.conf")
		lines := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s 1\nsentinel down-after-milliseconds %[1]s 500\n"+
			"sentinel failover-timeout %[1]s 3000\n", g.Name, host, port)
		if err := os.WriteFile(conf, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{conf, "--sentinel", "--port", "%port"}
	})
	g.URL = "redis-sentinel://" + g.Sentinel.Addr + "/" + g.Name
	Eventually(t, "the replica is in step and the sentinel knows it", func() bool {
		return strings.Contains(g.Replica.Do("INFO", "replication"), "master_link_status:up") &&
			strings.Contains(g.Sentinel.Do("INFO", "sentinel"), "slaves=1")
	})
	return g
}

// Cluster is three masters without replicas.
type Cluster struct {
	Nodes []*Server
	URL   string // redis-cluster://…
}

// StartCluster starts the nodes, joins them, and waits until each knows that the cluster is whole.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	var addrs []string
	for range 3 {
		node := Start(t, "--cluster-enabled", "yes", "--cluster-port", "%bus", "--cluster-node-timeout", "2000",
			"--cluster-require-full-coverage", "no")
		c.Nodes, addrs = append(c.Nodes, node), append(addrs, node.Addr)
	}
	args := append(append([]string{"--cluster", "create"}, addrs...), "--cluster-replicas", "0", "--cluster-yes")
	if out, err := exec.Command("redis-cli", args...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli %q: %v\n%s", args, err, out)
	}
	c.URL = "redis-cluster://" + strings.Join(addrs, ",")
	Eventually(t, "each node knows the whole cluster", func() bool {
		whole := 0
		for _, node := range c.Nodes {
			info := node.Do("CLUSTER", "INFO")
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") && strings.Contains(info, "cluster_slots_assigned:16384") {
				whole++
			}
		}
		return whole == len(c.Nodes)
	})
	return c
}

// Eventually waits until ok is true, and fails the test if it does not become so.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not in %s: %s", Patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func text(reply any) string {
	switch reply := reply.(type) {
	case nil:
		return ""
	case string:
		return reply
	default:
		return fmt.Sprint(reply)
	}
}
