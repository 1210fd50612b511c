package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"rollcall/archive"
	"rollcall/erase"
	"rollcall/eventlog"
	"rollcall/record"
)

type eraseCmd struct {
	Settings
	User     []string `help:"Id of a user to erase; may be repeated." placeholder:"ID" sep:"none" group:"Erase"`
	UserFile string   `help:"File with one id a line." placeholder:"FILE" group:"Erase"`
	Yes      bool     `help:"Do it. It can't be undone." group:"Erase"`
	DryRun   bool     `help:"Only count what there is of them." group:"Erase"`
	Format   string   `help:"Form: table or json." enum:"table,json" default:"table" group:"Erase"`
}

func (c *eraseCmd) Help() string {
	return `Takes users out of everything in a data directory: figures, dictionary, sessions, log, archive and quarantine. The figures are made
anew without them, verified, and take over in one step, and all earlier builds are deleted; then the files of the log and the archive
that hold them are written anew. What was removed is looked for again, and told in a receipt under DATA/receipts, which holds no id.

A server that holds the directory has to end first. With a log and a store on servers the processes go on: they rewrite the archive,
and pass over what Kafka or Redis Streams still hold of the users, which the receipt tells. Interrupted, the same command goes on.
Copies made before (backups, exports) are not reached.

Examples:
  rollcall erase --user 4711 --dry-run
  rollcall erase --user 4711 --yes
  rollcall erase --user-file leavers.txt --yes --format json
  rollcall erase --config production.yaml --user 4711 --yes`
}

const (
	mostErased = 100_000
	longestID  = 256 // bytes
)

func (c *eraseCmd) Run(e *world) error {
	users, err := c.users()
	if err != nil {
		return err
	}
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	if err := adoptActive(&cfg); err != nil {
		return err
	}
	cfg.goesOver = !cfg.embedded()
	switch {
	case c.DryRun:
		return c.count(e, cfg, users)
	case !c.Yes:
		return usageError("it can't be undone: look first with --dry-run, then give --yes")
	case !cfg.embedded():
		return c.onServers(e, cfg, users)
	}
	begun, err := readIntent(cfg.Data)
	if err == nil {
		err = goesOn(begun, users)
	}
	if err != nil {
		return err
	}
	w := &erasure{world: e, cfg: cfg, intent: begun, rebuild: rebuildWithout, step: failpoint()}
	if begun == nil {
		w.intent = &intent{Users: users}
	}
	receipt, err := w.run()
	if err != nil {
		return err
	}
	return c.print(e, receipt)
}

// goesOn tells what is wrong with these users, beside what was begun.
func goesOn(begun *intent, users []string) error {
	switch {
	case begun == nil && len(users) == 0:
		return usageError("name the users with --user or --user-file")
	case begun != nil && len(users) > 0 && !slices.Equal(users, begun.Users):
		return usageError("another erasure was begun and has not ended: finish it first, with rollcall erase --yes")
	}
	return nil
}

// users are those of the command line, each once.
func (c *eraseCmd) users() ([]string, error) {
	users := slices.Clone(c.User)
	if c.UserFile != "" {
		listed, err := idsIn(c.UserFile)
		if err != nil {
			return nil, err
		}
		users = append(users, listed...)
	}
	for _, u := range users {
		if u == "" || len(u) > longestID {
			return nil, usageError(fmt.Sprintf("a user id has 1 to %d bytes, and one of these %d", longestID, len(u)))
		}
	}
	slices.Sort(users)
	if users = slices.Compact(users); len(users) > mostErased {
		return nil, usageError(fmt.Sprintf("%s users: erase %s at a time at most", humanize.Comma(int64(len(users))), humanize.Comma(mostErased)))
	}
	return users, nil
}

