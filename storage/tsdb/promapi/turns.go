package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/access"
	"hadron/storage/tsdb"
)

// turns shares the slots for queries between callers. Each has a lane of its own:
// it runs so many at once and no more, so that one that asks for everything leaves
// slots to the others, and where all are taken the lanes get the next free one in
// turn, however many wait in each.
type turns struct {
	slots   int // of all lanes
	running int // most of one lane at once
	waiting int // most that wait in one lane

	mu    sync.Mutex
	taken int
	lanes map[string]*lane // those in use
	ring  []*lane          // those where somebody waits, in their turn
	held  int              // how many wait

	refused prometheus.Counter
}

type lane struct {
	key     string
	running int
	waiting []*turn
}

// turn is one query that waits. granted is closed under the lock.
type turn struct{ granted chan struct{} }

// busyError is a caller that has too many queries waiting.
type busyError struct {
	who     string
	running int
	waiting int
}

func (e *busyError) Error() string {
	return fmt.Sprintf("%s: %s has %d queries running and %d waiting, which is as many as one caller may have; ask again when some have ended",
		tsdb.ErrBusy, e.who, e.running, e.waiting)
}

func (e *busyError) Unwrap() error { return tsdb.ErrBusy }

func newTurns(slots, running, waiting int, registerer prometheus.Registerer) *turns {
	q := &turns{
		slots: slots, running: min(running, slots), waiting: waiting, lanes: map[string]*lane{},
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hadron_prometheus_api_queries_refused_total",
			Help: "Queries refused because their caller had too many waiting.",
		}),
	}
	if registerer == nil {
		return q
	}
	count := func(state string, value func() int) prometheus.GaugeFunc {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hadron_prometheus_api_queries", Help: "Queries of the Prometheus API, by whether they run or wait.",
			ConstLabels: prometheus.Labels{"state": state},
		}, func() float64 {
			q.mu.Lock()
			defer q.mu.Unlock()
			return float64(value())
		})
	}
	registerer.MustRegister(q.refused, count("running", func() int { return q.taken }), count("waiting", func() int { return q.held }))
	return q
}

// enter waits for a slot and returns what gives it back. It fails with a *busyError
// at once where too many of the caller wait, and with the context's cause.
func (q *turns) enter(ctx context.Context, key, who string) (leave func(), err error) {
	q.mu.Lock()
	l := q.lanes[key]
	if l == nil {
		l = &lane{key: key}
		q.lanes[key] = l
	}
	if q.taken < q.slots && l.running < q.running && len(l.waiting) == 0 {
		q.taken++
		l.running++
		q.mu.Unlock()
		return q.leaver(l), nil
	}
	if len(l.waiting) >= q.waiting {
		err := &busyError{who, l.running, len(l.waiting)}
		q.tidy(l)
		q.mu.Unlock()
		q.refused.Inc()
		return nil, err
	}
	mine := &turn{make(chan struct{})}
	if l.waiting = append(l.waiting, mine); len(l.waiting) == 1 {
		q.ring = append(q.ring, l)
	}
	q.held++
	q.mu.Unlock()

	select {
	case <-mine.granted:
		return q.leaver(l), nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if at := slices.Index(l.waiting, mine); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
		q.held--
		q.tidy(l)
	} else { // granted meanwhile
		q.give(l)
	}
	return nil, context.Cause(ctx)
}

func (q *turns) leaver(l *lane) func() {
	return sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.give(l)
	})
}

// give takes a slot back and passes on what is free. The caller holds q.mu.
func (q *turns) give(l *lane) {
	q.taken--
	l.running--
	for q.taken < q.slots {
		at := slices.IndexFunc(q.ring, func(l *lane) bool { return l.running < q.running })
		if at < 0 {
			break
		}
		next := q.ring[at]
		q.ring = slices.Delete(q.ring, at, at+1)
		first := next.waiting[0]
		if next.waiting = next.waiting[1:]; len(next.waiting) > 0 {
			q.ring = append(q.ring, next) // behind the others
		}
		q.held--
		q.taken++
		next.running++
		close(first.granted)
	}
	q.tidy(l)
}

// tidy forgets a lane that nobody uses. The caller holds q.mu.
func (q *turns) tidy(l *lane) {
	if len(l.waiting) > 0 {
		return
	}
	if at := slices.Index(q.ring, l); at >= 0 {
		q.ring = slices.Delete(q.ring, at, at+1)
	}
	if l.running == 0 && q.lanes[l.key] == l {
		delete(q.lanes, l.key)
	}
}

// take waits for the caller's turn.
func (a *api) take(ctx context.Context, r *http.Request) (leave func(), err error) {
	key, who := "", "the whole installation"
	if a.Visible != nil {
		key, who = laneOf(a.Visible(r))
	}
	return a.turns.enter(ctx, key, who)
}

// laneOf is the lane of a caller with these scopes: those who see the same share one.
func laneOf(scopes []access.Scope) (key, who string) {
	if len(scopes) == 0 || slices.Contains(scopes, access.Everything) {
		return "", "the whole installation"
	}
	var names []string
	for _, s := range scopes {
		names = append(names, string(s))
	}
	slices.Sort(names)
	key = strings.Join(slices.Compact(names), ",")
	if len(key) > 100 {
		return key, fmt.Sprintf("who reads %d teams and projects", len(names))
	}
	return key, "who reads " + key
}

// isBusy reports whether an error tells a caller to wait.
func isBusy(err error) bool { return errors.Is(err, tsdb.ErrBusy) }
