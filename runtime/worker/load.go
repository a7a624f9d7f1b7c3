package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// load is one version in one worker.
type load struct {
	index   uint32
	sent    bool     // LOAD is written, or held, so REQ may follow
	held    []byte   // LOAD, which goes in one write with the first REQ; nil: it is written
	secrets []string // names that its manifest lists
	once    sync.Once
	ready   chan struct{}
	err     error
}

func (l *load) fail(err error) {
	l.once.Do(func() {
		l.err = err
		close(l.ready)
	})
}

// maxLoad bounds the reading of one bundle from its store.
const maxLoad = 30 * time.Second

// load sends a version to the worker, once for all who ask.
func (w *process) load(ctx context.Context, id function.ID) error {
	w.mu.Lock()
	if w.stage != serving {
		w.mu.Unlock()
		return errGone
	}
	l := w.loads[id]
	if l == nil {
		w.last++
		l = &load{index: w.last, ready: make(chan struct{})}
		w.loads[id] = l
		w.indexes[l.index] = id
		// The work is for all who wait: it outlives the one who came first.
		outlive := context.WithoutCancel(ctx)
		w.pool.aside(func() { w.fetch(outlive, id, l) })
	}
	w.mu.Unlock()
	select {
	case <-l.ready:
		return l.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fetch reads a bundle and sends it, or holds it for the first call, which waits for
// it. A failure is not kept: the store may be back next time.
func (w *process) fetch(ctx context.Context, id function.ID, l *load) {
	held, err := w.takeBundle(ctx, id, l.index)
	if err == nil {
		if len(held) > maxTogether { // it fills writes of its own, and is nothing to be kept here
			w.out.send(kindLoad, l.index, held)
			held = nil
		}
		w.mu.Lock()
		l.sent, l.held = true, held
		w.mu.Unlock()
		l.fail(nil)
		return
	}
	w.mu.Lock()
	if w.loads[id] == l {
		delete(w.loads, id)
		delete(w.indexes, l.index)
	}
	w.mu.Unlock()
	l.fail(err)
}

// letGo writes a LOAD that is held, in front of what is written next. w.mu is held.
func (w *process) letGo(l *load) {
	if l.held != nil {
		w.out.hold(kindLoad, l.index, l.held)
		l.held = nil
	}
}

// takeBundle reads what LOAD holds, and sends it at once where there are secrets in it:
// else they could be old ones when it is sent.
func (w *process) takeBundle(ctx context.Context, id function.ID, index uint32) (unsent []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxLoad)
	defer cancel()
	defer context.AfterFunc(w.pool.closing, cancel)() //nolint:contextcheck // the pool's own end
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("load bundle: the store panicked: %v", p)
		}
	}()
	bundle, err := w.pool.cfg.Bundle(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("load bundle: %w", err)
	}
	payload := appendBundle(nil, id, bundle)
	names := bundle.Manifest.Secrets
	if len(names) == 0 {
		return appendSecrets(payload, nil), nil
	}
	// Noted first: whoever changes a secret from now on tells this worker of it.
	w.mu.Lock()
	if l := w.loads[id]; l != nil {
		l.secrets = names
	}
	w.mu.Unlock()
	return nil, w.tell(ctx, kindLoad, index, id, names, payload)
}

// appendBundle writes what LOAD holds before the secrets.
func appendBundle(b []byte, id function.ID, bundle function.Bundle) []byte {
	b = slices.Grow(b, len(bundle.Code)+len(bundle.Map)+len(id.Name)+512)
	b = appendText(b, string(id.Name))
	b = binary.AppendUvarint(b, uint64(id.Version))
	baseline := uint64(0)
	if id.Baseline {
		baseline = 1
	}
	b = binary.AppendUvarint(b, baseline)
	b = appendManifest(b, &bundle.Manifest)
	b = appendText(b, bundle.Code)
	return appendText(b, bundle.Map)
}

// readLoad reads what LOAD holds: a bundle and the secrets of its version.
func readLoad(data []byte) (function.Bundle, map[string]string, error) {
	c := cursor{s: string(data)}
	bundle := function.Bundle{ID: function.ID{Name: function.Name(strings.Clone(c.text())), Version: c.small(), Baseline: c.small() == 1}}
	bundle.Manifest = c.manifest()
	bundle.Code, bundle.Map = []byte(c.text()), []byte(c.text())
	secrets := c.secrets()
	return bundle, secrets, c.end()
}

// takeNeed sends a bundle again that the child has let go of.
func (w *process) takeNeed(f frame) error {
	w.mu.Lock()
	id, known := w.indexes[f.stream]
	given := f.stream != 0 && f.stream <= w.last
	w.mu.Unlock()
	switch {
	case !given:
		return fmt.Errorf("%w: NEED of an index that was never given", errFrame)
	case !known: // dropped meanwhile
		w.out.send(kindRefused, f.stream, []byte("the function was deleted"))
		return nil
	}
	w.pool.aside(func() {
		unsent, err := w.takeBundle(context.Background(), id, f.stream) //nolint:contextcheck // the worker's own, bounded by maxLoad
		switch {
		case err != nil:
			w.log.Error("function cannot be loaded", "version", id.String(), "error", err)
			w.out.send(kindRefused, f.stream, []byte("the bundle cannot be read"))
		case unsent != nil:
			w.out.send(kindLoad, f.stream, unsent)
		}
	})
	return nil
}

// drop forgets a deleted function.
func (w *process) drop(name function.Name) {
	w.mu.Lock()
	found := false
	for id, l := range w.loads {
		if id.Name == name {
			delete(w.loads, id)
			delete(w.indexes, l.index)
			found = true
		}
	}
	w.mu.Unlock()
	if found {
		w.out.send(kindDrop, 0, []byte(name))
	}
}

// prewarm has a version compiled and one VM made of it.
func (w *process) prewarm(ctx context.Context, id function.ID) error {
	w.mu.Lock()
	l := w.loads[id]
	if l != nil {
		w.letGo(l)
	}
	w.mu.Unlock()
	if l == nil {
		return errGone
	}
	answer, forget, err := w.ask(kindPrewarm, binary.AppendUvarint(nil, uint64(l.index)))
	if err != nil {
		return err
	}
	defer forget()
	select {
	case f, ok := <-answer:
		switch {
		case !ok:
			return errNoAnswer
		case f.kind == kindReady:
			return nil
		}
		return errors.New(clip(string(f.data), invocation.MaxMessage))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
