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
	bundle, err := parseBundle(scriptOf(id), code)
	if err != nil {
		return nil, false, atSource(err, sourceMap)
	}
	if shifted, err := shiftMap(sourceMap, len(prologue), bundle.quoted); err == nil && shifted != nil {
		if m, err := sourcemap.Parse("", shifted); err == nil {
			bundle.tree.File.SetSourceMap(m)
		}
	}
	powers = boundPowers(code, bundle.tree)
	program, err = goja.CompileAST(bundle.tree, false)
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
// the prologue, what stands behind quotes by those, and all by one, since goja counts
// columns from 1 and maps do not. Of the map, what positions need is left.
func shiftMap(data []byte, first int, quoted []place) ([]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var m struct {
		Version    int      `json:"version"`
		SourceRoot string   `json:"sourceRoot,omitempty"`
		Sources    []string `json:"sources"`
		Mappings   string   `json:"mappings"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("read source map: %w", err)
	}
	var out strings.Builder
	out.Grow(len(m.Mappings) + 64)
	mappings := m.Mappings
	for i := 0; len(mappings) > 0; i++ {
		line, rest, more := strings.Cut(mappings, ";")
		mappings = rest
		by := 1
		if i == 0 {
			by += first
		}
		n := 0
		for n < len(quoted) && quoted[n].line == i {
			n++
		}
		if err := shiftLine(&out, line, by, quoted[:n]); err != nil {
			return nil, err
		}
		quoted = quoted[n:]
		if more {
			out.WriteByte(';')
		}
	}
	m.Mappings = out.String()
	return json.Marshal(m)
}

// shiftLine moves the entries of one line, of which each tells how far it is from the
// one before.
func shiftLine(out *strings.Builder, line string, by int, quoted []place) error {
	column := 0
	for line != "" {
		entry, rest, more := strings.Cut(line, ",")
		distance, length, ok := readVLQ(entry)
		if !ok {
			return errors.New("read source map: the mappings are malformed")
		}
		column += distance >> 1 // never negative: its sign bit is 0
		for len(quoted) > 0 && quoted[0].column < column {
			by += quotes
			quoted = quoted[1:]
		}
		writeVLQ(out, distance+by<<1)
		out.WriteString(entry[length:])
		if by = 0; more && len(quoted) == 0 { // the rest moves with this one
			out.WriteByte(',')
			out.WriteString(rest)
			return nil
		}
		if line = rest; more {
			out.WriteByte(',')
		}
	}
	return nil
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
