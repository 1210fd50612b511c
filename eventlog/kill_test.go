package eventlog_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"rollcall/eventlog"
)

const childEnv = "EVENTLOG_TEST_CHILD"

func killConfig(dir string) eventlog.Config {
	return eventlog.Config{Dir: dir, Shards: 2, SegmentBytes: 100_000}
}

// appendForEver is the child process: writers append, and each Append that returned is a line of output.
func appendForEver(dir string) int {
	l, err := eventlog.Open(killConfig(dir), eventlog.Deps{})
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d.%d.%d", os.Getpid(), w, i)
				filler := strings.Repeat("x", i*37%3000)
				if err := put(l, rec(0, "%s/0/%s", name, filler), rec(1, "%s/1/%s", name, filler)); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(name)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return 0
}

// TestKill: a process that appends is killed at random moments; all that it acknowledged is there, and nothing in part.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var acked []string
	for range 10 {
		acked = append(acked, killChild(t, dir, 1+rand.IntN(300))...)
		l := open(t, killConfig(dir), eventlog.Deps{})
		must(t, l.Verify(t.Context()))
		all, err := contents(l)
		must(t, err)
		must(t, l.Close())
		found := map[string]int{}
		for _, payloads := range all {
			for _, p := range payloads {
				name, _, _ := strings.Cut(p, "/")
				found[name]++
			}
		}
		for name, n := range found {
			if n != 2 {
				t.Errorf("append %s: %d of 2 records", name, n)
			}
		}
		for _, name := range acked {
			if found[name] == 0 {
				t.Errorf("append %s was acknowledged and is gone", name)
			}
		}
	}
}

// killChild starts a child, kills it after some lines, and gives all that it wrote.
func killChild(t *testing.T, dir string, lines int) []string {
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var acked []string
	scan := bufio.NewScanner(out)
	for scan.Scan() {
		if strings.HasPrefix(scan.Text(), "error") {
			t.Error(scan.Text())
			break
		}
		if acked = append(acked, scan.Text()); len(acked) == lines {
			must(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait()
	if len(acked) < lines {
		t.Fatalf("the child ended after %d lines", len(acked))
	}
	return acked[:max(lines, len(acked)-1)] // the last line may be cut
}
