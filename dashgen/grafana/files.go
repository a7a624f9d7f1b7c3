package grafana

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// FilesConfig is what a Files target needs; Dir and Installation are required.
type FilesConfig struct {
	Dir          string // made where it is missing
	Installation string
	// State is the folder in which it is kept what the files were made from, so that a
	// process that starts need not make them again to know that they are right. Made
	// where it is missing; empty: nothing is kept.
	State         string
	Version       string // of the program: another one makes each file anew
	ExternalURL   string
	ServiceURL    func(function.Name) string // as Config's, and so are the next two
	Own           func(function.Name) []dashgen.OwnMetric
	Extensions    func() dashgen.Extensions
	DatasourceUID string        // what dashboards start at; empty takes Grafana's default Prometheus
	Interval      time.Duration // between samples; default 15s
	Logger        *slog.Logger  // default: discards
}

// Validate says what is missing.
func (c FilesConfig) Validate() error {
	if c.Dir == "" || c.Installation == "" {
		return errors.New("dashboard files: Dir and Installation are required")
	}
	if c.Interval < 0 {
		return errors.New("dashboard files: Interval cannot be negative")
	}
	return nil
}

// Files keeps dashboards as <dir>/<team>/<project>/<name>.json, which Grafana's
// file provisioning reads. Files without this installation's tag are left alone.
type Files struct {
	cfg    FilesConfig
	marker string
	log    *slog.Logger

	memory *memory // Reconcile's own

	mu       sync.Mutex
	ready    map[function.Name]keptFile // what was found or written as wanted
	failed   map[function.Name]string
	progress Progress

	overviewed map[string]keptFile // overviews by file; Reconcile's own
}

var _ reconcile.Target = (*Files)(nil)

