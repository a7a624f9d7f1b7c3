package engine

import (
	"bytes"
	"math/big"
	"reflect"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/dop251/goja/unistring"
)

// The names under which a module's own function gets what stands for ** and <<. A
// module that declares them itself gets its own functions, and nothing else.
const (
	powerName = "hadron$power"
	shiftName = "hadron$shift"
)

// boundPowers has the operators that make huge numbers of small ones go through
// functions that check first: ** everywhere, and << where an operand is written as a
// BigInt. Where << has variables only, it stays what it is: hashes live by it.
// It reports whether there was any.
func boundPowers(code []byte, tree *ast.Program) bool {
	if !bytes.Contains(code, []byte("**")) && !bytes.Contains(code, []byte("<<")) {
		return false
	}
	var p powerRewriter
	p.walk(reflect.ValueOf(tree.Body))
	return p.found
}

type powerRewriter struct{ found bool }

var (
	expressionType = reflect.TypeFor[ast.Expression]()
	fileType       = reflect.TypeFor[*file.File]()
	astPath        = reflect.TypeFor[ast.Program]().PkgPath()
)

// walk goes through all nodes below v and replaces expressions in their places.
func (p *powerRewriter) walk(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the rest holds no expressions
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		p.walk(v.Elem())
		if v.Type() == expressionType && v.CanSet() {
			if e := bounded(v.Interface().(ast.Expression)); e != nil {
				v.Set(reflect.ValueOf(e))
				p.found = true
			}
		}
	case reflect.Pointer:
		if !v.IsNil() && v.Type() != fileType && v.Elem().Kind() == reflect.Struct {
			p.walk(v.Elem())
		}
	case reflect.Struct:
		if v.Type().PkgPath() != astPath {
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); holdsNodes(f.Kind()) && v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "DeclarationList" {
				p.walk(f)
			}
		}
	case reflect.Slice:
		if !holdsNodes(v.Type().Elem().Kind()) {
			return
		}
		for i := range v.Len() {
			p.walk(v.Index(i))
		}
	}
}

func holdsNodes(k reflect.Kind) bool {
	return k == reflect.Interface || k == reflect.Pointer || k == reflect.Struct || k == reflect.Slice
}

// bounded is the call that stands for an expression; nil where it may stay.
func bounded(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.BinaryExpression:
		if name := guardOf(e.Operator, e.Left, e.Right); name != "" {
			return callOf(name, e.Left, e.Right)
		}
	case *ast.AssignExpression:
		// The left side is named twice: where that could be seen, it stays as it is.
		name := guardOf(e.Operator, e.Left, e.Right)
		if name == "" || !isPlain(e.Left) {
			return nil
		}
		return &ast.AssignExpression{Operator: token.ASSIGN, Left: e.Left, Right: callOf(name, e.Left, e.Right)}
	}
	return nil
}

func guardOf(operator token.Token, left, right ast.Expression) unistring.String {
	switch {
	case operator == token.EXPONENT:
		return powerName
	case operator == token.SHIFT_LEFT && (isBigInt(left) || isBigInt(right)):
		return shiftName
	}
	return ""
}

// isPlain reports whether a place may be named twice.
func isPlain(e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.Identifier, *ast.ThisExpression:
		return true
	case *ast.DotExpression:
		return isPlain(e.Left)
	}
	return false
}

func isBigInt(e ast.Expression) bool {
	n, ok := e.(*ast.NumberLiteral)
	if !ok {
		return false
	}
	_, big := n.Value.(*big.Int)
	return big
}

func callOf(name unistring.String, left, right ast.Expression) *ast.CallExpression {
	return &ast.CallExpression{
		Callee:           &ast.Identifier{Name: name, Idx: left.Idx0()},
		LeftParenthesis:  left.Idx0(),
		ArgumentList:     []ast.Expression{left, right},
		RightParenthesis: right.Idx1(),
	}
}
