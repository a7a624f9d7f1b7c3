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
	Dir           string // made where it is missing
	Installation  string
	ExternalURL   string
	ServiceURL    func(function.Name) string // as Config's
	DatasourceUID string                     // what dashboards start at; empty takes Grafana's default Prometheus
	Interval      time.Duration              // between samples; default 15s
	Logger        *slog.Logger               // default: discards
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

	kept map[string]keptFile // by path: what was found or written as wanted; Reconcile's own

	mu     sync.Mutex
	status map[function.Name]Status
}

var _ reconcile.Target = (*Files)(nil)

// keptFile tells, without reading it, whether a file is as it was left.
type keptFile struct {
	of      source
	digest  [32]byte // of what was wanted
	size    int64
	changed time.Time
}

// source is what a dashboard is made from, beside what no pass changes: while it is
// the same, the dashboard need not be made to know that the file is right.
type source struct {
	updated time.Time
	spec    int
	service string
}

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
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Files{
		cfg: cfg, marker: dashgen.Marker(cfg.Installation),
		log:    cfg.Logger.With("component", "dashboard_files"),
		kept:   map[string]keptFile{},
		status: map[function.Name]Status{},
	}, nil
}

// Name is reconcile.Target's.
func (f *Files) Name() string { return TargetFiles }

// Status returns how a function's file stands; of one that no pass has seen it is Pending.
func (f *Files) Status(name function.Name) Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.status[name]; ok {
		return s
	}
	return f.blank(name)
}

func (f *Files) blank(name function.Name) Status {
	return Status{
		UID: dashgen.UID(f.cfg.Installation, name), URL: filepath.Join(f.cfg.Dir, filepath.FromSlash(fileOf(name))),
		Target: TargetFiles, State: Pending,
	}
}

func fileOf(name function.Name) string { return string(name) + ".json" }

// Reconcile is reconcile.Target's.
func (f *Files) Reconcile(ctx context.Context, want []function.Function) (reconcile.Result, error) {
	status := make(map[function.Name]Status, len(want))
	result, err := f.reconcile(ctx, want, status)
	for _, fn := range want {
		if _, ok := status[fn.Name]; !ok && err != nil {
			s := f.blank(fn.Name)
			s.State, s.Error = Failed, err.Error()
			status[fn.Name] = s
		}
	}
	f.mu.Lock()
	f.status = status
	f.mu.Unlock()
	return result, err
}

func (f *Files) reconcile(ctx context.Context, want []function.Function, status map[function.Name]Status) (reconcile.Result, error) {
	var result reconcile.Result
	if err := os.MkdirAll(f.cfg.Dir, 0o755); err != nil {
		return result, fmt.Errorf("make dashboard directory: %w", err)
	}
	root, err := os.OpenRoot(f.cfg.Dir) // no link in it leads out of it
	if err != nil {
		return result, fmt.Errorf("open dashboard directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	have, err := f.list(root)
	if err != nil {
		return result, fmt.Errorf("list dashboard files: %w", err)
	}
	wanted := make(map[string]bool, len(want))
	byName := func(a, b function.Function) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(want, byName) { // as a list of the registry is
		want = slices.SortedFunc(slices.Values(want), byName)
	}
	for _, fn := range want {
		if ctx.Err() != nil {
			return result, fmt.Errorf("dashboard files: %w", context.Cause(ctx))
		}
		wanted[fileOf(fn.Name)] = true
		s := f.blank(fn.Name)
		s.State = Ready
		if err := f.put(root, fn, &result); err != nil {
			s.State, s.Error = Failed, err.Error()
			result.Failed++
		}
		status[fn.Name] = s
	}
	for _, file := range have {
		if wanted[file] {
			continue
		}
		if err := f.remove(root, file, &result); err != nil {
			result.Failed++
			f.log.Warn("cannot delete a dashboard file that no function wants", "file", file, "error", err)
		}
	}
	return result, nil
}

// temporary begins the name of a file that is being written.
const temporary = ".hadron-"

// list finds the JSON files three deep, and removes what a writer that died left.
func (f *Files) list(root *os.Root) ([]string, error) {
	var out []string
	err := fs.WalkDir(root.FS(), ".", func(file string, entry fs.DirEntry, err error) error {
		switch depth := strings.Count(file, "/"); {
		case err != nil:
			return err
		case entry.IsDir() && (depth > 1 || file != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case depth != 2 || !entry.Type().IsRegular():
		case strings.HasPrefix(entry.Name(), temporary):
			return root.Remove(file)
		case strings.HasSuffix(file, ".json"):
			out = append(out, file)
		}
		return nil
	})
	return out, err
}

var errForeignFile = errors.New("a file without Hadron's tag is in its place; move it away")

func (f *Files) put(root *os.Root, fn function.Function, result *reconcile.Result) error {
	file, from := fileOf(fn.Name), source{fn.UpdatedAt, fn.SpecOf, f.cfg.ServiceURL(fn.Name)}
	k, known := f.kept[file]
	if known && k.of == from && k.untouched(root, file) {
		result.Unchanged++
		return nil
	}
	d := dashgen.ForFunction(dashgen.Spec{
		Function: fn, Installation: f.cfg.Installation, ExternalURL: f.cfg.ExternalURL,
		ServiceURL: from.service, Interval: f.cfg.Interval,
	})
	sum := digest(d)
	if known && k.digest == sum && k.untouched(root, file) {
		k.of = from
		f.kept[file] = k
		result.Unchanged++
		return nil
	}
	delete(f.kept, file)
	text, err := dashgen.Grafana(d, dashgen.GrafanaOptions{DatasourceUID: f.cfg.DatasourceUID})
	if err != nil {
		return err
	}
	have, err := read(root, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		result.Created++
	case err != nil:
		return fmt.Errorf("read dashboard file: %w", err)
	case bytes.Equal(have, text):
		f.keep(root, file, from, sum)
		result.Unchanged++
		return nil
	case !f.ours(have):
		return errForeignFile
	default:
		result.Updated++
	}
	if err := write(root, file, text); err != nil {
		if have == nil {
			result.Created--
		} else {
			result.Updated--
		}
		return fmt.Errorf("write dashboard file: %w", err)
	}
	f.keep(root, file, from, sum)
	return nil
}

// untouched says that a file is as this process left it.
func (k keptFile) untouched(root *os.Root, file string) bool {
	info, err := root.Lstat(file)
	return err == nil && info.Mode().IsRegular() && info.Size() == k.size && info.ModTime().Equal(k.changed)
}

func (f *Files) keep(root *os.Root, file string, of source, sum [32]byte) {
	if info, err := root.Lstat(file); err == nil {
		f.kept[file] = keptFile{of: of, digest: sum, size: info.Size(), changed: info.ModTime()}
	}
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

// write puts a file in place whole: Grafana reads the directory at any time.
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
	if err == nil {
		err = out.Sync()
	}
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
	delete(f.kept, file)
	result.Deleted++
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if err := root.Remove(dir); err != nil {
			return nil //nolint:nilerr // others are in it, so it stays
		}
	}
	return nil
}