func idsIn(file string) (ids []string, err error) {
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if id := strings.TrimSuffix(lines.Text(), "\r"); id != "" {
			ids = append(ids, id)
		}
		if len(ids) > mostErased {
			break
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ids, nil
}

// found is what a directory holds of some users.
type found struct {
	Events         int64    `json:"log_events"`
	Records        int64    `json:"log_records"`
	Archived       int64    `json:"archive_events"`
	ArchiveDropped int64    `json:"archive_dropped"`
	ArchiveFiles   int      `json:"archive_files"`
	Letters        int64    `json:"letters"`
	Days           []string `json:"days"` // of their events
}

func (f *found) nothing() bool { return f.Events+f.Archived+f.ArchiveDropped+f.Letters == 0 }

// lookFor counts what there is of users.
func (n *node) lookFor(ctx context.Context, users []string) (f found, err error) {
	s, err := erase.Look(ctx, n.log, n.cfg.LogShards, record.UsersNamed(users...), n.calendar)
	if err != nil {
		return f, err
	}
	f = found{Events: s.Events, Records: s.Records, Days: []string{}}
	for d := range s.Days {
		f.Days = append(f.Days, d.String())
	}
	if n.cfg.Archive.Dir != "" {
		a, err := n.searchArchive(ctx, users)
		if err != nil {
			return f, err
		}
		f.Archived, f.ArchiveDropped, f.ArchiveFiles, f.Days = a.Events, a.Dropped, a.Files, append(f.Days, a.Dates...)
	}
	slices.Sort(f.Days)
	f.Days = slices.Compact(f.Days)
	f.Letters, err = erase.Letters(ctx, n.store, users, true)
	return f, err
}

// searchArchive counts what the archive holds of users, beside those that write it.
func (n *node) searchArchive(ctx context.Context, users []string) (archive.Erased, error) {
	if n.archive != nil {
		return n.archive.Erase(ctx, users, true)
	}
	r, err := n.openReader()
	if err != nil {
		return archive.Erased{}, err
	}
	return r.Search(ctx, users, nil)
}

func (c *eraseCmd) count(e *world, cfg Config, users []string) error {
	if len(users) == 0 {
		return usageError("name the users with --user or --user-file")
	}
	n, err := openToErase(e, cfg)
	if err != nil {
		return err
	}
	f, err := n.lookFor(e.ctx, users)
	if err = errors.Join(err, n.close()); err != nil {
		return err
	}
	if c.Format == "json" {
		return printable{e.out}.encode(f)
	}
	f.print(e)
	return nil
}

// openToErase opens the directory, or what is on servers, without anybody who folds.
func openToErase(e *world, cfg Config) (*node, error) {
	cfg.erases = true
	n, err := openToVerify(e, cfg)
	if errors.Is(err, eventlog.ErrLocked) {
		return nil, fmt.Errorf("erase works on the data directory itself and can't ask a server: end the process that holds %s first: %w", cfg.Data, eventlog.ErrLocked)
	}
	return n, err
}

func (f *found) print(e *world) {
	comma := humanize.Comma
	fmt.Fprintf(e.out, "log         %s events in %s records\n", comma(f.Events), comma(f.Records))
	fmt.Fprintf(e.out, "archive     %s events and %s dropped ones in %d files\n", comma(f.Archived), comma(f.ArchiveDropped), f.ArchiveFiles)
	fmt.Fprintf(e.out, "quarantine  %s letters\n", comma(f.Letters))
	if days := len(f.Days); days > 0 {
		fmt.Fprintf(e.out, "days        %d, %s to %s\n", days, f.Days[0], f.Days[days-1])
	}
}

func (c *eraseCmd) print(e *world, r *receipt) error {
	if c.Format == "json" {
		return printable{e.out}.encode(r)
	}
	fmt.Fprintf(e.out, "%d users erased\n", len(r.Users))
	r.Removed.print(e)
	_, err := fmt.Fprintf(e.out, "build       %d, without them\nverified    nothing of them is left\nreceipt     %s\n", r.Build, filepath.Join(receiptsDir, r.name()))
	for _, left := range r.Remains {
		fmt.Fprintf(e.out, "remains     %s: %s\n", left.Where, left.Until)
	}
	return err
}
