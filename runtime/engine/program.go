package engine

import (
	"errors"
	"fmt"

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
