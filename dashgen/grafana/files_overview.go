package grafana

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// Names of the files of overviews; no function's name begins so.
const (
	overviewFile = "_overview" + suffix
	platformFile = "_platform" + suffix
)

// overviews keeps the files of dashboards about many functions: of everything and of
// the platform at the top, of teams and projects in their directories. They are few,
// and drawn from names alone. What they are is not among a pass's counts, which are
// of functions; what fails is.
func (f *Files) overviews(root *os.Root, want []*function.Function, have []string, result *reconcile.Result) {
	place := dashgen.Place{Installation: f.cfg.Installation, ExternalURL: f.cfg.ExternalURL}
	wanted := map[string]func() dashgen.Dashboard{
		overviewFile: func() dashgen.Dashboard { return dashgen.ForFolder(place, "") },
		platformFile: func() dashgen.Dashboard { return dashgen.ForPlatform(place) },
	}
	for _, fn := range want {
		for _, folder := range []dashgen.Folder{dashgen.FolderOf(fn.Name), dashgen.Folder(fn.Name.Team())} {
			wanted[path.Join(string(folder), overviewFile)] = func() dashgen.Dashboard { return dashgen.ForFolder(place, folder) }
		}
	}
	for _, file := range sortedKeys(wanted) {
		k, known := f.overviewed[file]
		if known && k.untouched(root, file) {
			continue
		}
		if err := f.putOverview(root, file, wanted[file]()); err != nil {
			result.Failed++
			f.log.Warn("cannot write the dashboard file of an overview", "file", file, "error", err)
			continue
		}
		f.overviewed[file] = *look(root, file, [16]byte{}, [16]byte{})
	}
	for _, file := range have {
		if wanted[file] != nil {
			continue
		}
		delete(f.overviewed, file)
		if err := f.remove(root, file, &reconcile.Result{}); err != nil {
			result.Failed++
			f.log.Warn("cannot delete the dashboard file of an overview that nothing is in", "file", file, "error", err)
		}
	}
}

func (f *Files) putOverview(root *os.Root, file string, d dashgen.Dashboard) error {
	text, err := dashgen.Grafana(d, dashgen.GrafanaOptions{DatasourceUID: f.cfg.DatasourceUID})
	if err != nil {
		return err
	}
	have, err := read(root, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read dashboard file: %w", err)
	case bytes.Equal(have, text):
		return nil
	case !f.ours(have):
		return errForeignFile
	}
	if err := write(root, file, text); err != nil {
		return fmt.Errorf("write dashboard file: %w", err)
	}
	return nil
}

// Noteworthy lists the dashboards whose files are not as wanted, by name.
func (f *Files) Noteworthy() []Status {
	f.mu.Lock()
	names := sortedKeys(f.failed)
	f.mu.Unlock()
	out := make([]Status, len(names))
	for i, name := range names {
		out[i] = f.Status(name)
	}
	return out
}

// Progress returns how far the files are.
func (f *Files) Progress() Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.progress
	g.Counted = true // files are removed unasked
	g.Ready, g.Failed = len(f.ready), len(f.failed)
	g.Pending = max(0, g.Total-g.Ready-g.Failed)
	return g
}

// Plan says what a pass would do now, and does nothing. A file whose content it does
// not know it takes for one to be looked at.
func (f *Files) Plan(ctx context.Context, want []*function.Function) (Plan, error) {
	var out Plan
	root, err := os.OpenRoot(f.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		for _, fn := range want {
			out.Actions = append(out.Actions, Action{Do: doCreate, What: "file", UID: fileOf(fn.Name), Title: string(fn.Name), Why: "it is not there"})
		}
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("open dashboard directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	wanted := make(map[string]bool, len(want))
	for _, fn := range want {
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		file := fileOf(fn.Name)
		wanted[file] = true
		f.mu.Lock()
		k, known := f.ready[fn.Name]
		f.mu.Unlock()
		a := Action{What: "file", UID: file, Title: string(fn.Name)}
		switch _, err := root.Lstat(file); {
		case errors.Is(err, fs.ErrNotExist):
			a.Do, a.Why = doCreate, "it is not there"
		case !known:
			a.Do, a.Why = doRead, "it is not known whether it is as it should be"
		case !k.untouched(root, file):
			a.Do, a.Why = doRestore, "it was changed by others"
		case k.from != sourceOf(fn, f.cfg.ServiceURL(fn.Name), f.cfg.Own(fn.Name), f.cfg.Extensions()):
			a.Do, a.Why = doUpdate, "what it is drawn from has changed"
		default:
			out.Unchanged++
			continue
		}
		out.Actions = append(out.Actions, a)
	}
	have, _, err := f.list(root, false)
	if err != nil {
		return out, fmt.Errorf("list dashboard files: %w", err)
	}
	for _, file := range have {
		if text, err := read(root, file); !wanted[file] && err == nil && f.ours(text) {
			out.Actions = append(out.Actions, Action{Do: "delete", What: "file", UID: file, Title: string(nameOf(file)), Why: "no function wants it"})
		}
	}
	return out, nil
}

// Confirm does nothing: files are made again from what they were made from.
func (f *Files) Confirm(int) {}

// Restore does nothing: a file that was changed is restored at the next look.
func (f *Files) Restore(function.Name) {}
