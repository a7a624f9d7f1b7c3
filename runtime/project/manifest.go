package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hadron/runtime/function"
)

// document is a YAML file of ours: its values as JSON would hold them, and where each
// key stands.
type document struct {
	file   string // its name, for errors
	text   string
	values map[string]any
	places map[string]place // by key path, such as "slo.latency[0].quantile"
}

type place struct{ line, column int }

// Bounds of what a YAML alias or nesting can make of a small file.
const (
	maxYAMLDepth = 32
	maxYAMLNodes = 10_000
	maxYAMLKey   = 256
)

// yamlLine is how the YAML library names a position in its own messages.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): `)

func parseYAML(file string, data []byte) (*document, error) {
	doc := &document{file: file, text: string(data), values: map[string]any{}, places: map[string]place{}}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		text, line := err.Error(), 0
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1])
			text = strings.TrimPrefix(text, m[0])
		}
		text = strings.TrimPrefix(text, "yaml: ")
		return nil, doc.fail(place{line: line, column: doc.firstColumn(line)}, "not YAML: "+text)
	}
	if root.Kind == 0 || len(root.Content) == 0 {
		return doc, nil
	}
	top := root.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return doc, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, doc.fail(place{top.Line, top.Column}, "this file is keys and values, such as \"name: team/project/name\"")
	}
	nodes := 0
	value, err := doc.convert(top, "", 0, &nodes)
	if err != nil {
		return nil, err
	}
	doc.values = value.(map[string]any)
	return doc, nil
}

// convert makes JSON values of a node. A key without a value is as if it were not
// there, and what stands under env is text however it looks.
func (d *document) convert(n *yaml.Node, path string, depth int, nodes *int) (any, error) {
	*nodes++
	if depth > maxYAMLDepth || *nodes > maxYAMLNodes {
		return nil, d.fail(place{n.Line, n.Column}, "the file is nested too deep or grows too large by its aliases")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.convert(n.Alias, path, depth+1, nodes)
	case yaml.MappingNode:
		return d.convertMapping(n, path, depth, nodes)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			at := fmt.Sprintf("%s[%d]", path, i)
			d.places[at] = place{item.Line, item.Column}
			v, err := d.convert(item, at, depth+1, nodes)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	default:
		if under, ok := strings.CutPrefix(path, "env."); ok && under != "" && n.Tag != "!!null" {
			return n.Value, nil
		}
		return d.scalar(n)
	}
}

func (d *document) convertMapping(n *yaml.Node, path string, depth int, nodes *int) (any, error) {
	out, seen := map[string]any{}, map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := key.Value
		if path != "" {
			at = path + "." + key.Value
		}
		here := place{key.Line, key.Column}
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" || len(key.Value) > maxYAMLKey {
			return nil, d.fail(here, fmt.Sprintf("a key is plain text of at most %d bytes", maxYAMLKey))
		}
		if seen[key.Value] {
			return nil, d.fail(here, fmt.Sprintf("%s stands there twice", at))
		}
		seen[key.Value] = true
		d.places[at] = here
		v, err := d.convert(value, at, depth+1, nodes)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[key.Value] = v
		}
	}
	return out, nil
}

func (d *document) scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, d.fail(place{n.Line, n.Column}, "is not a yes or a no: write true or false")
		}
		return b, nil
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value), nil
		}
		var f float64
		if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, d.fail(place{n.Line, n.Column}, fmt.Sprintf("%s is not a number that this file can hold", n.Value))
		}
		return f, nil
	}
	// Text, dates included: a day is compared as text and never a moment.
	return n.Value, nil
}

// explain gives a manifest's error its place in the file. A nil document is a
// project without hadron.yaml.
func (d *document) explain(err error) error {
	var bad *function.ManifestError
	if !errors.As(err, &bad) {
		return err
	}
	if d == nil || len(d.text) == 0 {
		return err
	}
	text := bad.Problem
	if bad.Key != "" {
		text = bad.Key + ": " + bad.Problem
	}
	out := d.fail(d.find(bad.Key), text)
	out.cause = bad
	return out
}

// find is the place of a key, or of the nearest key around it.
func (d *document) find(key string) place {
	for key != "" {
		if p, ok := d.places[key]; ok {
			return p
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			break
		}
		key = key[:cut]
	}
	return place{}
}

func (d *document) firstColumn(line int) int {
	text, ok := lineOf(d.text, line)
	if !ok {
		return 0
	}
	return len(text) - len(strings.TrimLeft(text, " \t")) + 1
}

func (d *document) fail(at place, text string) *SourceError {
	e := &SourceError{File: d.file, Line: at.line, Column: at.column, Text: text}
	e.Frame = frame(d.text, at.line, at.column)
	return e
}
