package engine

import (
	"encoding/json"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/google/pprof/profile"

	"hadron/runtime/vlq"
)

// author finds the author's file of a profiled function. goja's profiles have the
// author's line but lose the file, so it is found again: of all functions in the
// bundle, the one that has code on the lines that were seen, and the name. Two
// functions of one name on the same lines of two files cannot be told apart.
type author struct {
	code     string
	literals []*literal
}

// literal is a function in the bundle, as its author wrote it.
type literal struct {
	start, end int            // in the text that was compiled
	file       string         // where its first line is
	line       int64          // that line
	lines      map[int64]bool // of that file, without those of functions inside
}

// newAuthor reads a bundle again. One that cannot be read has no literals.
func newAuthor(code, sourceMap []byte) *author {
	bundle, err := parseBundle(scriptName, code)
	a := &author{code: bundle.text}
	if err != nil {
		return a
	}
	a.find(reflect.ValueOf(bundle.tree.Body), map[uintptr]bool{})
	sort.Slice(a.literals, func(i, j int) bool { return a.literals[i].start < a.literals[j].start })
	a.place(readMappings(sourceMap, len(prologue), a.code, bundle.quoted))
	return a
}

// find collects the functions of a tree: goja's ast has no visitor.
func (a *author) find(v reflect.Value, seen map[uintptr]bool) {
	switch v.Kind() { //nolint:exhaustive // the rest holds no functions
	case reflect.Interface:
		if !v.IsNil() {
			a.find(v.Elem(), seen)
		}
	case reflect.Slice:
		for i := range v.Len() {
			a.find(v.Index(i), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			a.find(v.Field(i), seen)
		}
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return
		}
		seen[v.Pointer()] = true
		switch node := v.Interface().(type) {
		case *ast.FunctionLiteral:
			a.add(node)
		case *ast.ArrowFunctionLiteral:
			a.add(node)
		case *ast.ClassLiteral: // its fields run in a function of their own
			a.add(node)
		case *ast.ClassStaticBlock:
			a.add(node)
		}
		a.find(v.Elem(), seen)
	}
}

func (a *author) add(node ast.Node) {
	a.literals = append(a.literals, &literal{start: int(node.Idx0()) - 1, end: int(node.Idx1()) - 1, lines: map[int64]bool{}})
}

// place gives every mapping to the innermost function around it. Both are in the
// order of the text.
func (a *author) place(mappings []mapping) {
	var around []*literal
	next := 0
	for _, m := range mappings {
		for ; next < len(a.literals) && a.literals[next].start <= m.offset; next++ {
			around = append(around, a.literals[next])
		}
		for len(around) > 0 && around[len(around)-1].end <= m.offset {
			around = around[:len(around)-1]
		}
		if len(around) == 0 {
			continue
		}
		l := around[len(around)-1]
		if l.file == "" {
			l.file, l.line = m.file, m.line
		}
		if l.file == m.file {
			l.lines[m.line] = true
		}
	}
}

// numbered is what goja adds to a name that several functions have.
var numbered = regexp.MustCompile(`\.[0-9]+$`)

// name gives a profiled function its author's file, first line and name.
func (a *author) name(f *profile.Function, lines []int64) {
	name := numbered.ReplaceAllString(f.Name, "")
	anonymous := name == "<anonymous>"
	var best *literal
	var score [3]int
	for _, l := range a.literals {
		s := [3]int{0, 0, l.start - l.end}
		for _, line := range lines {
			if l.lines[line] {
				s[0]++
			}
		}
		if s[0] == 0 {
			continue
		}
		if !anonymous && a.says(l, name) {
			s[1] = 1
		}
		if best == nil || s[0] > score[0] || s[0] == score[0] && (s[1] > score[1] || s[1] == score[1] && s[2] > score[2]) {
			best, score = l, s
		}
	}
	f.Filename = scriptName
	if best != nil {
		f.Filename, f.StartLine = best.file, best.line
	}
	if anonymous {
		name = "(anonymous:" + strconv.FormatInt(f.StartLine, 10) + ")"
	}
	f.Name, f.SystemName = name, name
}

// says reports whether a function's name stands at its beginning, or just before
// it, as in `name = function` and `name: () =>`.
func (a *author) says(l *literal, name string) bool {
	const around = len("async function*  =(")
	from, to := max(0, l.start-len(name)-around), min(len(a.code), l.start+len(name)+around)
	return strings.Contains(a.code[from:to], name)
}

// mapping is one entry of a source map.
type mapping struct {
	offset int // in the text that was compiled
	file   string
	line   int64
}

// readMappings reads the entries of a source map that name a file, in the order of
// the text; the map's first line is moved by first, and what stands behind quotes by
// those. What is malformed ends the list.
func readMappings(data []byte, first int, text string, quoted []place) []mapping {
	var m struct {
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
	}
	if json.Unmarshal(data, &m) != nil {
		return nil
	}
	var out []mapping
	source, line, begins, row := 0, 0, first, -1
	for entries := range strings.SplitSeq(m.Mappings, ";") {
		column, moved := 0, 0
		row++
		for entry := range strings.SplitSeq(entries, ",") {
			if entry == "" {
				continue
			}
			fields, ok := readEntry(entry)
			if !ok {
				return out
			}
			column += fields[0]
			for len(quoted) > 0 && quoted[0].line == row && quoted[0].column < column {
				moved += quotes
				quoted = quoted[1:]
			}
			source, line = source+fields[1], line+fields[2]
			if len(entry) > 1 && source >= 0 && source < len(m.Sources) {
				out = append(out, mapping{offset: begins + column + moved, file: m.Sources[source], line: int64(line) + 1})
			}
		}
		for len(quoted) > 0 && quoted[0].line == row {
			quoted = quoted[1:]
		}
		end := strings.IndexByte(text[min(begins, len(text)):], '\n')
		if end < 0 {
			return out
		}
		begins += end + 1
	}
	return out
}

// readEntry reads column, source and line of one entry, each as the difference from
// the one before.
func readEntry(entry string) (fields [3]int, ok bool) {
	for i := range fields {
		if entry == "" {
			return fields, i == 1 // a column alone: code that no file has
		}
		value, length, ok := vlq.Read(entry)
		if !ok {
			return fields, false
		}
		fields[i] = value >> 1
		if value&1 != 0 {
			fields[i] = -fields[i]
		}
		entry = entry[length:]
	}
	return fields, true
}
