package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
)

// flusher sends a streamed answer as it is written, on a goroutine of its own: what
// is written before it gets to run goes out in one piece. On a server with time to
// spare that is each write by itself, on a busy one the writes of a moment.
type flusher struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	dirty chan struct{} // holds one
	done  chan struct{}

	mu  sync.Mutex // held while the client is waited for: so a slow one slows its function
	err error
}

// newFlusher begins with the head. stop must follow.
func newFlusher(w http.ResponseWriter, rc *http.ResponseController) *flusher {
	f := &flusher{w: w, rc: rc, dirty: make(chan struct{}, 1), done: make(chan struct{})}
	f.dirty <- struct{}{}
	go f.loop()
	return f
}

func (f *flusher) loop() {
	defer close(f.done)
	for range f.dirty {
		f.mu.Lock()
		f.flush()
		f.mu.Unlock()
	}
}

func (f *flusher) flush() {
	if err := f.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) && f.err == nil {
		f.err = fmt.Errorf("flush response: %w", err)
	}
}

// write takes the next bytes. It fails when earlier ones could not be sent.
func (f *flusher) write(p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if _, err := f.w.Write(p); err != nil {
		f.err = fmt.Errorf("write response: %w", err)
		return f.err
	}
	select {
	case f.dirty <- struct{}{}:
	default:
	}
	return nil
}

// stop returns when all that was written is sent, or cannot be. It may be called
// again.
func (f *flusher) stop() error {
	select {
	case <-f.done:
	default:
		close(f.dirty) // of the goroutine that writes; what it holds is still taken
		<-f.done
	}
	return f.err
}
