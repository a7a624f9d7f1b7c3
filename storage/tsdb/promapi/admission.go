package promapi

import (
	"context"
	"net/http"
	"sync"
)

// admission bounds the writes that are read and decoded at a time: in all, of one
// sender, and those that compute.
type admission struct {
	most, each int // requests at once; of one sender
	work       chan struct{}

	mu       sync.Mutex
	all      int
	bySender map[string]int
}

func newAdmission(requests, work int) *admission {
	return &admission{
		most: requests, each: max(1, requests/2), work: make(chan struct{}, work), bySender: map[string]int{},
	}
}

// enter admits a request of a sender until leave is called. Where it does not, status says whose bound
// that is: 429 the sender's, 503 the node's.
func (a *admission) enter(sender string) (leave func(), status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.bySender[sender] >= a.each:
		return nil, http.StatusTooManyRequests
	case a.all >= a.most:
		return nil, http.StatusServiceUnavailable
	}
	a.all++
	a.bySender[sender]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all--
		if a.bySender[sender]--; a.bySender[sender] == 0 {
			delete(a.bySender, sender)
		}
	}, 0
}

// turn waits for a place among those that compute, until done is called.
func (a *admission) turn(ctx context.Context) (done func(), err error) {
	select {
	case a.work <- struct{}{}:
		return func() { <-a.work }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// retryLater answers a request that found no room.
func retryLater(w http.ResponseWriter, status int) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too many writes are being taken: send again after Retry-After", status)
}
