package project

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"hadron/runtime/pattern"
)

// madeExpression finds the calls that literals of newer regular expressions became.
var madeExpression = regexp.MustCompile(`new RegExp\(("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')(?:,("[a-z]*"|'[a-z]*'))?\)`)

// computedImport finds what esbuild makes of import(). Where it knows of what, the
// module was refused before.
var computedImport = regexp.MustCompile(`\.then\(\(\)=>(?:__toESM\()?require\(`)

// ofPackage reports whether a file came with npm: its author is not the one to ask.
func ofPackage(file string) bool { return strings.Contains("/"+file, "/node_modules/") }

// impossible finds what compiles and cannot run, in the author's files.
func impossible(code []byte, m *sourceMap) []*SourceError {
	var out []*SourceError
	var places *lookup
	note := func(at int, text string) {
		if len(out) >= maxWarnings {
			return
		}
		if places == nil {
			l := m.lookup()
			places = &l
		}
		before := code[:at]
		start := bytes.LastIndexByte(before, '\n') + 1
		file, line, column, ok := places.original(bytes.Count(before, []byte("\n"))+1, utf16Column(string(code[start:]), len(before)-start))
		e := &SourceError{Text: text, fatal: true}
		if ok {
			e.File, e.Line, e.Column, e.Frame = file, line, column, frame(m.content(file), line, column)
		}
		out = append(out, e)
	}
	for _, at := range madeExpression.FindAllSubmatchIndex(code, -1) {
		flags := ""
		if at[4] >= 0 {
			flags = string(code[at[4]+1 : at[5]-1])
		}
		source, ok := stringLiteral(code[at[2]:at[3]])
		if !ok || !pattern.Foreign(source, flags) {
			continue
		}
		if _, _, err := pattern.Translate(source, flags); err != nil {
			note(at[0], err.Error())
		}
	}
	for _, at := range computedImport.FindAllIndex(code, maxWarnings) {
		// The mapping stands at the call, which the helper's name precedes.
		call := bytes.LastIndex(code[:at[1]], []byte("Promise.resolve()"))
		note(max(call, 0), "import() takes a text that is known when the project is bundled: there are no other modules at run time")
	}
	return out
}

// stringLiteral reads a literal as esbuild writes it.
func stringLiteral(text []byte) (string, bool) {
	inner := string(text[1 : len(text)-1])
	if text[0] == '\'' {
		inner = strings.ReplaceAll(strings.ReplaceAll(inner, `\'`, `'`), `"`, `\"`)
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			switch {
			case inner[i+1] == 'x' && i+3 < len(inner):
				b.WriteString(`\u00` + inner[i+2:i+4])
				i += 3
				continue
			case inner[i+1] == 'v':
				b.WriteString(`\u000b`)
				i++
				continue
			case inner[i+1] == '0':
				b.WriteString(`\u0000`)
				i++
				continue
			}
			b.WriteByte(inner[i])
			i++
		}
		b.WriteByte(inner[i])
	}
	var s string
	err := json.Unmarshal([]byte(`"`+b.String()+`"`), &s)
	return s, err == nil
}
