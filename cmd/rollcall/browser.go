package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/term"
)

// atTerminal tells whether a person sits before this command: its output is a terminal, and no build machine's.
func atTerminal(e *world) bool {
	f, ok := e.out.(*os.File)
	built := slices.ContainsFunc(e.environ, func(v string) bool { return strings.HasPrefix(v, "CI=") })
	return ok && !built && term.IsTerminal(int(f.Fd()))
}

// openBrowser shows a page in the browser of the desktop. Where there is none, the address that was printed has to do.
func openBrowser(ctx context.Context, url string) {
	command := browserOf(runtime.GOOS, os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "")
	if command == nil {
		return
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], append(command[1:], url)...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}

// browserOf is the command that opens an address on a system. Without a screen, others would open one in the terminal.
func browserOf(system string, screen bool) []string {
	switch {
	case system == "darwin":
		return []string{"open"}
	case system == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	case screen:
		return []string{"xdg-open"}
	}
	return nil
}
