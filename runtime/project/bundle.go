package project

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Upload is a project made one ES module: what is sent to be registered. The same
// project gives the same bytes on every machine.
type Upload struct {
	Source    string
	SourceMap string         // to the author's files; texts of npm packages are left out
	Modules   int            // bundled, the entry among them
	Bytes     int            // of Source
	Warnings  []*SourceError // what bundles and yet will not do what it says
}

// texts are the files that import as a string.
var texts = []string{".txt", ".html", ".md", ".sql", ".css", ".graphql", ".gql"}

// wayUp finds esbuild's comments that name files above the project, where packages
// of a workspace lie: how far up differs by machine.
var wayUp = regexp.MustCompile(`(?m)^(\s*(?:// |"))(?:\.\./)+`)

// Bundle makes the upload of the project: npm packages from its node_modules
// inlined, source map with the author's texts. What is wrong in the code is a
// *SourceError.
func (p *Project) Bundle(ctx context.Context) (*Upload, error) {
	build, fail := api.Context(p.bundleOptions())
	if fail != nil {
		return nil, p.explain(fail.Errors)
	}
	defer build.Dispose()
	stop := context.AfterFunc(ctx, build.Cancel)
	defer stop()
	out := build.Rebuild()
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("bundle project: %w", err)
	}
	if len(out.Errors) > 0 {
		return nil, p.explain(out.Errors)
	}
	meta, err := parseMetafile(out.Metafile)
	if err != nil {
		return nil, err
	}
	source := wayUp.ReplaceAllString(string(outputOf(out, "/"+bundleName)), "$1")
	if len(source) > MaxSource {
		return nil, tooLarge(len(source), meta)
	}
	mapped, err := bundleMap(outputOf(out, "/"+bundleName+".map"))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(mapped)
	if err != nil {
		return nil, fmt.Errorf("encode source map: %w", err)
	}
	up := &Upload{Source: source, SourceMap: string(text), Modules: len(meta.Inputs), Bytes: len(source)}
	for _, m := range out.Warnings {
		if slices.Contains(keptWarnings, m.ID) && len(up.Warnings) < maxWarnings {
			up.Warnings = append(up.Warnings, p.message(m))
		}
	}
	return up, nil
}

const bundleName = "hadron-bundle.js"

func (p *Project) bundleOptions() api.BuildOptions {
	loaders := map[string]api.Loader{}
	for _, suffix := range texts {
		loaders[suffix] = api.LoaderText
	}
	return api.BuildOptions{
		EntryPoints:   []string{filepath.Join(p.Dir, filepath.FromSlash(p.Manifest.Entry))},
		AbsWorkingDir: p.Dir,
		Outfile:       filepath.Join(p.Dir, bundleName),
		Write:         false,
		Bundle:        true,
		Format:        api.FormatESModule,
		// Packages know this kind of runtime as a worker; the browser's fields come next.
		Platform:       api.PlatformBrowser,
		Conditions:     []string{"worker", "module"},
		MainFields:     []string{"browser", "module", "main"},
		Define:         map[string]string{"process.env.NODE_ENV": `"production"`},
		Target:         api.ESNext, // Build lowers, with the server's knowledge of its engine
		Loader:         loaders,
		Metafile:       true,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentInclude,
		LegalComments:  api.LegalCommentsNone,
		Charset:        api.CharsetUTF8,
		LogLevel:       api.LogLevelSilent,
		LogLimit:       50,
	}
}

// bundleMap makes the names plain and leaves out the texts of packages.
func bundleMap(data []byte) (*sourceMap, error) {
	var m sourceMap
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read source map: %w", err)
	}
	for i, name := range m.Sources {
		m.Sources[i] = plainPath(name)
		if i < len(m.SourcesContent) && strings.Contains("/"+m.Sources[i], "/node_modules/") {
			m.SourcesContent[i] = nil
		}
	}
	return &m, nil
}

// tooLarge names what a bundle's bytes are spent on.
func tooLarge(size int, meta metafile) *SourceError {
	byPackage := map[string]int{}
	for name, input := range meta.Inputs {
		byPackage[packageOf(name)] += input.Bytes
	}
	type share struct {
		name  string
		bytes int
	}
	var shares []share
	for name, n := range byPackage {
		shares = append(shares, share{name, n})
	}
	slices.SortFunc(shares, func(a, b share) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.name, b.name))
	})
	var largest []string
	for _, s := range shares[:min(3, len(shares))] {
		largest = append(largest, fmt.Sprintf("%s %d kB", s.name, (s.bytes+500)/1000))
	}
	return &SourceError{Text: fmt.Sprintf("the bundle holds %d bytes; at most %d are taken. Largest: %s", size, MaxSource, strings.Join(largest, ", "))}
}

// packageOf is the npm package that a bundled file belongs to, or the file.
func packageOf(file string) string {
	_, rest, ok := strings.Cut("/"+file, "/node_modules/")
	if !ok {
		return plainPath(file)
	}
	if at := strings.LastIndex(rest, "node_modules/"); at >= 0 {
		rest = rest[at+len("node_modules/"):]
	}
	parts := strings.SplitN(rest, "/", 3)
	if strings.HasPrefix(rest, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func (p *Project) explain(found []api.Message) *SourceError {
	e := p.message(found[0])
	e.More = len(found) - 1
	return e
}

// unresolved finds the import in esbuild's message that there is none.
var unresolved = regexp.MustCompile(`^Could not resolve "(.*)"$`)

func (p *Project) message(m api.Message) *SourceError {
	text := plainText(m.Text)
	if found := unresolved.FindStringSubmatch(m.Text); found != nil {
		text = importProblem(found[1], resolveAdvice(found[1]))
	}
	if m.Location == nil {
		return &SourceError{File: p.Manifest.Entry, Text: text}
	}
	column := utf16Column(m.Location.LineText, m.Location.Column)
	e := &SourceError{File: plainPath(m.Location.File), Line: m.Location.Line, Column: column, Text: text}
	e.Frame = p.frame(m.Location, column)
	return e
}

// frame shows the line that esbuild quotes, with the one above it from the file
// where it can be read.
func (p *Project) frame(at *api.Location, column int) string {
	if text, err := p.read(at.File); err == nil {
		if line, ok := lineOf(text, at.Line); ok && line == at.LineText {
			return frame(text, at.Line, column)
		}
	}
	return frame(strings.Repeat("\n", max(0, at.Line-1))+at.LineText, at.Line, column)
}

func resolveAdvice(spec string) string {
	if strings.HasPrefix(spec, ".") || strings.HasPrefix(spec, "/") {
		return "there is no such file"
	}
	return fmt.Sprintf(`there is no such package in node_modules: run "npm install %s"`, packageOf("node_modules/"+spec))
}
