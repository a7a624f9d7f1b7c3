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
	"encoding/json"
	"math"
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
	// LogWith takes a line and its fields: a JSON object, or nil.
	LogWith(level invocation.Level, message string, fields json.RawMessage)
	// Meter returns what counts in one series of the running version's own metrics.
	// Name and labels were checked, labels are sorted by name, and their slice is the
	// host's to keep. The function must not be called after the VM's end.
	Meter(kind invocation.MeasureKind, name string, labels []invocation.Label) (func(float64), error)
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
	executor       goja.Value // of every promise made natively: leaves what settles it in settlers
	settlers       [2]goja.Value
	promise        *goja.Object
	nothing        goja.Value   // a function that does nothing
	wrapper        *goja.Object // what web objects are made after: see house
	trusts         goja.Value   // the getter of isTrusted that all events share
	fulfilled      goja.Value   // a promise of undefined
	json           *jsonRealm
	frame          [1]goja.StackFrame // scratch of class.constructed
	heavy          chan struct{}      // the turn of an operation of SubtleCrypto
	heavies        int                // operations that have or wait for it
	target         *EventTarget       // the global object's side of it
	reporting      bool               // an error is being told to its listeners
	nested         int                // how many timers set one another up to here
	counts         map[string]int
	clocks         map[string]time.Time
	indent         int
	fetches        int
	log            *goja.Object // ctx.log
	squeezing      int          // compressors and decompressors at work
	lazy           *lazyGlobals
	intrinsics     map[string]*goja.Object
}

