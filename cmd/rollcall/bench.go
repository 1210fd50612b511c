package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// Modes of a benchmark.
const (
	modeWarm     = "warm"     // blocks in memory, the answer worked out each time
	modeCold     = "cold"     // nothing in memory but what the operating system keeps of the file
	modeRepeated = "repeated" // finished answers, over HTTP
)

type benchCmd struct {
	Settings
	Server      string        `help:"Measure a running server at this address, over HTTP." placeholder:"URL" group:"Bench"`
	Key         string        `help:"API key of the server." placeholder:"KEY" env:"ROLLCALL_KEY" group:"Bench"`
	Mode        []string      `help:"warm, cold, repeated; all that are possible by default." enum:"warm,cold,repeated," placeholder:"warm,cold" group:"Bench"`
	Questions   []string      `help:"Only these; all by default." placeholder:"days,mau" group:"Bench"`
	Runs        int           `help:"Most times a question is asked, warm and cold." default:"1000" group:"Bench"`
	Duration    time.Duration `help:"Longest time for one question in one mode." default:"1s" group:"Bench"`
	Connections int           `help:"Connections of the repeated questions." default:"64" group:"Bench"`
	Ingest      float64       `help:"Measure without and with so many live events a second, in turns." placeholder:"20000" group:"Bench"`
	Rounds      int           `help:"Turns without and with ingest." default:"2" group:"Bench"`
	Users       int           `help:"Population of the live events." default:"2000000" group:"Bench"`
	Scratch     bool          `help:"The data may be changed: --ingest adds events to them." group:"Bench"`
	CPUProfile  string        `name:"cpu-profile" help:"Write a profile of this process." placeholder:"FILE" group:"Bench"`
	Format      string        `help:"Form: table or json." enum:"table,json" default:"table"`
}

func (c *benchCmd) Help() string {
	return `Asks a fixed list of questions about the newest 90 days that have data, and tells how long the answers take. In
process, "answer" is the time of the engine and "reply" has the JSON written too; over HTTP both are one.

Questions: ` + strings.Join(questionNames(), ", ") + `.

Examples:
  rollcall bench --data ./bench
  rollcall bench --questions days,mau --mode warm --duration 10s --format json
  rollcall bench --server http://localhost:8080 --connections 16
  cp -r ./bench ./scratch && rollcall bench --data ./scratch --scratch --ingest 20000`
}

func (c *benchCmd) Run(e *world) (err error) {
	cfg, err := c.config(e.environ)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return err
	}
	t, err := c.target(e, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	stop, err := profile(c.CPUProfile)
	if err != nil {
		return err
	}
	b := &bench{benchCmd: c, target: t, progress: e.err}
	err = b.run(e.ctx)
	if err = errors.Join(err, stop()); err != nil {
		return err
	}
	return b.print(e.out)
}

func (c *benchCmd) check() error {
	for _, name := range c.Questions {
		if !slices.Contains(questionNames(), name) {
			return usageError(fmt.Sprintf("--questions %s: there is no such question; give some of %s", name, strings.Join(questionNames(), ", ")))
		}
	}
	switch {
	case c.Runs < 1:
		return usageError(fmt.Sprintf("--runs %d: give 1 or more", c.Runs))
	case c.Duration <= 0:
		return usageError(fmt.Sprintf("--duration %s: give a time such as 1s", c.Duration))
	case c.Connections < 1 || c.Connections > 10_000:
		return usageError(fmt.Sprintf("--connections %d: give 1 to 10000", c.Connections))
	case c.Rounds < 1 || c.Users < 1:
		return usageError("--rounds and --users: give 1 or more")
	case c.Ingest < 0 || c.Ingest > 1e7:
		return usageError(fmt.Sprintf("--ingest %g: give events a second, such as 20000", c.Ingest))
	case c.Ingest > 0 && !c.Scratch:
		return usageError("--ingest adds events to the data: copy them (cp -r DIR COPY) and name the copy with --data COPY --scratch")
	case c.Server != "" && slices.Contains(c.Mode, modeCold):
		return usageError("--mode cold does not go with --server: a server's memory can't be emptied over HTTP")
	}
	return nil
}

func (c *benchCmd) target(e *world, cfg Config) (target, error) {
	if c.Server != "" {
		return newRemoteTarget(c.Server, c.Key)
	}
	return newLocalTarget(e, cfg, c.Ingest > 0)
}

// target is what a benchmark measures.
type target interface {
	dimensions(ctx context.Context) ([]string, error)
	dataset(ctx context.Context) (*dataset, error)
	// ask has a question answered, warm or cold.
	ask(ctx context.Context, mode string, q *question) (reply, error)
	modes() []string
	// ingest gives where live events of some dimensions go, and what waits until they are in the figures and the store is
	// at rest.
	ingest(dims []string) (to sink, settle func(context.Context) error)
	// server gives a client of the server that answers repeated questions.
	server() *client
	close() error
}

// reply is how long an answer took.
type reply struct {
	answer time.Duration // until the rows are there; 0 over HTTP
	whole  time.Duration // until the JSON is written; over HTTP, read
}

// profile begins to write a profile into a file, if one is named.
func profile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}
