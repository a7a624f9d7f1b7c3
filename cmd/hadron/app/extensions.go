package app

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/dashgen"
)

// extensions are what operators add to dashboards, as files of a folder. The folder
// is looked at again while the server runs; a file that is wrong is left out, and said
// to be, until it is right.
type extensions struct {
	dir   string
	check func(expr string) error
	log   *slog.Logger

	mu       sync.Mutex
	looked   time.Time
	sum      [32]byte // of all that was read
	now      dashgen.Extensions
	problems []string
}

const (
	// extensionsFresh is how long what was read of the folder is believed.
	extensionsFresh = 5 * time.Second
	// mostExtensions bounds the files that are read.
	mostExtensions = 200
)

func newExtensions(dir string, check func(string) error, log *slog.Logger) *extensions {
	return &extensions{dir: dir, check: check, log: log}
}

// current are the extensions as the folder has them.
func (e *extensions) current() dashgen.Extensions {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := time.Now(); e.dir != "" && now.Sub(e.looked) > extensionsFresh {
		e.looked = now
		e.read()
	}
	return e.now
}

// wrong says which files cannot be used, and why.
func (e *extensions) wrong() []string {
	e.current()
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.problems)
}

// read reads the folder; what did not change since is not parsed again. The caller
// holds mu.
func (e *extensions) read() {
	files, problem := e.files()
	if problem != "" {
		if !slices.Equal(e.problems, []string{problem}) {
			e.log.Warn("dashboard extensions cannot be read; those that were stay", "error", problem)
		}
		e.problems = []string{problem}
		return
	}
	hash := sha256.New()
	for _, f := range files {
		fmt.Fprintf(hash, "%s\x00%d\x00%s", f.name, len(f.text), f.text)
	}
	sum := [32]byte(hash.Sum(nil))
	if sum == e.sum {
		return
	}
	var list []dashgen.Extension
	var problems []string
	for _, f := range files {
		extension, err := dashgen.ParseExtension(f.name, f.text, e.check)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		list = append(list, extension)
	}
	e.sum, e.now, e.problems = sum, dashgen.NewExtensions(list), problems
	for _, problem := range problems {
		e.log.Warn("dashboard extension is left out", "error", problem)
	}
	e.log.Info("dashboard extensions read", "used", len(list), "left_out", len(problems))
}

type extensionFile struct {
	name string
	text []byte
}

func (e *extensions) files() (out []extensionFile, problem string) {
	entries, err := os.ReadDir(e.dir)
	if err != nil {
		return nil, "dashboards.extensions: " + err.Error()
	}
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || ext != ".yaml" && ext != ".yml" {
			continue
		}
		if len(out) == mostExtensions {
			return nil, fmt.Sprintf("dashboards.extensions: %s holds more than %d files", e.dir, mostExtensions)
		}
		info, err := entry.Info()
		if err != nil || info.Mode()&fs.ModeType&^fs.ModeSymlink != 0 {
			continue // gone since, or no file
		}
		text, err := os.ReadFile(filepath.Join(e.dir, entry.Name()))
		if err != nil {
			return nil, "dashboards.extensions: " + err.Error()
		}
		out = append(out, extensionFile{entry.Name(), text})
	}
	return out, ""
}
