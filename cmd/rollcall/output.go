package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"
)

// toTerminal tells whether the answer goes to a person's screen.
func (c *queryCmd) toTerminal(e *world) bool {
	f, ok := e.out.(*os.File)
	return ok && (c.Output == "" || c.Output == "-") && term.IsTerminal(int(f.Fd()))
}

// output writes the answer to standard output or the file. A file is there whole or as it was before.
func (c *queryCmd) output(e *world, write func(io.Writer) error) error {
	if c.Output == "" || c.Output == "-" {
		return write(e.out)
	}
	if err := toFile(c.Output, write); err != nil {
		return fmt.Errorf("write %s: %w", c.Output, err)
	}
	return nil
}

func toFile(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe or a device is not to be replaced
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
