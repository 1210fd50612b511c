package apptest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Binaries builds the program and keeps what it built until Remove.
type Binaries struct {
	mu    sync.Mutex
	dir   string
	built map[string]string // by tags
}

// Path gives the program built with these tags.
func (b *Binaries) Path(tags ...string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := strings.Join(tags, ",")
	if path, ok := b.built[key]; ok {
		return path, nil
	}
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "rollcall-apptest")
		if err != nil {
			return "", err
		}
		b.dir, b.built = dir, map[string]string{}
	}
	path := filepath.Join(b.dir, "rollcall-"+key)
	args := []string{"build", "-tags", key, "-o", path}
	if os.Getenv("ROLLCALL_APPTEST_RACE") == "1" {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "rollcall/cmd/rollcall")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build with tags %q: %w\n%s", key, err, out)
	}
	b.built[key] = path
	return path, nil
}

// Remove deletes what was built.
func (b *Binaries) Remove() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return os.RemoveAll(b.dir)
}
