package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
	"github.com/go-sourcemap/sourcemap"

	"hadron/runtime/function"
	"hadron/runtime/webapi"
)

// program is one version, compiled: shared by all its VMs, never changed.
type program struct {
	id       function.ID
	manifest function.Manifest
	bounds   function.Limits // the manifest's, with defaults
	code     *goja.Program
	policy   *policy
	measures *measures // nil: what it counts is not kept
	mentions mentions
	powers   bool // it has operators that functions stand for
}

// fresh reports whether each invocation gets a VM of its own.
func (p *program) fresh() bool { return p.manifest.Isolation == "request" }

func (p *program) limits() webapi.Limits {
	return webapi.Limits{Bytes: int64(p.bounds.Memory), Subrequests: p.bounds.Subrequests}
}

// The bundle becomes the body of a function on its own first line, so that line
// numbers stay those of the bundle.
const (
	prologue = "(function(exports,module," + powerName + "," + shiftName + "){"
	epilogue = "\n})"
	mapName  = "bundle.js.map"
)

// Bounds of what is parsed in this process.
const (
	maxCode    = 16 << 20
	maxNesting = 5000
)

var errNesting = errors.New("the code is nested too deeply to be compiled")

// compile parses a bundle. Its source map is the only one that is read: goja's own
// loader opens files that the code names.
func compile(id function.ID, code, sourceMap []byte) (program *goja.Program, powers bool, err error) {
	if len(code) > maxCode {
		return nil, false, fmt.Errorf("the bundle holds %d bytes; at most %d are taken", len(code), maxCode)
	}
	if nesting(code) > maxNesting {
		return nil, false, errNesting
	}
	if len(code) > 1 && code[0] == '#' && code[1] == '!' {
		code = append([]byte("//"), code[2:]...)
	}
	var b strings.Builder
	b.Grow(len(prologue) + len(code) + len(epilogue) + 64)
	b.WriteString(prologue)
	b.Write(code)
	option := parser.Option(parser.WithDisableSourceMaps)
	if shifted, err := shiftMap(sourceMap, len(prologue)); err == nil && shifted != nil {
		b.WriteString("\n//# sourceMappingURL=" + mapName)
		option = parser.WithSourceMapLoader(func(path string) ([]byte, error) {
			if path != mapName {
				return nil, errors.New("no such source map")
			}
			return shifted, nil
		})
	}
	b.WriteString(epilogue)
	tree, err := parser.ParseFile(nil, scriptOf(id), b.String(), 0, option)
	if err != nil {
		return nil, false, atSource(err, sourceMap)
	}
	powers = boundPowers(code, tree)
	program, err = goja.CompileAST(tree, false)
	return program, powers, err
}

// atSource makes a refusal of a parser's error, at the author's line where the map
// knows it.
func atSource(err error, sourceMap []byte) error {
	var list parser.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return err
	}
	at := list[0].Position
	if at.Line == 1 {
		at.Column = max(1, at.Column-len(prologue))
	}
	refusal := &CheckError{Kind: SourceInvalid, File: at.Filename, Line: at.Line, Column: at.Column, Message: list[0].Message}
	if m, err := sourcemap.Parse("", sourceMap); err == nil {
		if file, _, line, column, ok := m.Source(at.Line, at.Column-1); ok {
			refusal.File, refusal.Line, refusal.Column = file, line, column+1
		}
	}
	return refusal
}

// nesting is how deep brackets go, text in strings and comments included: it may
// only be an upper bound, since it keeps the parser from recursing without end.
func nesting(code []byte) int {
	depth, most := 0, 0
	for _, c := range code {
		switch c {
		case '(', '[', '{':
			if depth++; depth > most {
				most = depth
			}
		case ')', ']', '}':
			if depth > 0 {
				depth--
			}
		}
	}
	return most
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// shiftMap fits a source map to how goja looks into it: the first line is moved by
// the prologue, and all by one, since goja counts columns from 1 and maps do not.
func shiftMap(data []byte, first int) ([]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read source map: %w", err)
	}
	var mappings string
	if err := json.Unmarshal(m["mappings"], &mappings); err != nil {
		return nil, fmt.Errorf("read source map: %w", err)
	}
	var out strings.Builder
	out.Grow(len(mappings) + 64)
	for i := 0; len(mappings) > 0; i++ {
		line, rest, more := strings.Cut(mappings, ";")
		mappings = rest
		if line != "" {
			by := 1
			if i == 0 {
				by += first
			}
			column, length, ok := readVLQ(line)
			if !ok {
				return nil, errors.New("read source map: the mappings are malformed")
			}
			writeVLQ(&out, column+by<<1) // a column is never negative: its sign bit is 0
			out.WriteString(line[length:])
		}
		if more {
			out.WriteByte(';')
		}
	}
	moved, err := json.Marshal(out.String())
	if err != nil {
		return nil, fmt.Errorf("write source map: %w", err)
	}
	m["mappings"] = moved
	return json.Marshal(m)
}

// readVLQ reads the number that s begins with, its sign in the lowest bit, and how
// many characters it takes.
func readVLQ(s string) (value, length int, ok bool) {
	for shift := 0; length < len(s) && shift <= 30; shift += 5 {
		digit := strings.IndexByte(vlqDigits, s[length])
		if digit < 0 {
			return 0, 0, false
		}
		length++
		value |= digit & 31 << shift
		if digit&32 == 0 {
			return value, length, true
		}
	}
	return 0, 0, false
}

func writeVLQ(b *strings.Builder, value int) {
	for {
		digit := value & 31
		if value >>= 5; value > 0 {
			digit |= 32
		}
		b.WriteByte(vlqDigits[digit])
		if value == 0 {
			return
		}
	}
}

func newProgram(id function.ID, bundle function.Bundle) (*program, error) {
	code, powers, err := compile(id, bundle.Code, bundle.Map)
	if err != nil {
		return nil, fmt.Errorf("compile bundle: %w", err)
	}
	allow, err := newPolicy(bundle.Manifest.Fetch.Allow)
	if err != nil {
		return nil, fmt.Errorf("read fetch.allow: %w", err)
	}
	return &program{id: id, manifest: bundle.Manifest, bounds: bundle.Manifest.Limits.WithDefaults(), code: code, policy: allow, mentions: mentionsOf(bundle.Code, bundle.Manifest.UnsafeEval), powers: powers}, nil
}
