package project

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// Bounds of what Build takes.
const (
	MaxSource    = 4 << 20
	MaxSourceMap = 24 << 20
	MaxTime      = 30 * time.Second
)

// Builder names what Build compiles with. It is kept beside each bundle: a newer
// one does not change what an older one made.
const Builder = "esbuild " + esbuildVersion + ", recipe 4"

// esbuildVersion is the required module's; a test holds it to go.mod.
const esbuildVersion = "0.28.2"

// Input is one uploaded module.
type Input struct {
	Source    string
	SourceMap string // of Source to the author's files, or empty
	Entry     string // the author's file; its suffix says the language, TypeScript unless .js, .jsx, .mjs
}

// Output is a script for the engine. Code is the body of a function with the
// parameters exports and module, in the CommonJS manner.
type Output struct {
	Code     []byte
	Map      []byte // source map of Code to the author's files, their text in it
	Builder  string
	Warnings []*SourceError // what compiles and yet will not do what it says
}

// unsupported is the syntax that goja lacks, for esbuild to write in other words.
// Regular expressions that goja would misread become calls of RegExp, which the
// engine has a say in.
var unsupported = []string{
	"async-generator", "for-await", "top-level-await", "dynamic-import", "import-meta",
	"regexp-unicode-property-escapes", "regexp-match-indices", "regexp-set-notation", "regexp-named-capture-groups",
	"decorators", "using", "import-attributes", "hashbang",
}

// accessorFields finds class fields named get, set or async in esbuild's output that
// no semicolon ends: goja's parser takes those words for the start of a method. The
// engine puts up to maxAccessorFields of them in quotes; where there are more, class
// fields are lowered, which costs each object with private ones a WeakMap's entry a
// field.
var accessorFields = regexp.MustCompile(`[{;}](?:static )?(?:get|set|async)[=}]`)

const maxAccessorFields = 16

// Build compiles one module for the engine. It reads no file and resolves no
// import: what the module needs must be in it. What is wrong with the source is a
// *SourceError that names the author's file; other errors are ctx's. The compiler
// cannot be stopped: when ctx ends, or after MaxTime, Build returns and leaves it to
// end by itself, or with its process.
func Build(ctx context.Context, in Input) (Output, error) {
	if err := context.Cause(ctx); err != nil {
		return Output{}, fmt.Errorf("build module: %w", err)
	}
	type result struct {
		out Output
		err error
	}
	done := make(chan result, 1)
	go func() {
		r := result{err: &SourceError{Text: "the bundler failed on this module; please report it with the source"}}
		defer func() {
			_ = recover() // a fault of the compiler's is the module's refusal
			done <- r
		}()
		r.out, r.err = compileModule(in)
	}()
	timeout := time.NewTimer(MaxTime)
	defer timeout.Stop()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
		return Output{}, fmt.Errorf("build module: %w", context.Cause(ctx))
	case <-timeout.C:
		return Output{}, &SourceError{Text: fmt.Sprintf("the module could not be compiled within %v: it is too large, or holds too many mistakes", MaxTime)}
	}
}

func compileModule(in Input) (Output, error) {
	entry := plainPath(in.Entry)
	if entry == "" {
		entry = "index.ts"
	}
	if len(in.Source) > MaxSource {
		return Output{}, &SourceError{File: entry, Text: fmt.Sprintf("the module holds %d bytes; at most %d are taken", len(in.Source), MaxSource)}
	}
	b := build{source: in.Source, entry: entry}
	loaders := []api.Loader{loaderOf(entry)}
	if strings.TrimSpace(in.SourceMap) != "" {
		m, err := parseSourceMap(in.SourceMap)
		if err != nil {
			return Output{}, err
		}
		b.uploaded = m
		// Code with a map is a bundler's output, and JavaScript before all else: read
		// as TypeScript, `a<b>(c)` would change its meaning.
		if loaders[0] == api.LoaderTS || loaders[0] == api.LoaderTSX {
			loaders = []api.Loader{api.LoaderJS, loaders[0]}
		}
	}
	if at, problem := guard(in.Source); problem != "" {
		return Output{}, b.at(at, problem)
	}
	var failure error
	for _, loader := range loaders {
		out, err := b.run(loader)
		if err == nil {
			return out, nil
		}
		if failure == nil {
			failure = err
		}
	}
	return Output{}, failure
}

type build struct {
	source   string
	entry    string
	uploaded *sourceMap // nil: source is the author's own text
}

