// Package webapi gives a goja VM the web platform that functions are written
// against: Request and Response, Headers, URL, fetch, streams, timers, console and
// their friends. Classes are made when a function first touches them, so that a VM
// that uses three of them pays for three.
//
// It and package engine are the only importers of goja. Nothing here is safe for
// use by several goroutines: all of it runs on the goroutine that owns the VM,
// except where a comment says otherwise.
package webapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/dop251/goja"

	"hadron/runtime/invocation"
)

// Host is what a Realm needs of whoever runs its VM. All but RoundTrip and Contain
// are called on the VM's goroutine.
type Host interface {
	// Context ends when the running invocation does. It is nil while the module
	// is loading, when nothing that waits may be started.
	Context() context.Context
	// Begin announces work that goes on off the VM's goroutine. The returned
	// function is to be called exactly once, from any goroutine, with what to run on
	// the VM's; it is dropped when the invocation has ended.
	Begin() func(done func())
	// After runs a function once the delay has passed, and again and again if
	// every is set. It fails when too many timers are waiting.
	After(delay time.Duration, every bool, run func()) (id int, err error)
	// Clear forgets a timer; an unknown id is ignored.
	Clear(id int)
	// Log takes a line of the console.
	Log(level invocation.Level, message string)
	// Report takes an error that no code of the function caught: a
	// *goja.Exception, or what ends the VM.
	Report(err error)
	// RoundTrip makes one request without following redirects, under the egress
	// policy of the running version.
	RoundTrip(req *http.Request) (*http.Response, error)
	// Contain takes what panicked off the VM's goroutine and makes an error of it
	// that functions may see. It is called from any goroutine.
	Contain(panicked any) error
	// Limits are those of the running version.
	Limits() Limits
}

// Limits bound what one invocation can make the platform hold.
type Limits struct {
	Bytes       int64 // of one body or buffer made natively
	Subrequests int   // fetches of one invocation
}

// Realm is the web platform inside one VM.
type Realm struct {
	vm      *goja.Runtime
	host    Host
	started time.Time // zero of performance.now
	classes map[string]*class
	iter    *goja.Object // %IteratorPrototype%

	promiseThen    goja.Callable
	promiseResolve goja.Callable
	promise        *goja.Object
	stringify      goja.Callable
	parse          goja.Callable
	counts         map[string]int
	clocks         map[string]time.Time
	indent         int
	fetches        int
}

// New installs the platform in a VM that nothing else has run in yet, under a new
// global object. guard sees each global of the language when it is first touched,
// and returns what functions get instead.
func New(vm *goja.Runtime, host Host, guard func(name string, v goja.Value) goja.Value) *Realm {
	r := &Realm{vm: vm, host: host, started: time.Now(), classes: make(map[string]*class, 8)}
	language := vm.GlobalObject()
	global := vm.NewObject()
	_ = global.DefineDataProperty("globalThis", global, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	for _, name := range []string{"undefined", "NaN", "Infinity"} {
		_ = global.DefineDataProperty(name, language.Get(name), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	lazy := vm.NewDynamicObject(&lazyGlobals{realm: r, global: global, language: language, guard: guard})
	_ = global.SetPrototype(lazy)
	vm.SetGlobalObject(global)
	return r
}

// Reset forgets what belonged to the invocation that has ended.
func (r *Realm) Reset() { r.fetches, r.indent = 0, 0 }

// lazyGlobals stands behind the global object: what the function does not find
// there is made here, once, and becomes an own property there.
type lazyGlobals struct {
	realm    *Realm
	global   *goja.Object
	language *goja.Object // goja's own global object, which functions never see
	guard    func(name string, v goja.Value) goja.Value
}

func (l *lazyGlobals) Get(key string) goja.Value {
	value := l.realm.global(key)
	if value == nil {
		if !l.own(key) {
			return nil
		}
		value = l.guard(key, l.language.Get(key))
	}
	_ = l.global.DefineDataProperty(key, value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	return value
}

// own tells globals from what every object inherits.
func (l *lazyGlobals) own(key string) bool { return languageNames()[key] }

func (l *lazyGlobals) Has(key string) bool         { return globalNames[key] || l.own(key) }
func (l *lazyGlobals) Set(string, goja.Value) bool { return false }
func (l *lazyGlobals) Delete(string) bool          { return true }
func (l *lazyGlobals) Keys() []string              { return nil }

// languageNames are the globals of the language.
var languageNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, name := range goja.New().GlobalObject().GetOwnPropertyNames() {
		names[name] = name != "globalThis"
	}
	return names
})

var globalNames = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"self", "global", "console", "crypto", "performance", "navigator", "fetch", "atob", "btoa", "structuredClone",
		"queueMicrotask", "reportError", "setTimeout", "setInterval", "clearTimeout", "clearInterval",
		"AbortController", "AbortSignal", "CustomEvent", "DOMException", "Event", "EventTarget", "Headers",
		"ReadableStream", "ReadableStreamDefaultController", "ReadableStreamDefaultReader", "Request", "Response",
		"TextDecoder", "TextEncoder", "URL", "URLSearchParams",
	} {
		names[name] = true
	}
	return names
}()

// global makes one global; nil where there is none of that name.
func (r *Realm) global(name string) goja.Value {
	if !globalNames[name] {
		return nil
	}
	switch name {
	case "self", "global":
		return r.vm.GlobalObject()
	case "console":
		return newConsole(r)
	case "crypto":
		return newCrypto(r)
	case "performance":
		return newPerformance(r)
	case "navigator":
		return newNavigator(r)
	case "fetch":
		return newFetch(r)
	case "atob":
		return newAtob(r)
	case "btoa":
		return newBtoa(r)
	case "structuredClone":
		return newStructuredClone(r)
	case "queueMicrotask":
		return newQueueMicrotask(r)
	case "reportError":
		return newReportError(r)
	case "setTimeout", "setInterval":
		return newTimer(r, name, name == "setInterval")
	case "clearTimeout", "clearInterval":
		return newClear(r, name)
	}
	return r.use(name).ctor
}

// use returns a class, building it the first time.
func (r *Realm) use(name string) *class {
	c := r.classes[name]
	if c == nil {
		c = r.build(name)
		r.classes[name] = c
	}
	return c
}

func (r *Realm) build(name string) *class {
	switch name {
	case "AbortController":
		return newAbortControllerClass(r)
	case "AbortSignal":
		return newAbortSignalClass(r)
	case "CustomEvent":
		return newCustomEventClass(r)
	case "DOMException":
		return newDOMExceptionClass(r)
	case "Event":
		return newEventClass(r)
	case "EventTarget":
		return newEventTargetClass(r)
	case "ExecutionContext":
		return newExecutionClass(r)
	case "Headers":
		return newHeadersClass(r)
	case "ReadableStream":
		return newReadableStreamClass(r)
	case "ReadableStreamDefaultController":
		return newStreamControllerClass(r)
	case "ReadableStreamDefaultReader":
		return newStreamReaderClass(r)
	case "Request":
		return newRequestClass(r)
	case "Response":
		return newResponseClass(r)
	case "TextDecoder":
		return newTextDecoderClass(r)
	case "TextEncoder":
		return newTextEncoderClass(r)
	case "URL":
		return newURLClass(r)
	case "URLSearchParams":
		return newSearchParamsClass(r)
	}
	panic("webapi: no class named " + name)
}
