package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones, where the system has none

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"
)

// Exit statuses.
const (
	done     = 0
	failed   = 1
	wrongUse = 2
	differs  = 3
)

// usageError is a mistake of the caller: exit status 2.
type usageError string

func (e usageError) Error() string { return string(e) }

// program is the command line.
type program struct {
	Serve      serveCmd                  `cmd:"" help:"Take events in over HTTP, count them, and answer queries."`
	Import     importCmd                 `cmd:"" help:"Import files of events."`
	Query      queryCmd                  `cmd:"" help:"Ask for figures."`
	Retention  retentionCmd              `cmd:"" help:"Ask how many new users come back."`
	Explain    explainCmd                `cmd:"" help:"Tell what a day's figures are made of, and why they changed."`
	Status     statusCmd                 `cmd:"" help:"Tell how far the shards are, and what the store and log hold."`
	Generate   generateCmd               `cmd:"" help:"Make synthetic events."`
	Demo       demoCmd                   `cmd:"" help:"Show it all: a history, the page, and live traffic."`
	Quarantine quarantineCmd             `cmd:"" help:"Look at what could not be accepted, and put it in again."`
	Verify     verifyCmd                 `cmd:"" help:"Prove the stored figures from the log, or name those that differ."`
	Rebuild    rebuildCmd                `cmd:"" help:"Make all figures anew, beside those in use, and take over."`
	Rollback   rollbackCmd               `cmd:"" help:"Go back to the figures from before the last rebuild."`
	Erase      eraseCmd                  `cmd:"" help:"Take users out of everything in a data directory."`
	Archive    archiveCmd                `cmd:"" help:"Bring the archive up to date and check it."`
	Compact    compactCmd                `cmd:"" help:"Merge and shrink the store."`
	Migrate    migrateCmd                `cmd:"" help:"Make or update the tables of a store on a server."`
	Bench      benchCmd                  `cmd:"" help:"Measure how long answers take."`
	Config     configCmd                 `cmd:"" help:"Check or print the configuration."`
	Version    versionCmd                `cmd:"" help:"Print the version."`
	Completion kongcompletion.Completion `cmd:"" help:"Set up tab completion for your shell."`
}

// world is what a command sees of the world.
type world struct {
	ctx      context.Context
	in       io.Reader
	out, err io.Writer
	environ  []string
	logger   *slog.Logger
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	os.Exit(run(&world{ctx, os.Stdin, os.Stdout, os.Stderr, os.Environ(), logger}, os.Args[1:]))
}

// run does one command and gives the exit status.
func run(e *world, args []string) int {
	p := &program{}
	for _, s := range []*Settings{&p.Serve.Settings, &p.Import.Settings, &p.Query.Settings, &p.Retention.Settings, &p.Explain.Settings, &p.Status.Settings, &p.Generate.Settings,
		&p.Demo.Settings, &p.Quarantine.List.Settings, &p.Quarantine.Replay.Settings, &p.Verify.Settings, &p.Rebuild.Settings, &p.Rollback.Settings, &p.Archive.Settings, &p.Erase.Settings, &p.Compact.Settings, &p.Migrate.Settings, &p.Bench.Settings,
		&p.Config.Check.Settings, &p.Config.Print.Settings} {
		*s = newSettings()
	}
	exit := -1
	parser, err := kong.New(p, kong.Name("rollcall"), kong.Writers(e.out, e.err), kong.Exit(func(code int) { exit = code }),
		kong.Description("Exact live answers about user activity: distinct users, sessions, bounces."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.UsageOnError(), kong.Bind(e))
	if err != nil {
		fmt.Fprintln(e.err, "rollcall:", err)
		return failed
	}
	kongcompletion.Register(parser)
	command, err := parser.Parse(args)
	if exit >= 0 { // help was printed
		return exit
	}
	if err != nil {
		fmt.Fprintf(e.err, "rollcall: %v\nTry rollcall --help.\n", err)
		return wrongUse
	}
	return status(e, command.Run(e))
}

func status(e *world, err error) int {
	if err == nil {
		return done
	}
	fmt.Fprintln(e.err, "rollcall:", err)
	var usage usageError
	if errors.As(err, &usage) {
		return wrongUse
	}
	var found differences
	if errors.As(err, &found) {
		return differs
	}
	return failed
}
