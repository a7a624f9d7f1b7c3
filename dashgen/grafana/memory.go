package grafana

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
)

// keptFile tells, without reading it, whether a file is as it was left, and without
// drawing it, whether that is as it should be.
type keptFile struct {
	from    [16]byte // of what it was made from
	drawn   [16]byte // of what was drawn
	size    int64
	changed int64 // Unix nanoseconds
}

func brief(sum [32]byte) [16]byte { return [16]byte(sum[:16]) }

// sourceOf is what a dashboard is made from, beside what no pass changes: while it is
// the same, the dashboard need not be made to know that the file is right. A version
// never changes, so its number stands for its manifest.
func sourceOf(fn *function.Function, service string, own []dashgen.OwnMetric, extensions dashgen.Extensions) [16]byte {
	b := make([]byte, 0, 256)
	b = binary.BigEndian.AppendUint64(b, uint64(fn.UpdatedAt.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(fn.CreatedAt.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(fn.SpecOf))
	b = append(b, service...)
	for _, m := range own {
		b = append(append(append(append(b, 0), m.Name...), 0), m.Kind...)
	}
	b = append(append(b, 0), extensions.Digest()...)
	return brief(sha256.Sum256(b))
}

// untouched says that a file is as Hadron left it.
func (k *keptFile) untouched(root *os.Root, file string) bool {
	info, err := root.Lstat(file)
	return err == nil && info.Mode().IsRegular() && info.Size() == k.size && info.ModTime().UnixNano() == k.changed
}

// look notes how a file is that was just found or made as wanted.
func look(root *os.Root, file string, from, drawn [16]byte) *keptFile {
	k := &keptFile{from: from, drawn: drawn, size: -1} // which no file has
	if info, err := root.Lstat(file); err == nil {
		k.size, k.changed = info.Size(), info.ModTime().UnixNano()
	}
	return k
}

// generator tells one way of making files from another: by what it makes of a
// function that has everything, and by the program's version, since no example shows
// all that a change of the code may do.
func (f *Files) generator() []byte {
	m := function.DefaultManifest()
	m.Description, m.Owner, m.Runbook = "description", "owner", "https://example.com/runbook"
	m.SLO.Latency = append(slices.Clone(m.SLO.Latency), function.Latency{Quantile: 0.5, Threshold: function.Duration(time.Second)})
	d := dashgen.ForFunction(dashgen.Spec{
		Function:     function.Function{Name: "team/project/name", Spec: m, SpecOf: 1, Latest: 1},
		Installation: f.cfg.Installation, ExternalURL: f.cfg.ExternalURL, ServiceURL: "https://example.com/service", Interval: f.cfg.Interval,
	})
	text, err := dashgen.Grafana(d, dashgen.GrafanaOptions{DatasourceUID: f.cfg.DatasourceUID})
	if err != nil {
		text = []byte(err.Error()) // each file's own attempt says so too
	}
	sum := sha256.Sum256(fmt.Appendf(text, "\x00%s", f.cfg.Version))
	return sum[:]
}

// memory keeps, over the end of the process, what the files of each project were
// made from: a file a project, so that a deployment writes a small one. Without it
// everything is made anew; nothing of it is believed where a file has changed since.
type memory struct {
	dir       string // empty: nothing is kept
	generator []byte
	log       *slog.Logger
	known     map[string][32]byte // by project: what its file holds; read at first need
	broken    bool                // it could not be written, and that was said
	pruned    bool                // what earlier processes left was looked through
}

func newMemory(dir string, generator []byte, log *slog.Logger) *memory {
	return &memory{dir: dir, generator: generator, log: log, known: map[string][32]byte{}}
}

// entrySize is of one function behind its name and a zero byte.
const entrySize = 16 + 16 + 8 + 8

// recall reads what is kept of a project, once. The generator's sum comes first, and
// the sum of all that is before it last.
func (f *Files) recall(group []*function.Function) {
	m, project := f.memory, path.Dir(string(group[0].Name))
	if _, read := m.known[project]; read || m.dir == "" {
		return
	}
	m.known[project] = [32]byte{}
	data, err := os.ReadFile(m.path(project))
	if err != nil || len(data) < 2*sha256.Size {
		return // none, or none that can be read: the files are made anew
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) || !bytes.HasPrefix(body, m.generator) {
		return
	}
	m.known[project] = [32]byte(sum)
	f.mu.Lock()
	defer f.mu.Unlock()
	for body = body[len(m.generator):]; len(body) > 0; {
		name, rest, found := bytes.Cut(body, []byte{0})
		if !found || len(rest) < entrySize {
			return
		}
		if at, wanted := find(group, function.Name(name)); wanted {
			if _, newer := f.ready[group[at].Name]; !newer {
				f.ready[group[at].Name] = keptFile{
					from: [16]byte(rest), drawn: [16]byte(rest[16:]),
					size: int64(binary.BigEndian.Uint64(rest[32:])), changed: int64(binary.BigEndian.Uint64(rest[40:])),
				}
			}
		}
		body = rest[entrySize:]
	}
}

// remember writes what is known of a project, if that changed.
func (f *Files) remember(group []*function.Function) {
	m := f.memory
	if m.dir == "" {
		return
	}
	body := slices.Clone(m.generator)
	for _, fn := range group {
		k, ready := f.ready[fn.Name]
		if !ready {
			continue
		}
		body = append(append(body, fn.Name...), 0)
		body = append(append(body, k.from[:]...), k.drawn[:]...)
		body = binary.BigEndian.AppendUint64(body, uint64(k.size))
		body = binary.BigEndian.AppendUint64(body, uint64(k.changed))
	}
	sum := sha256.Sum256(body)
	project := path.Dir(string(group[0].Name))
	if m.known[project] == sum {
		return
	}
	if err := m.write(project, append(body, sum[:]...)); err != nil {
		if !m.broken {
			m.log.Warn("what dashboard files were made from cannot be kept; the next start makes them anew", "error", err)
		}
		m.broken = true
		return
	}
	m.broken = false
	m.known[project] = sum
}

func (m *memory) path(project string) string {
	return filepath.Join(m.dir, filepath.FromSlash(project))
}

// write replaces a project's file. A crash may lose it: its sum tells.
func (m *memory) write(project string, data []byte) error {
	file := m.path(project)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// prune removes the files of projects that no function is in.
func (m *memory) prune(want []*function.Function) {
	for project := range m.known {
		at, _ := find(want, function.Name(project+"/"))
		if at < len(want) && path.Dir(string(want[at].Name)) == project {
			continue
		}
		if err := os.Remove(m.path(project)); err == nil || errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(filepath.Dir(m.path(project))) // if no other project is in it
			delete(m.known, project)
		}
	}
	if m.pruned || m.dir == "" {
		return
	}
	m.pruned = true
	_ = filepath.WalkDir(m.dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // what cannot be read is not removed
		}
		project, err := filepath.Rel(m.dir, file)
		if _, known := m.known[filepath.ToSlash(project)]; err == nil && !known {
			_ = os.Remove(file) // of a project that is gone, or half written
		}
		return nil
	})
}
