package project

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// explain makes one SourceError of all that esbuild found.
func (b *build) explain(found []api.Message) *SourceError {
	e := b.message(found[0])
	e.More = len(found) - 1
	return e
}

func (b *build) message(m api.Message) *SourceError {
	text := plainText(m.Text)
	if m.Location == nil {
		return &SourceError{File: b.entry, Text: text}
	}
	if _, ok := lineOf(b.source, m.Location.Line); !ok || m.Location.Line > strings.Count(b.source, "\n")+1 {
		return b.at(len(b.source), text) // in the comment that Build adds: something is left open
	}
	return b.located(m.Location.Line, utf16Column(m.Location.LineText, m.Location.Column), text)
}

// at is an error at a byte of the source.
func (b *build) at(offset int, text string) *SourceError {
	before := b.source[:min(offset, len(b.source))]
	start := strings.LastIndexByte(before, '\n') + 1
	return b.located(strings.Count(before, "\n")+1, utf16Column(b.source[start:], len(before)-start), text)
}

// located names the author's file for a place in the source: through the uploaded
// map, where it knows the place.
func (b *build) located(line, column int, text string) *SourceError {
	if b.uploaded == nil {
		return &SourceError{File: b.entry, Line: line, Column: column, Text: text, Frame: frame(b.source, line, column)}
	}
	if file, l, c, ok := b.uploaded.lookup().original(line, column); ok {
		return &SourceError{File: file, Line: l, Column: c, Text: text, Frame: frame(b.uploaded.content(file), l, c)}
	}
	return &SourceError{File: "the uploaded module", Line: line, Column: column, Text: text, Frame: frame(b.source, line, column)}
}

// refuseImport says why an upload cannot import, where it does.
func (b *build) refuseImport(spec string) *SourceError {
	return b.at(findImport(b.source, spec), importProblem(spec, `an upload is one module, and "hadron deploy" makes one of a project and its npm packages`))
}

func importProblem(spec, otherwise string) string {
	shown := clip(spec)
	if name, ok := nodeBuiltin(spec); ok {
		return fmt.Sprintf("cannot import %q: functions run without Node.js, so %s", shown, builtinAdvice(name))
	}
	return fmt.Sprintf("cannot import %q: %s", shown, otherwise)
}

// findImport is the byte at which the source names an import: esbuild tells which
// imports are left, not where.
func findImport(source, spec string) int {
	quoted := "[\"'`]" + regexp.QuoteMeta(spec) + "[\"'`]"
	// First where code imports, on a line without a comment before it; then anywhere.
	for _, pattern := range []string{`(?m)^[^/\n]*(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(` + quoted + `)`, `(` + quoted + `)`} {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return 0
		}
		if m := re.FindStringSubmatchIndex(source); m != nil {
			return m[2]
		}
	}
	return 0
}

// warnings are esbuild's, less those about style.
func (b *build) warnings(found []api.Message) []*SourceError {
	var out []*SourceError
	for _, m := range found {
		if slices.Contains(keptWarnings, m.ID) {
			w := b.message(m)
			w.fatal = m.ID == "empty-import-meta"
			out = append(out, w)
		}
		if len(out) == maxWarnings {
			break
		}
	}
	return out
}

const maxWarnings = 10

// keptWarnings are esbuild's names of what an author needs to hear: the code
// compiles, and will not do what it says.
var keptWarnings = []string{
	"empty-import-meta", "assign-to-constant", "assign-to-import", "call-import-namespace",
	"import-is-undefined", "unsupported-regexp", "unsupported-dynamic-import", "unsupported-require-call",
}

// plainText keeps what concerns the author of a message of esbuild's.
func plainText(text string) string {
	if strings.HasPrefix(text, "panic:") {
		return "the bundler failed on this module; please report it with the source"
	}
	if strings.HasPrefix(text, `"import.meta" is not available`) {
		return "import.meta is not supported: a function is one script, without an address of its own"
	}
	if cut := strings.Index(text, " in the configured target environment"); cut > 0 {
		return text[:cut]
	}
	return clip(text)
}

func clip(s string) string {
	const most = 500
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
