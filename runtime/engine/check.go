package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/dop251/goja"

	"hadron/runtime/function"
)

// The kinds of CheckError, which are codes of the management API.
const (
	SourceInvalid = "source_invalid"
	NoHandler     = "no_handler"
)

// CheckError says why a bundle cannot be run. Line and Column are 0 where they are
// not known, else they are of the author's File.
type CheckError struct {
	Kind    string
	File    string
	Line    int
	Column  int
	Message string
}

func (e *CheckError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Check compiles a bundle and evaluates it in a VM that is then thrown away. Its
// error is a *CheckError where the bundle is at fault.
func (e *Engine) Check(ctx context.Context, bundle function.Bundle) error {
	if !e.begin() {
		return ErrClosed
	}
	defer e.live.Done()
	timeout, cancel := context.WithTimeoutCause(ctx, e.cfg.CheckTimeout, errSlowModule)
	defer cancel()
	v := newIsolate(e, nil)
	done := make(chan error, 1)
	// The parser cannot be interrupted: the caller's time is kept either way.
	e.aside(ctx, func(ctx context.Context) { done <- v.check(ctx, bundle) })
	select {
	case err := <-done:
		return err
	case <-timeout.Done():
	}
	v.interrupt(context.Cause(timeout))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &CheckError{Kind: SourceInvalid, Message: errSlowModule.Error()}
}

func (v *isolate) check(ctx context.Context, bundle function.Bundle) error {
	stop := context.AfterFunc(ctx, func() { v.interrupt(context.Cause(ctx)) })
	defer stop()
	p, err := newProgram(bundle.ID, bundle)
	if err != nil {
		return compileError(err)
	}
	v.prog = p
	if s := v.stopping.Load(); s != nil {
		return s.cause
	}
	err = v.warm(v.engine.cfg.CheckTimeout)
	if err == nil {
		return nil
	}
	if errors.Is(err, errNoHandler) {
		return &CheckError{Kind: NoHandler, Message: err.Error()}
	}
	_, failure := v.initFailure(err)
	refusal := &CheckError{Kind: SourceInvalid, Message: "the module failed while it loaded: " + failure.Error()}
	if len(failure.Stack) > 0 {
		at := failure.Stack[0]
		refusal.File, refusal.Line, refusal.Column = at.File, at.Line, at.Column
	}
	return refusal
}

// compileError turns the parser's and compiler's errors into a refusal.
func compileError(err error) error {
	var refusal *CheckError
	if errors.As(err, &refusal) {
		return refusal
	}
	var syntax *goja.CompilerSyntaxError
	if errors.As(err, &syntax) {
		refusal = &CheckError{Kind: SourceInvalid, Message: syntax.Message}
		if syntax.File != nil {
			at := syntax.File.Position(syntax.Offset)
			refusal.File, refusal.Line, refusal.Column = at.Filename, at.Line, at.Column
			if isScript(at.Filename) {
				refusal.File = scriptName
			} else {
				refusal.Column++ // what a map says counts from 0
			}
		}
		return refusal
	}
	return &CheckError{Kind: SourceInvalid, Message: err.Error()}
}
