package engine

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/dop251/goja"

	"hadron/runtime/invocation"
	"hadron/runtime/webapi"
)

// failure describes what a call into the VM failed with.
func (v *isolate) failure(err error) *invocation.Failure {
	var ex *goja.Exception
	if !errors.As(err, &ex) {
		return &invocation.Failure{Message: clipMessage(err.Error())}
	}
	f := &invocation.Failure{Stack: frames(ex.Stack())}
	if len(f.Stack) == 0 {
		f.Stack = frames(webapi.CallSite(ex.Value()))
	}
	// Reading an error may run code of the function, so it is a turn of its own.
	v.enter(func() {
		f.Message = "an error whose name and message cannot be read"
		_ = v.rt.Try(func() { f.Name, f.Message = v.describe(ex.Value()) }) // what that throws says nothing more
	})
	f.Message = clipMessage(v.secrets.text(f.Message)) // redacted whole: a cut could hide a part of a secret
	return f
}

// failureOf describes a value that something was rejected with.
func (v *isolate) failureOf(reason goja.Value) *invocation.Failure {
	ex := v.rt.Try(func() { panic(reason) })
	return v.failure(ex)
}

func (v *isolate) describe(value goja.Value) (name, message string) {
	o, ok := value.(*goja.Object)
	if !ok {
		return "", v.realm.Inspect(value)
	}
	text := func(key string) string {
		if s := o.Get(key); s != nil && goja.IsString(s) {
			return s.String()
		}
		return ""
	}
	if name, message = text("name"), text("message"); name == "" && message == "" {
		return "", v.realm.Inspect(value)
	}
	if cause := o.Get("cause"); cause != nil && !goja.IsUndefined(cause) {
		message += " (cause: " + v.realm.Inspect(cause) + ")"
	}
	if len(name) > 100 {
		name = name[:100]
	}
	return strings.ToValidUTF8(name, ""), message
}

// frames maps a stack to the author's files. Frames of the bundler's helpers and of
// natives are left out where others remain.
func frames(stack []goja.StackFrame) []invocation.Frame {
	var mapped, all []invocation.Frame
	for i := range stack {
		f := &stack[i]
		name := f.SrcName()
		if name == "<native>" || strings.HasPrefix(name, "hadron:") {
			continue
		}
		at := f.Position()
		unmapped := isScript(at.Filename)
		if unmapped {
			at.Filename = scriptName
		}
		frame := invocation.Frame{File: at.Filename, Line: at.Line, Column: at.Column}
		if fn := f.FuncName(); fn != "<anonymous>" {
			frame.Function = clipMessage(fn)
		}
		if !unmapped {
			frame.Column++ // what a map says counts from 0
		}
		if len(all) < invocation.MaxFrames {
			all = append(all, frame)
		}
		if !unmapped && len(mapped) < invocation.MaxFrames {
			mapped = append(mapped, frame)
		}
	}
	if len(mapped) > 0 {
		return mapped
	}
	return all
}

func clipMessage(s string) string { return webapi.Clip(s, invocation.MaxMessage) }

// Report implements webapi.Host: an error that nothing of the function caught, or
// what ended the VM.
func (v *isolate) Report(err error) {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	switch {
	case errors.As(err, &interrupted):
		v.discard(reasonInterrupted)
	case errors.As(err, &overflow):
		v.discard(reasonOverflow)
		if v.call != nil {
			v.call.hits |= invocation.HitStack
		}
		v.fatal = &invocation.Failure{Name: "RangeError", Message: "Maximum call stack size exceeded", Stack: frames(overflow.Stack())}
	default:
		v.uncaught(err, "Uncaught ")
	}
}

// uncaught logs an error and keeps the first for the case that the call never
// answers because of it.
func (v *isolate) uncaught(err error, prefix string) {
	f := v.failure(err)
	v.logFailure(f, prefix)
	if v.call != nil && v.call.uncaught == nil {
		v.call.uncaught = f
	}
}

// logFailure writes an error to the function's log, its stack among the fields.
func (v *isolate) logFailure(f *invocation.Failure, prefix string) {
	var fields json.RawMessage
	if len(f.Stack) > 0 {
		if data, err := json.Marshal(map[string]any{"error": f.Name, "stack": f.Stack}); err == nil {
			fields = data
		}
	}
	v.logRecord(invocation.Error, prefix+f.Error(), fields)
}

// initFailure is how a call ends whose module did not load.
func (v *isolate) initFailure(err error) (invocation.Code, *invocation.Failure) {
	if s := v.stopping.Load(); s != nil && !errors.Is(s.cause, errSlowModule) {
		return codeOfCause(s.cause), &invocation.Failure{Message: s.cause.Error()}
	}
	var interrupted *goja.InterruptedError
	if errors.As(err, &interrupted) {
		return invocation.FunctionError, &invocation.Failure{Message: errSlowModule.Error()}
	}
	var overflow *goja.StackOverflowError
	if errors.As(err, &overflow) {
		return invocation.FunctionError, &invocation.Failure{Name: "RangeError", Message: "Maximum call stack size exceeded", Stack: frames(overflow.Stack())}
	}
	if v.realm == nil {
		return invocation.FunctionError, &invocation.Failure{Message: clipMessage(err.Error())}
	}
	return invocation.FunctionError, v.failure(err)
}