// NewFiles makes a Files target; it touches nothing.
func NewFiles(cfg FilesConfig) (*Files, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Interval == 0 {
		cfg.Interval = 15 * time.Second
	}
	if cfg.ServiceURL == nil {
		cfg.ServiceURL = func(function.Name) string { return "" }
	}
	if cfg.Own == nil {
		cfg.Own = func(function.Name) []dashgen.OwnMetric { return nil }
	}
	if cfg.Extensions == nil {
		cfg.Extensions = func() dashgen.Extensions { return dashgen.Extensions{} }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Files{
		cfg: cfg, marker: dashgen.Marker(cfg.Installation),
		log:   cfg.Logger.With("component", "dashboard_files"),
		ready: map[function.Name]keptFile{}, failed: map[function.Name]string{}, overviewed: map[string]keptFile{},
	}
	f.memory = newMemory(cfg.State, f.generator(), f.log)
	return f, nil
}

// Name is reconcile.Target's.
func (f *Files) Name() string { return TargetFiles }

// Status returns how a function's file stands; of one that no pass has seen it is Pending.
func (f *Files) Status(name function.Name) Status {
	s := Status{
		Name: name, Title: string(name), UID: dashgen.UID(f.cfg.Installation, name), URL: filepath.Join(f.cfg.Dir, filepath.FromSlash(fileOf(name))),
		Target: TargetFiles, State: Pending,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if problem, bad := f.failed[name]; bad {
		s.State, s.Error = Failed, problem
	} else if _, good := f.ready[name]; good {
		s.State = Ready
	}
	return s
}

const suffix = ".json"

func fileOf(name function.Name) string { return string(name) + suffix }

func nameOf(file string) function.Name { return function.Name(strings.TrimSuffix(file, suffix)) }

// Reconcile is reconcile.Target's.
func (f *Files) Reconcile(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
	byName := func(a, b *function.Function) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(want, byName) { // as a list of the registry is
		want = slices.SortedFunc(slices.Values(want), byName)
	}
	f.forget(want)
	f.mu.Lock()
	f.progress.Total, f.progress.Running = len(want), true
	f.mu.Unlock()
	result, reached, err := f.reconcile(ctx, want)
	f.mu.Lock()
	f.progress.LastPass, f.progress.Running, f.progress.Error = time.Now(), false, ""
	if err != nil {
		f.progress.Error = err.Error()
	}
	f.mu.Unlock()
	if err != nil {
		for _, fn := range want[reached:] {
			f.fail(fn.Name, err)
		}
	}
	return result, err
}

// reconcile is a pass; reached is how many functions it came to.
func (f *Files) reconcile(ctx context.Context, want []*function.Function) (result reconcile.Result, reached int, err error) {
	if err := os.MkdirAll(f.cfg.Dir, 0o755); err != nil {
		return result, 0, fmt.Errorf("make dashboard directory: %w", err)
	}
	root, err := os.OpenRoot(f.cfg.Dir) // no link in it leads out of it
	if err != nil {
		return result, 0, fmt.Errorf("open dashboard directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	have, overviews, err := f.list(root, true)
	if err != nil {
		return result, 0, fmt.Errorf("list dashboard files: %w", err)
	}
	for len(want[reached:]) > 0 {
		group := sameFolder(want[reached:])
		f.recall(group)
		for _, fn := range group {
			if ctx.Err() != nil {
				f.remember(group)
				return result, reached, fmt.Errorf("dashboard files: %w", context.Cause(ctx))
			}
			if kept, err := f.put(root, fn, &result); err != nil {
				f.lose(fn.Name, err)
				result.Failed++
			} else {
				f.keep(fn.Name, kept)
			}
			reached++
		}
		f.remember(group)
	}
	for _, file := range have {
		if _, wanted := find(want, nameOf(file)); wanted {
			continue
		}
		if err := f.remove(root, file, &result); err != nil {
			result.Failed++
			f.log.Warn("cannot delete a dashboard file that no function wants", "file", file, "error", err)
		}
	}
	f.overviews(root, want, overviews, &result)
	f.memory.prune(want)
	return result, reached, nil
}

func find(want []*function.Function, name function.Name) (int, bool) {
	return slices.BinarySearchFunc(want, name, func(fn *function.Function, name function.Name) int { return cmp.Compare(fn.Name, name) })
}

// sameFolder is the functions at the beginning of a list whose files lie together.
func sameFolder(want []*function.Function) []*function.Function {
	at := path.Dir(string(want[0].Name))
	n := slices.IndexFunc(want, func(fn *function.Function) bool { return path.Dir(string(fn.Name)) != at })
	if n < 0 {
		n = len(want)
	}
	return want[:n]
}

// forget drops what is known of functions that are gone.
func (f *Files) forget(want []*function.Function) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.ready {
		if _, wanted := find(want, name); !wanted {
			delete(f.ready, name)
		}
	}
	for name := range f.failed {
		if _, wanted := find(want, name); !wanted {
			delete(f.failed, name)
		}
	}
}

// keep notes that a function's file is as wanted.
func (f *Files) keep(name function.Name, k *keptFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready[name] = *k
	delete(f.failed, name)
}

// lose notes why a function's file is not as wanted.
func (f *Files) lose(name function.Name, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ready, name)
	f.failed[name] = err.Error()
}

// fail notes why a pass did not come to a function; what its file is stays known.
func (f *Files) fail(name function.Name, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed[name] = err.Error()
}

// temporary begins the name of a file that is being written.
const temporary = ".hadron-"

// list finds the JSON files of functions, three deep, and those of overviews. With
// sweep it removes what a writer that died left; only a pass may, which writes itself.
func (f *Files) list(root *os.Root, sweep bool) (functions, overviews []string, err error) {
	err = fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch depth := strings.Count(file, "/"); {
		case err != nil:
			return err
		case entry.IsDir() && (depth > 1 || file != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !entry.Type().IsRegular():
		case strings.HasPrefix(entry.Name(), temporary):
			if sweep {
				return root.Remove(file)
			}
		case entry.Name() == overviewFile || entry.Name() == platformFile:
			overviews = append(overviews, file)
		case depth == 2 && strings.HasSuffix(file, suffix):
			functions = append(functions, file)
		}
		return nil
	})
	return functions, overviews, err
}

var errForeignFile = errors.New("a file without Hadron's tag is in its place; move it away")

// put makes one file as wanted and says how it then is.
func (f *Files) put(root *os.Root, fn *function.Function, result *reconcile.Result) (*keptFile, error) {
	file, own := fileOf(fn.Name), f.cfg.Own(fn.Name)
	service, extensions := f.cfg.ServiceURL(fn.Name), f.cfg.Extensions()
	from := sourceOf(fn, service, own, extensions)
	k, known := f.ready[fn.Name] // only this goroutine writes it
	untouched := known && k.untouched(root, file)
	if untouched && k.from == from {
		result.Unchanged++
		return &k, nil
	}
	d := dashgen.ForFunction(dashgen.Spec{
		Function: *fn, Installation: f.cfg.Installation, ExternalURL: f.cfg.ExternalURL,
		ServiceURL: service, Interval: f.cfg.Interval, Own: own, Extensions: extensions,
	})
	drawn := brief(digest(d))
	if untouched && k.drawn == drawn {
		k.from = from
		result.Unchanged++
		return &k, nil
	}
	text, err := dashgen.Grafana(d, dashgen.GrafanaOptions{DatasourceUID: f.cfg.DatasourceUID})
	if err != nil {
		return nil, err
	}
	have, err := read(root, file)
	count := &result.Updated
	switch {
	case errors.Is(err, fs.ErrNotExist):
		count = &result.Created
	case err != nil:
		return nil, fmt.Errorf("read dashboard file: %w", err)
	case bytes.Equal(have, text):
		count = &result.Unchanged
	case !f.ours(have):
		return nil, errForeignFile
	}
	if count != &result.Unchanged {
		if err := write(root, file, text); err != nil {
			return nil, fmt.Errorf("write dashboard file: %w", err)
		}
	}
	*count++
	return look(root, file, from, drawn), nil
}

// mostFile bounds what is read of a file; no dashboard of ours is near it.
const mostFile = 8 << 20

func read(root *os.Root, file string) ([]byte, error) {
	in, err := root.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(in, mostFile))
}

// write puts a file in place whole: Grafana reads the directory at any time. It is not
// synced, which takes longer than making it: what a machine that lost its power left
// is not as it was noted, so the next pass makes it again.
func write(root *os.Root, file string, text []byte) (err error) {
	if err := root.MkdirAll(path.Dir(file), 0o755); err != nil {
		return err
	}
	temp := path.Join(path.Dir(file), temporary+path.Base(file))
	out, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Remove(temp))
		}
	}()
	_, err = out.Write(text)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return root.Rename(temp, file)
}

// ours says whether a file is a dashboard that this installation wrote.
func (f *Files) ours(text []byte) bool {
	var d struct {
		UID  string   `json:"uid"`
		Tags []string `json:"tags"`
	}
	return json.Unmarshal(text, &d) == nil && strings.HasPrefix(d.UID, dashgen.UIDPrefix) && slices.Contains(d.Tags, f.marker)
}

// remove deletes a file of ours and the directories that are empty then.
func (f *Files) remove(root *os.Root, file string, result *reconcile.Result) error {
	text, err := read(root, file)
	if err != nil {
		return err
	}
	if !f.ours(text) {
		return nil
	}
	if err := root.Remove(file); err != nil {
		return err
	}
	result.Deleted++
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if err := root.Remove(dir); err != nil {
			return nil //nolint:nilerr // others are in it, so it stays
		}
	}
	return nil
}
