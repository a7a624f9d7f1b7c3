package engine

import (
	"errors"

	"github.com/dop251/goja"
)

var errEndlessLoad = errors.New("the module waits, at its top, for what does not come while it loads: requests and timers start with a call")

// awaited is what a module exports: where it awaits at its top, that is what the
// promise comes to which the bundler made of it.
func (v *isolate) awaited(exports goja.Value) (goja.Value, error) {
	o, ok := exports.(*goja.Object)
	if !ok {
		return exports, nil
	}
	if o.ExportType() != promiseType {
		return exports, nil
	}
	p := o.Export().(*goja.Promise)
	for p.State() == goja.PromiseStatePending && v.loop.pending > 0 {
		if !v.turn() {
			if s := v.stopping.Load(); s != nil {
				return nil, s.cause
			}
			break
		}
	}
	switch p.State() {
	case goja.PromiseStateFulfilled:
		return p.Result(), nil
	case goja.PromiseStateRejected:
		v.track(p, goja.PromiseRejectionHandle) // it is told of here
		reason := p.Result()
		return nil, v.rt.Try(func() { panic(reason) })
	default:
		return nil, errEndlessLoad
	}
}
