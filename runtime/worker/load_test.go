package worker

import (
	"bytes"
	"context"
	"io"
	"testing"

	"hadron/runtime/function"
)

// A small version waits for the call that waits for it, a large one for nobody; neither
// is ever behind the first frame that names it.
func TestLoadComesBeforeWhatNamesIt(t *testing.T) {
	id := function.ID{Name: "t/p/f", Version: 1}
	begin := func(w *process) {
		if _, err := w.begin(get(id, "/"), nil); err != nil {
			t.Error(err)
		}
	}
	ask := func(w *process) {
		_, forget, err := w.ask(kindPrewarm, appendUint(nil, 1))
		if err != nil {
			t.Fatal(err)
		}
		forget()
	}
	for name, c := range map[string]struct {
		code  int // bytes
		next  func(w *process)
		reads int // that bring LOAD and what names it
		kind  kind
	}{
		"small, called":    {300, begin, 1, kindReq},
		"large, called":    {10 * maxTogether, begin, 0, kindReq},
		"large, prewarmed": {10 * maxTogether, ask, 0, kindPrewarm},
		"small, prewarmed": {300, func(w *process) {
			w.mu.Lock()
			w.letGo(w.loads[id])
			w.mu.Unlock()
			ask(w)
		}, 1, kindPrewarm},
	} {
		t.Run(name, func(t *testing.T) {
			w, peer, done := hollow(t, []string{"nothing"})
			defer done()
			w.pool.cfg.Bundle = func(context.Context, function.ID) (function.Bundle, error) {
				return function.Bundle{Code: bytes.Repeat([]byte("x"), c.code), Manifest: function.DefaultManifest()}, nil
			}
			if err := w.load(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			r := &reads{r: peer}
			d := newDecoder(r, &fromParent)
			if c.reads == 0 { // it is on its way already
				if f, err := d.next(); err != nil || f.kind != kindLoad {
					t.Fatalf("kind %d, %v", f.kind, err)
				}
			}
			c.next(w)
			if c.reads > 0 {
				f, err := d.next()
				if err != nil || f.kind != kindLoad {
					t.Fatalf("kind %d, %v", f.kind, err)
				}
				if bundle, _, err := readLoad(f.data); err != nil || bundle.ID != id || len(bundle.Code) != c.code {
					t.Errorf("%v, %d bytes, %v", bundle.ID, len(bundle.Code), err)
				}
			}
			if f, err := d.next(); err != nil || f.kind != c.kind {
				t.Errorf("kind %d, %v", f.kind, err)
			}
			if c.reads > 0 && r.n != c.reads {
				t.Errorf("%d reads, want %d", r.n, c.reads)
			}
		})
	}
}

type reads struct {
	r io.Reader
	n int
}

func (r *reads) Read(p []byte) (int, error) {
	r.n++
	return r.r.Read(p)
}
