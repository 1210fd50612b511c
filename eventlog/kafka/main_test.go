//go:build unix

package kafka_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"rollcall/eventlog"
	"rollcall/eventlog/kafka"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		if err := obey(order); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const childEnv = "KAFKA_TEST_CHILD"

// order is what a child process does until it is killed: own shards, or rekey.
type order struct {
	Brokers     []string
	Topic       string
	Shards      int
	Group, Name string
	Source      string // to rekey
}

func (o order) config() kafka.Config {
	return kafka.Config{Brokers: o.Brokers, Topic: o.Topic, Shards: o.Shards, Group: o.Group, FetchWait: fetchWait, SessionTimeout: session}
}

// obey prints a line for each thing that happens.
func obey(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	deps := kafka.Deps{Log: slog.New(slog.DiscardHandler)}
	ctx := context.Background()
	if o.Source != "" {
		return kafka.Rekey(ctx, o.config(), deps, kafka.Source{Topic: o.Source, Group: o.Group, Member: o.Name, TransactionTimeout: session}, spread(o.Shards))
	}
	l, err := kafka.Open(ctx, o.config(), deps)
	if err != nil {
		return err
	}
	return l.Own(ctx, printer{})
}

// spread translates each message to a record that names it.
func spread(shards int) kafka.Translate {
	return func(_ context.Context, messages []eventlog.Message) ([]eventlog.Record, error) {
		fmt.Println("messages", len(messages)) // the parent of a child waits for it
		var out []eventlog.Record
		for _, m := range messages {
			out = append(out, eventlog.Record{Shard: (m.Shard + int(m.Offset)) % shards, Count: 1, Payload: fmt.Appendf(nil, "%d/%d", m.Shard, m.Offset)})
		}
		return out, nil
	}
}

type printer struct{}

func (printer) Take(shards []int)                       { fmt.Println("take", shards) }
func (printer) Release(_ context.Context, shards []int) { fmt.Println("release", shards) }
func (printer) Lose(shards []int)                       { fmt.Println("lose", shards) }

// child is a process that obeys.
type child struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out []string
	eof chan struct{}
}

func spawn(t *testing.T, o order) *child {
	t.Helper()
	text, err := json.Marshal(o)
	must(t, err)
	c := &child{cmd: exec.Command(os.Args[0]), eof: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	c.cmd.Stderr = os.Stderr
	stdout, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	go c.read(stdout)
	t.Cleanup(c.kill)
	return c
}

func (c *child) read(from io.Reader) {
	defer close(c.eof)
	for lines := bufio.NewScanner(from); lines.Scan(); {
		c.mu.Lock()
		c.out = append(c.out, lines.Text())
		c.mu.Unlock()
	}
}

// said tells whether a line began like this.
func (c *child) said(prefix string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.out {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }

func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	<-c.eof
	_ = c.cmd.Wait()
}
