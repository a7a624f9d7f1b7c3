package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ErrType is wrapped by every refusal of a Go type that has no TypeScript here.
var ErrType = errors.New("no TypeScript for this type")

const header = "// Generated from ui/wire by ui/wire/gen. Change the Go structs, then run: go generate ./ui/wire/gen\n"

// Generate returns the TypeScript of all exported types and constants of the Go
// package in dir, in the order of its files and of their declarations:
//   - a struct is an interface under its JSON names; omitempty and omitzero make a
//     member optional, a pointer without them nullable;
//   - a string type with constants is the union of their values;
//   - a tag tstype:"…" is taken as it stands.
//
// Its error names the type and field at fault.
func Generate(dir string) ([]byte, error) {
	files, err := parse(dir)
	if err != nil {
		return nil, err
	}
	g := &generator{unions: unions(files)}
	g.out.WriteString(header)
	for _, file := range files {
		for _, decl := range file.Decls {
			if err := g.decl(decl); err != nil {
				return nil, err
			}
		}
	}
	return g.out.Bytes(), nil
}

func parse(dir string) ([]*ast.File, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list package: %w", err)
	}
	slices.Sort(paths)
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read source: %w", err)
		}
		file, err := parser.ParseFile(set, filepath.Base(path), text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parse source: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

type generator struct {
	out    bytes.Buffer
	unions map[string][]string
}

// unions collects the values of typed string constants by the name of their type.
func unions(files []*ast.File) map[string][]string {
	out := make(map[string][]string)
	for _, file := range files {
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				value := spec.(*ast.ValueSpec)
				typed, ok := value.Type.(*ast.Ident)
				if !ok {
					continue
				}
				for _, expr := range value.Values {
					if lit, ok := expr.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						out[typed.Name] = append(out[typed.Name], lit.Value)
					}
				}
			}
		}
	}
	return out
}

func (g *generator) decl(decl ast.Decl) error {
	gen, ok := decl.(*ast.GenDecl)
	if !ok {
		return nil
	}
	for _, spec := range gen.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if !spec.Name.IsExported() {
				continue
			}
			g.doc("", first(spec.Doc, gen.Doc))
			if err := g.typeDecl(spec); err != nil {
				return fmt.Errorf("type %s: %w", spec.Name.Name, err)
			}
		case *ast.ValueSpec:
			if gen.Tok == token.CONST {
				g.constants(spec)
			}
		}
	}
	return nil
}

func (g *generator) constants(spec *ast.ValueSpec) {
	if spec.Type != nil { // a member of a union
		return
	}
	for i, name := range spec.Names {
		if i >= len(spec.Values) || !name.IsExported() {
			continue
		}
		if lit, ok := spec.Values[i].(*ast.BasicLit); ok {
			fmt.Fprintf(&g.out, "\nexport const %s = %s;\n", name.Name, lit.Value)
		}
	}
}

func (g *generator) typeDecl(spec *ast.TypeSpec) error {
	name := spec.Name.Name
	if params := spec.TypeParams; params != nil {
		var names []string
		for _, field := range params.List {
			for _, n := range field.Names {
				names = append(names, n.Name)
			}
		}
		name += "<" + strings.Join(names, ", ") + ">"
	}
	if members := g.unions[spec.Name.Name]; len(members) > 0 {
		fmt.Fprintf(&g.out, "export type %s = %s;\n", name, strings.Join(members, " | "))
		return nil
	}
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		text, err := typeOf(spec.Type)
		if err != nil {
			return err
		}
		fmt.Fprintf(&g.out, "export type %s = %s;\n", name, text)
		return nil
	}
	fmt.Fprintf(&g.out, "export interface %s {\n", name)
	for _, field := range fields.Fields.List {
		if err := g.field(field); err != nil {
			return err
		}
	}
	g.out.WriteString("}\n")
	return nil
}

func (g *generator) field(field *ast.Field) error {
	if len(field.Names) == 0 {
		return fmt.Errorf("embedded field: %w", ErrType)
	}
	var tag reflect.StructTag
	if field.Tag != nil {
		text, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			return fmt.Errorf("read tag: %w", err)
		}
		tag = reflect.StructTag(text)
	}
	parts := strings.Split(tag.Get("json"), ",")
	for _, ident := range field.Names {
		if !ident.IsExported() || parts[0] == "-" {
			continue
		}
		name := parts[0]
		if name == "" {
			name = ident.Name
		}
		optional := slices.Contains(parts[1:], "omitempty") || slices.Contains(parts[1:], "omitzero")
		text := tag.Get("tstype")
		if text == "" {
			var err error
			if text, err = typeOf(field.Type); err != nil {
				return fmt.Errorf("field %s: %w", ident.Name, err)
			}
		}
		mark := ""
		if optional {
			mark = "?"
			text = strings.TrimSuffix(text, " | null") // a nil pointer is left out, never null
		}
		g.doc("  ", first(field.Doc, field.Comment))
		fmt.Fprintf(&g.out, "  %s%s: %s;\n", name, mark, text)
	}
	return nil
}

func (g *generator) doc(indent string, group *ast.CommentGroup) {
	if indent == "" {
		g.out.WriteByte('\n')
	}
	if group == nil {
		return
	}
	lines := strings.Split(strings.TrimSpace(group.Text()), "\n")
	if len(lines) == 1 {
		fmt.Fprintf(&g.out, "%s/** %s */\n", indent, lines[0])
		return
	}
	fmt.Fprintf(&g.out, "%s/**\n", indent)
	for _, line := range lines {
		fmt.Fprintf(&g.out, "%s *%s\n", indent, strings.TrimRight(" "+line, " "))
	}
	fmt.Fprintf(&g.out, "%s */\n", indent)
}

func first(groups ...*ast.CommentGroup) *ast.CommentGroup {
	for _, group := range groups {
		if group != nil {
			return group
		}
	}
	return nil
}

var basics = map[string]string{
	"string": "string", "bool": "boolean", "any": "unknown",
	"int": "number", "int32": "number", "int64": "number", "uint": "number", "uint32": "number", "uint64": "number",
	"float32": "number", "float64": "number",
}

var qualified = map[string]string{
	"time.Time":       "string", // RFC 3339
	"json.RawMessage": "unknown",
}

func typeOf(expr ast.Expr) (string, error) {
	switch t := expr.(type) {
	case *ast.Ident:
		if basic, ok := basics[t.Name]; ok {
			return basic, nil
		}
		if t.IsExported() {
			return t.Name, nil
		}
	case *ast.StarExpr:
		inner, err := typeOf(t.X)
		return inner + " | null", err
	case *ast.ArrayType:
		inner, err := typeOf(t.Elt)
		if strings.Contains(inner, " ") {
			inner = "(" + inner + ")"
		}
		return inner + "[]", err
	case *ast.MapType:
		key, err := typeOf(t.Key)
		if err != nil {
			return "", err
		}
		value, err := typeOf(t.Value)
		return "Record<" + key + ", " + value + ">", err
	case *ast.SelectorExpr:
		if pkg, ok := t.X.(*ast.Ident); ok {
			if text, ok := qualified[pkg.Name+"."+t.Sel.Name]; ok {
				return text, nil
			}
		}
	case *ast.IndexExpr:
		outer, err := typeOf(t.X)
		if err != nil {
			return "", err
		}
		inner, err := typeOf(t.Index)
		return outer + "<" + inner + ">", err
	}
	return "", fmt.Errorf("%T: %w", expr, ErrType)
}
