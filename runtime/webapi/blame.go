package webapi

import (
	"fmt"
	"strings"

	"github.com/dop251/goja"
)

// callSite is kept on an error that was made after the call it belongs to had
// returned: goja records where an error is made, and there is no code of the
// function's on the stack by then.
type callSite struct {
	instance
	frames []goja.StackFrame
}

var callSiteSymbol = goja.NewSymbol("hadron.callsite")

// maxSite bounds the frames kept for work under way.
const maxSite = 16

// here is where the function is now.
func (r *Realm) here() []goja.StackFrame { return r.vm.CaptureCallStack(maxSite, nil) }

// blame makes an error name the call that it came of.
func (r *Realm) blame(v goja.Value, site []goja.StackFrame) goja.Value {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Error" || len(site) == 0 {
		return v
	}
	hold := r.house(&callSite{frames: site}, nil)
	_ = o.DefineDataPropertySymbol(callSiteSymbol, hold, goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	var b strings.Builder
	b.WriteString(o.String())
	for i := range site {
		if at := site[i].Position(); at.Line > 0 {
			fmt.Fprintf(&b, "\n    at %s (%s:%d:%d)", site[i].FuncName(), at.Filename, at.Line, at.Column)
		}
	}
	_ = o.DefineDataProperty("stack", r.vm.ToValue(b.String()), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return v
}

// CallSite returns the call that an error came of, where the error itself was made
// later.
func CallSite(v goja.Value) []goja.StackFrame {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Error" {
		return nil
	}
	hold, ok := o.GetSymbol(callSiteSymbol).(*goja.Object)
	if !ok {
		return nil
	}
	site, ok := hold.Export().(*callSite)
	if !ok {
		return nil
	}
	return site.frames
}
