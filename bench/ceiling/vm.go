package main

import (
	"errors"
	"io"

	"github.com/dop251/goja"
)

// platform is what the measured functions touch of the web's.
const platform = `
globalThis.Response = class {
	constructor(body) { this.body = body }
	static json(value) { return new Response(JSON.stringify(value)) }
	async json() { return JSON.parse(this.body) }
};
globalThis.fetch = async (url) => new Response(await get(url));
`

// vm is one goja VM with the function in it.
type vm struct {
	h    *handler
	rt   *goja.Runtime
	fn   goja.Callable
	this goja.Value
	env  *goja.Object
	done chan func() error // what came from the network
}

func newVM(h *handler) (*vm, error) {
	v := &vm{h: h, rt: goja.New(), done: make(chan func() error, 64)}
	if err := v.rt.Set("get", v.get); err != nil {
		return nil, err
	}
	if _, err := v.rt.RunString(platform); err != nil {
		return nil, err
	}
	wrapper, err := v.rt.RunProgram(h.program)
	if err != nil {
		return nil, err
	}
	body, _ := goja.AssertFunction(wrapper)
	module, exports := v.rt.NewObject(), v.rt.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return nil, err
	}
	if _, err := body(goja.Undefined(), exports, module); err != nil {
		return nil, err
	}
	this := module.Get("exports").ToObject(v.rt).Get("default")
	fn, ok := goja.AssertFunction(this.ToObject(v.rt).Get("fetch"))
	if !ok {
		return nil, errors.New("the module has no fetch")
	}
	v.this, v.fn, v.env = this, fn, v.rt.NewObject()
	return v, v.env.Set("UPSTREAM", h.upstream)
}

// call runs the function once, with what it waits for.
func (v *vm) call(body string) (string, error) {
	request := v.rt.NewObject()
	if err := request.Set("json", func() (goja.Value, error) {
		parse, _ := goja.AssertFunction(v.rt.Get("JSON").ToObject(v.rt).Get("parse"))
		return parse(goja.Undefined(), v.rt.ToValue(body))
	}); err != nil {
		return "", err
	}
	result, err := v.fn(v.this, request, v.env)
	if err != nil {
		return "", err
	}
	if p, ok := result.Export().(*goja.Promise); ok {
		for p.State() == goja.PromiseStatePending {
			if err := (<-v.done)(); err != nil {
				return "", err
			}
		}
		result = p.Result()
		if p.State() == goja.PromiseStateRejected {
			return "", errors.New(result.String())
		}
	}
	return result.ToObject(v.rt).Get("body").String(), nil
}

// get fetches a text and gives a promise of it.
func (v *vm) get(url string) *goja.Promise {
	p, resolve, reject := v.rt.NewPromise()
	go func() {
		text, err := v.h.fetch(url)
		v.done <- func() error {
			if err != nil {
				return reject(v.rt.NewGoError(err))
			}
			return resolve(text)
		}
	}()
	return p
}

func (h *handler) fetch(url string) (string, error) {
	resp, err := h.client.Get(url) //nolint:noctx // the ceiling has no limits
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return string(data), err
}
