package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mostMaking bounds a first start: it makes a dashboard for every function.
const mostMaking = 20 * time.Minute

// makeData has a server start over an index for the first time and come to rest, and
// returns its data directory, unless that is there. What is measured are later
// starts: functions are registered once, and servers start again and again.
func makeData(ctx context.Context, o options, scratch, index string, n int, progress io.Writer) (string, error) {
	made := filepath.Join(o.keep, fmt.Sprintf("made-%d", n))
	if _, err := os.Stat(made); !errors.Is(err, fs.ErrNotExist) {
		return made, err
	}
	part := made + ".part"
	if err := os.MkdirAll(part, 0o700); err != nil {
		return "", err
	}
	db := filepath.Join(part, "hadron.db")
	if _, err := os.Stat(db); errors.Is(err, fs.ErrNotExist) { // else an earlier attempt goes on
		if err := copyFile(index, db); err != nil {
			return "", err
		}
	}
	p, _, err := start(ctx, o, scratch, part, o.kinds[0])
	if err != nil {
		return "", err
	}
	defer p.Stop()
	after, cpu, err := rest(ctx, p, mostMaking)
	if err == nil && after == 0 {
		err = errors.New("the first start did not come to rest: " + p.Output())
	}
	if err != nil {
		return "", err
	}
	p.Stop()
	fmt.Fprintf(progress, "%6d functions: the first start came to rest after %s and %s of CPU\n", n, after.Round(time.Second), cpu.Round(time.Second))
	return made, os.Rename(part, made)
}

// copyTree copies what a server finds of an earlier one, but for what it measured and
// logged. Dashboards are linked: they are replaced and never written into.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case rel == ".", strings.HasSuffix(rel, ".lock"):
			return nil
		case rel == "metrics", rel == "logs":
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case strings.HasPrefix(rel, "dashboards"+string(filepath.Separator)):
			if os.Link(path, target) == nil {
				return nil
			}
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