// New installs the platform in a VM that nothing else has run in yet, under a new
// global object; Start is to be called before anything runs. guard sees each global of the language when it is first touched,
// and returns what functions get instead.
func New(vm *goja.Runtime, host Host, guard func(name string, v goja.Value) goja.Value) *Realm {
	r := &Realm{vm: vm, host: host, classes: make(map[string]*class, 8)}
	language := vm.GlobalObject()
	global := vm.NewObject()
	_ = global.DefineDataProperty("globalThis", global, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	for _, name := range []string{"undefined", "NaN", "Infinity"} {
		_ = global.DefineDataProperty(name, language.Get(name), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	}
	r.lazy = &lazyGlobals{realm: r, global: global, language: language, guard: guard}
	_ = global.SetPrototype(vm.NewDynamicObject(r.lazy))
	vm.SetGlobalObject(global)
	r.json = newJSON(vm, func(name string) *goja.Object { return language.Get(name).(*goja.Object) })
	return r
}

// Start says that the VM is a version's from now on, whose limits the host knows.
func (r *Realm) Start() {
	r.started = time.Now()
	r.json.most = int(min(r.host.Limits().Bytes, math.MaxInt32))
}

// usual are the classes that most functions need, if only for their request and answer.
var usual = []string{"ExecutionContext", "Headers", "Request", "Response", "URL", "URLSearchParams"}

// Prepare makes what most functions need, in a VM that nobody waits for. No function
// can tell whether it was called.
func (r *Realm) Prepare() {
	r.promises()
	for _, name := range usual {
		r.use(name)
	}
	r.lazy.guarded("Object")
	r.lazy.guarded("JSON")
}

// Reset forgets what belonged to the invocation that has ended.
func (r *Realm) Reset() {
	r.fetches, r.indent, r.heavies, r.nested, r.squeezing, r.reporting = 0, 0, 0, 0, 0, false
}

// OverFetched reports whether the running invocation wanted more fetches than its
// limit.
func (r *Realm) OverFetched() bool { return r.fetches > r.host.Limits().Subrequests }

// lazyGlobals stands behind the global object: what the function does not find
// there is made here, once, and becomes an own property there.
type lazyGlobals struct {
	realm    *Realm
	global   *goja.Object
	language *goja.Object // goja's own global object, which functions never see
	guard    func(name string, v goja.Value) goja.Value
	given    map[string]goja.Value // what guard gave
}

// guarded is a global of the language as functions get it, the same each time.
func (l *lazyGlobals) guarded(key string) goja.Value {
	if v := l.given[key]; v != nil {
		return v
	}
	if key == "Proxy" || key == "Reflect" {
		l.realm.json.prepare()
	}
	v := l.guard(key, l.language.Get(key))
	if key == "JSON" {
		l.realm.json.install(v.(*goja.Object))
	}
	if l.given == nil {
		l.given = make(map[string]goja.Value, 8)
	}
	l.given[key] = v
	return v
}

func (l *lazyGlobals) Get(key string) goja.Value {
	value := l.realm.global(key)
	if key == "Promise" {
		l.realm.promises() // before the function can change it
	}
	if value == nil {
		if !l.own(key) {
			return nil
		}
		value = l.guarded(key)
	}
	_ = l.global.DefineDataProperty(key, value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.ToFlag(listed[key]))
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
	for _, name := range []string{"FinalizationRegistry", "Intl", "Iterator", "WeakRef"} {
		names[name] = true // goja lacks them, and guard makes them
	}
	return names
})

// listed are the globals that can be enumerated: functions and attributes, as the
// standard has it, but no classes.
var listed = map[string]bool{
	"self": true, "crypto": true, "performance": true, "navigator": true, "fetch": true, "atob": true, "btoa": true,
	"structuredClone": true, "addEventListener": true, "removeEventListener": true, "dispatchEvent": true, "queueMicrotask": true,
	"reportError": true, "setTimeout": true, "setInterval": true, "clearTimeout": true, "clearInterval": true,
}

var globalNames = func() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"self", "global", "console", "crypto", "metrics", "performance", "navigator", "fetch", "atob", "btoa", "structuredClone",
		"addEventListener", "removeEventListener", "dispatchEvent", "queueMicrotask", "reportError", "setTimeout", "setInterval", "clearTimeout", "clearInterval",
		"AbortController", "AbortSignal", "Crypto", "CryptoKey", "CustomEvent", "DOMException", "ErrorEvent", "Event", "EventTarget", "Headers",
		"MessageEvent", "Navigator", "Performance", "PerformanceEntry", "PerformanceMark", "PerformanceMeasure", "PromiseRejectionEvent",
		"Request", "Response", "SubtleCrypto",
		"TextDecoder", "TextEncoder", "URL", "URLPattern", "URLSearchParams",
	} {
		names[name] = true
	}
	for _, name := range bodyNames {
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
		return r.use("Crypto").wrap(&Crypto{})
	case "metrics":
		return newMetrics(r)
	case "performance":
		return r.use("Performance").wrap(&Performance{})
	case "navigator":
		return r.use("Navigator").wrap(&Navigator{})
	case "addEventListener", "removeEventListener", "dispatchEvent":
		return newGlobalTarget(r, name)
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
	case "Crypto":
		return newCryptoClass(r)
	case "CryptoKey":
		return newCryptoKeyClass(r)
	case "CustomEvent":
		return newCustomEventClass(r)
	case "DOMException":
		return newDOMExceptionClass(r)
	case "ErrorEvent":
		return newErrorEventClass(r)
	case "Event":
		return newEventClass(r)
	case "EventTarget":
		return newEventTargetClass(r)
	case "ExecutionContext":
		return newExecutionClass(r)
	case "Counter":
		return newCounterClass(r)
	case "Gauge":
		return newGaugeClass(r)
	case "Histogram":
		return newHistogramClass(r)
	case "Headers":
		return newHeadersClass(r)
	case "MessageEvent":
		return newMessageEventClass(r)
	case "Navigator":
		return newNavigatorClass(r)
	case "Performance":
		return newPerformanceClass(r)
	case "PerformanceEntry":
		return newPerformanceEntryClass(r)
	case "PerformanceMark":
		return newPerformanceMarkClass(r)
	case "PerformanceMeasure":
		return newPerformanceMeasureClass(r)
	case "PromiseRejectionEvent":
		return newRejectionEventClass(r)
	case "Request":
		return newRequestClass(r)
	case "Response":
		return newResponseClass(r)
	case "SubtleCrypto":
		return newSubtleClass(r)
	case "TextDecoder":
		return newTextDecoderClass(r)
	case "TextEncoder":
		return newTextEncoderClass(r)
	case "URL":
		return newURLClass(r)
	case "URLPattern":
		return newURLPatternClass(r)
	case "URLSearchParams":
		return newSearchParamsClass(r)
	}
	if c := r.buildBody(name); c != nil {
		return c
	}
	panic("webapi: no class named " + name)
}