func (b *build) run(loader api.Loader) (Output, error) {
	options := b.options(loader)
	out := api.Build(options)
	waits := slices.ContainsFunc(out.Errors, func(m api.Message) bool { return strings.HasPrefix(m.Text, topLevelAwait) })
	if waits {
		awaiting(&options)
		out = api.Build(options)
	}
	if len(out.Errors) == 0 && len(accessorFields.FindAllIndex(codeOf(out), maxAccessorFields+1)) > maxAccessorFields {
		options.Supported["class-field"], options.Supported["class-static-field"] = false, false
		out = api.Build(options)
	}
	if len(out.Errors) > 0 {
		return Output{}, b.explain(out.Errors)
	}
	meta, err := parseMetafile(out.Metafile)
	if err != nil {
		return Output{}, err
	}
	for _, o := range meta.Outputs {
		for _, im := range o.Imports {
			return Output{}, b.refuseImport(im.Path)
		}
	}
	result := Output{Code: codeOf(out), Builder: Builder}
	mapped, err := b.finishMap(mapOf(out))
	if err != nil {
		return Output{}, err
	}
	if !waits {
		result.Code, mapped.Mappings = plainExports(result.Code, mapped.Mappings)
	}
	head := ""
	for _, input := range meta.Inputs {
		if input.Format == "esm" {
			// A module is strict, and esbuild leaves it to the one who runs it to say so.
			head = "\"use strict\";"
		}
	}
	if waits {
		if result.Code, err = promised(result.Code); err != nil {
			return Output{}, err
		}
		head += promiseHead
	}
	if head != "" {
		result.Code = append([]byte(head+"\n"), result.Code...)
		mapped.Mappings = ";" + mapped.Mappings
	}
	if result.Map, err = json.Marshal(mapped); err != nil {
		return Output{}, fmt.Errorf("encode source map: %w", err)
	}
	found := append(b.warnings(out.Warnings), impossible(result.Code, mapped)...)
	for _, w := range found {
		if w.fatal && !ofPackage(w.File) {
			return Output{}, w
		}
	}
	result.Warnings = found[:min(len(found), maxWarnings)]
	return result, nil
}

func (b *build) options(loader api.Loader) api.BuildOptions {
	supported := make(map[string]bool, len(unsupported)+2)
	for _, feature := range unsupported {
		supported[feature] = false
	}
	return api.BuildOptions{
		Stdin:     &api.StdinOptions{Contents: b.source + "\n" + b.mapComment(), Sourcefile: path.Base(b.entry), Loader: loader},
		Supported: supported,
		Target:    api.ES2022,
		Format:    api.FormatCommonJS,
		Platform:  api.PlatformNeutral,
		// No bundling and a tsconfig of its own: nothing is left to look for on disk.
		Bundle:        false,
		TsconfigRaw:   "{}",
		AbsWorkingDir: "/",
		Outfile:       "/out.js",
		Write:         false,
		Metafile:      true,
		Sourcemap:     api.SourceMapExternal,
		LegalComments: api.LegalCommentsNone,
		Charset:       api.CharsetUTF8,
		// On lines of its own, a block nested n deep is indented 2n: that squares a hostile source.
		MinifyWhitespace: true,
		LogLevel:         api.LogLevelSilent,
		LogLimit:         50,
	}
}

// mapComment is the last source map comment of the source, which is the one that
// counts: one of the author's could name a file of this machine.
func (b *build) mapComment() string {
	data := []byte("{}")
	if b.uploaded != nil {
		if numbered, err := json.Marshal(b.uploaded.numbered()); err == nil {
			data = numbered
		}
	}
	return "//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(data)
}

// finishMap puts the author's names and texts into the compiled map.
func (b *build) finishMap(data []byte) (*sourceMap, error) {
	var m sourceMap
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read source map: %w", err)
	}
	if b.uploaded == nil {
		m.Sources = []string{b.entry}
		m.SourcesContent = []*string{&b.source}
		return &m, nil
	}
	m.SourcesContent = make([]*string, len(m.Sources))
	for i, name := range m.Sources {
		at, ok := b.uploaded.index(name)
		if !ok {
			m.Sources[i] = b.entry
			continue
		}
		m.Sources[i] = b.uploaded.Sources[at]
		m.SourcesContent[i] = b.uploaded.SourcesContent[at]
	}
	return &m, nil
}

func loaderOf(entry string) api.Loader {
	switch path.Ext(entry) {
	case ".js", ".mjs", ".cjs":
		return api.LoaderJS
	case ".jsx":
		return api.LoaderJSX
	case ".tsx":
		return api.LoaderTSX
	}
	return api.LoaderTS
}

func codeOf(r api.BuildResult) []byte { return outputOf(r, "/out.js") }
func mapOf(r api.BuildResult) []byte  { return outputOf(r, "/out.js.map") }

func outputOf(r api.BuildResult, name string) []byte {
	for _, f := range r.OutputFiles {
		if strings.HasSuffix(strings.ReplaceAll(f.Path, `\`, "/"), name) {
			return bytes.TrimRight(f.Contents, "\n")
		}
	}
	return nil
}

// metafile is what esbuild says of a run, as far as it is needed.
type metafile struct {
	Inputs map[string]struct {
		Bytes  int    `json:"bytes"`
		Format string `json:"format"`
	} `json:"inputs"`
	Outputs map[string]struct {
		Imports []struct {
			Path string `json:"path"`
			Kind string `json:"kind"`
		} `json:"imports"`
	} `json:"outputs"`
}

func parseMetafile(data string) (metafile, error) {
	var m metafile
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		return m, fmt.Errorf("read metafile: %w", err)
	}
	return m, nil
}
