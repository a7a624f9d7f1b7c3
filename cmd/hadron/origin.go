package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hadron/ui/wire"
)

// gitTimeout bounds what git may take: a deploy does not wait for a slow disk.
const gitTimeout = 2 * time.Second

// originOf says what deploys, and which commit of git the folder stands at, where it
// is in a repository and git is there.
func originOf(ctx context.Context, path string) *wire.Origin {
	o := &wire.Origin{Tool: "hadron deploy " + version}
	if len(o.Tool) > 64 {
		o.Tool = o.Tool[:64]
	}
	dir := path
	if filepath.Ext(path) != "" {
		dir = filepath.Dir(path)
	}
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	commit, err := git(ctx, dir, "rev-parse", "HEAD")
	if err != nil {
		return o
	}
	o.Commit = commit
	changed, err := git(ctx, dir, "status", "--porcelain", "--", ".")
	o.Dirty = err != nil || changed != ""
	return o
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	// No monitor that the repository's own settings would start.
	out, err := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-C", dir}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}
