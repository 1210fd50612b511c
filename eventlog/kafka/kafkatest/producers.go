//go:build unix

package kafkatest

import (
	"os/exec"
	"strings"
	"testing"
)

// ConsoleProducer sends lines with Kafka's own kafka-console-producer. With keys, a line is key, tab, value.
func (s *Server) ConsoleProducer(t testing.TB, topic string, keys bool, lines []string) {
	t.Helper()
	args := []string{"--bootstrap-server", s.addrs[Client], "--topic", topic}
	if keys {
		args = append(args, "--property", "parse.key=true", "--property", "key.separator=\t")
	}
	feed(t, s.java("org.apache.kafka.tools.ConsoleProducer", args...), lines)
}

// Kcat sends lines with kcat, a client over librdkafka, with args of its own. With keys, a line is key, tab, value.
func (s *Server) Kcat(t testing.TB, topic string, keys bool, lines []string, args ...string) {
	t.Helper()
	args = append([]string{"-P", "-b", s.addrs[Client], "-t", topic}, args...)
	if keys {
		args = append(args, "-K", "\t")
	}
	cmd := exec.Command("kcat", args...)
	cmd.SysProcAttr = dieWithParent()
	feed(t, cmd, lines)
}

func feed(t testing.TB, cmd *exec.Cmd, lines []string) {
	t.Helper()
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %.2000s", cmd.Path, err, out)
	}
}
