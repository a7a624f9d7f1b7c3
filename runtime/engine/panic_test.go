package engine

import (
	"net/http"
	"testing"

	"hadron/runtime/invocation"
)

// What the platform's own code panics ends one call at most, and its VM.
func TestPanicsOfTheHostStayInside(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Log = func(invocation.Record) { panic("log") }
		c.ExternalURL = "http://hadron.example"
		c.Call = nil
	})
	id := f.add(1, handlerCode(`console.log("x"); return new Response("fine")`))
	if s := ok(t, f, id, get(id, "/")); s.body.String() != "fine" {
		t.Fatalf("answered %q", s.body.String())
	}
	id = f.add(2, handlerCode(`return new Response(await request.text())`))
	req := get(id, "/")
	req.Method, req.Body, req.Header = "POST", panicking{}, http.Header{}
	if _, out := f.run(t, req); out.Code != invocation.FunctionError {
		t.Fatalf("outcome %+v", out)
	}
	// A Go panic within a turn of the VM.
	v := newIsolate(f.Engine, mustProgram(t, f, 1))
	if err := v.make(); err != nil {
		t.Fatal(err)
	}
	if err := v.rt.Set("boom", func() { panic("host") }); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = v.panicked(recover()) }()
		_, _ = v.rt.RunString(`try { boom() } catch {}`)
	}()
	if !v.spent() {
		t.Fatal("a VM that panicked would be used again")
	}
	id = f.add(3, handlerCode(`return new Response("after")`))
	if s := ok(t, f, id, get(id, "/")); s.body.String() != "after" {
		t.Fatalf("answered %q", s.body.String())
	}
}

func mustProgram(t *testing.T, f *fixture, version int) *program {
	t.Helper()
	for id, b := range f.bundles {
		if id.Version == version {
			p, err := newProgram(id, b)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatal("no such version")
	return nil
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("body") }
