// Package project turns an author's files into what Hadron stores and runs: it
// reads hadron.yaml, bundles a project with its npm packages into one ES module
// (Load, Bundle: the author's side), and compiles one uploaded module into a
// script for the engine (Build: the server's side). It is the only importer of
// esbuild, and all that esbuild has to say comes out as a *SourceError.
package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hadron/runtime/function"
)

// ManifestFile is the manifest's name, beside the code.
const ManifestFile = "hadron.yaml"

// Project is a function's code on the author's disk.
type Project struct {
	Dir          string            // absolute
	Manifest     function.Manifest // with defaults; Name is empty where hadron.yaml gives none
	ManifestJSON []byte            // the author's own keys as JSON, entry added: what is uploaded
}

// guesses are the entries tried, in order, where no manifest names one.
var guesses = []string{
	"index.ts", "index.tsx", "index.mts", "index.js", "index.jsx", "index.mjs",
	"src/index.ts", "src/index.tsx", "src/index.mts", "src/index.js", "src/index.jsx", "src/index.mjs",
}

// Load reads the project in a directory, or of one file of code, or of a named
// hadron.yaml. A directory without hadron.yaml is a project with defaults. What is
// wrong in hadron.yaml comes back as a *SourceError that wraps a
// *function.ManifestError where a key is at fault.
func Load(path string) (*Project, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find project: %w", err)
	}
	// esbuild names files by their real paths, and relative ones must come out.
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return nil, fmt.Errorf("find project: %w", err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, fmt.Errorf("find project: %w", err)
	}
	switch {
	case info.IsDir():
		return loadDir(abs, path)
	case filepath.Base(abs) == ManifestFile:
		return loadDir(filepath.Dir(abs), filepath.Dir(path))
	}
	return newProject(filepath.Dir(abs), map[string]any{"entry": filepath.Base(abs)}, nil)
}

func loadDir(dir, shown string) (*Project, error) {
	data, err := readYAML(dir, ManifestFile)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, "hadron.yml")); err == nil {
			return nil, fmt.Errorf("%s holds hadron.yml; the manifest's name is %s: rename it", shown, ManifestFile)
		}
	case err != nil:
		return nil, err
	}
	doc, err := parseYAML(ManifestFile, data)
	if err != nil {
		return nil, err
	}
	if _, named := doc.values["entry"]; !named {
		entry, ok := guessEntry(dir)
		if !ok {
			return nil, fmt.Errorf("no code found in %s: name its file in %s, such as \"entry: src/main.ts\", or call it index.ts", shown, ManifestFile)
		}
		doc.values["entry"] = entry
	}
	return newProject(dir, doc.values, doc)
}

func readYAML(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, function.MaxManifestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > function.MaxManifestBytes {
		return nil, &SourceError{File: name, Text: fmt.Sprintf("the file is larger than %d bytes", function.MaxManifestBytes)}
	}
	return data, nil
}

func guessEntry(dir string) (string, bool) {
	at := slices.IndexFunc(guesses, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		return err == nil && info.Mode().IsRegular()
	})
	if at < 0 {
		return "", false
	}
	return guesses[at], true
}

func newProject(dir string, values map[string]any, doc *document) (*Project, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	m, err := function.ParseManifest(data)
	if err != nil {
		return nil, doc.explain(err)
	}
	if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(m.Entry))); err != nil || !info.Mode().IsRegular() {
		return nil, doc.explain(&function.ManifestError{Key: "entry", Problem: fmt.Sprintf("there is no file %s in the project", m.Entry)})
	}
	return &Project{Dir: dir, Manifest: m, ManifestJSON: data}, nil
}

// RequireName returns the function's name, or an error that says how to give one:
// a project can be bundled without a name, but not deployed.
func (p *Project) RequireName() (function.Name, error) {
	if p.Manifest.Name == "" {
		return "", &SourceError{File: ManifestFile, Text: `name is missing: deploying needs it, such as "name: team/project/` + suggestBase(p.Dir) + `"`}
	}
	name, err := function.ParseName(p.Manifest.Name)
	if err != nil {
		return "", &SourceError{File: ManifestFile, Text: err.Error(), cause: err}
	}
	return name, nil
}

func suggestBase(dir string) string {
	base := strings.ToLower(filepath.Base(dir))
	if function.ValidPart(base) {
		return base
	}
	return "name"
}

// read is the text of one of the project's files, up to what a module may hold.
func (p *Project) read(file string) (string, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.Dir, filepath.FromSlash(file))
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("read source: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSource))
	if err != nil {
		return "", fmt.Errorf("read source: %w", err)
	}
	return string(data), nil
}
