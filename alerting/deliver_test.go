package alerting_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// pager is the far end: it remembers what it accepted and which incidents are open.
type pager struct {
	mu       sync.Mutex
	got      []alerting.Event // accepted, also where the answer was lost
	times    []time.Time
	open     map[string]int // by routing and dedup key: how often it was opened
	isOpen   map[string]bool
	sending  map[string]bool
	overlaps int
	answer   func(e alerting.Event) (accept bool, err error)
	delay    time.Duration
}

func newPager() *pager {
	return &pager{open: map[string]int{}, isOpen: map[string]bool{}, sending: map[string]bool{}}
}

func (p *pager) send(ctx context.Context, e alerting.Event) error {
	p.mu.Lock()
	if p.sending[e.RoutingKey] {
		p.overlaps++
	}
	p.sending[e.RoutingKey] = true
	p.mu.Unlock()
	if p.delay > 0 {
		select {
		case <-time.After(p.delay):
		case <-ctx.Done():
			p.mu.Lock()
			p.sending[e.RoutingKey] = false
			p.mu.Unlock()
			return context.Cause(ctx)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sending[e.RoutingKey] = false
	accept, err := true, error(nil)
	if p.answer != nil {
		accept, err = p.answer(e)
	}
	if !accept {
		return err
	}
	id := e.RoutingKey + " " + e.DedupKey
	p.got = append(p.got, e)
	p.times = append(p.times, time.Now())
	switch {
	case e.Action == alerting.Trigger && !p.isOpen[id]:
		p.isOpen[id] = true
		p.open[id]++
	case e.Action == alerting.Resolve:
		p.isOpen[id] = false
	}
	return err
}

func (p *pager) received() []alerting.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func deliverer(t interface{ Fatal(...any) }, m *memory, p *pager, change func(*alerting.DelivererConfig)) *alerting.Deliverer {
	cfg := alerting.DelivererConfig{
		Outbox: m, Send: p.send,
		Routing: func(name function.Name) (string, bool) { return "key of " + string(name), true },
	}
	if change != nil {
		change(&cfg)
	}
	d, err := alerting.NewDeliverer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// write puts n triggers of one function into the outbox.
func write(t *testing.T, m *memory, name function.Name, routing string, n int) {
	t.Helper()
	for i := range n {
		o := alerting.Objective{Function: name, SLO: fmt.Sprintf("slo %d", i)}
		err := m.Commit(t.Context(), alerting.Change{
			Incidents: []alerting.Incident{{Objective: o, DedupKey: alerting.DedupKey("test", o), RoutingKey: routing, Class: slo.Page}},
			Messages: []alerting.Message{{
				Function: name, Created: time.Now(), Next: time.Now(),
				Event: alerting.Event{Target: alerting.PagerDuty, Action: alerting.Trigger, DedupKey: alerting.DedupKey("test", o), Summary: fmt.Sprint(i)},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func during(t *testing.T, d *alerting.Deliverer, f func()) {
	t.Helper()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f()
	if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func TestDeliversInOrderWithinTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newMemory(), newPager()
		write(t, m, "a/b/busy", "busy", 350)
		write(t, m, "a/b/other", "other", 1)
		during(t, deliverer(t, m, p, nil), func() {
			time.Sleep(10 * time.Millisecond)
			if !slices.ContainsFunc(p.received(), func(e alerting.Event) bool { return e.RoutingKey == "other" }) {
				t.Error("a busy key holds up another")
			}
			time.Sleep(10 * time.Minute)
		})
		var times []time.Time
		next := 0
		for i, e := range p.got {
			if e.RoutingKey != "busy" {
				continue
			}
			if e.Summary != fmt.Sprint(next) {
				t.Fatalf("event %s after %d", e.Summary, next-1)
			}
			next++
			times = append(times, p.times[i])
		}
		if next != 350 || p.overlaps > 0 {
			t.Fatalf("%d delivered, %d at the same time", next, p.overlaps)
		}
		for i := range times {
			if i >= 100 && times[i].Sub(times[i-100]) < time.Minute {
				t.Fatalf("101 events within %s", times[i].Sub(times[i-100]))
			}
		}
		if took := times[349].Sub(times[0]); took > 4*time.Minute {
			t.Errorf("slower than it has to be: %s", took)
		}
	})
}

func TestRetriesAndDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newMemory(), newPager()
		write(t, m, "a/b/c", "key", 3)
		began := time.Now()
		tries := 0
		p.answer = func(e alerting.Event) (bool, error) {
			switch e.Summary {
			case "0":
				if tries++; tries == 1 {
					return false, &alerting.RetryError{After: 37 * time.Second, Err: errors.New("429")}
				}
				if tries < 6 {
					return false, errors.New("503")
				}
			case "1":
				return false, &alerting.FinalError{Err: errors.New("400: bad\nsummary")}
			}
			return true, nil
		}
		during(t, deliverer(t, m, p, nil), func() {
			time.Sleep(36 * time.Second)
			synctest.Wait()
			p.mu.Lock()
			if tries != 1 {
				t.Errorf("%d tries within Retry-After", tries)
			}
			p.mu.Unlock()
			time.Sleep(10 * time.Minute)
		})
		if len(p.got) != 2 || p.got[0].Summary != "0" || p.got[1].Summary != "2" || tries != 6 {
			t.Errorf("%d tries, got %+v", tries, p.got)
		}
		if took := p.times[0].Sub(began); took < 37*time.Second || took > 2*time.Minute {
			t.Errorf("delivered after %s", took)
		}
		if len(m.dead) != 1 || m.dead[0].Reason != "refused: 400: bad summary" {
			t.Errorf("%+v", m.dead)
		}
	})
}

func TestGivesUpInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newMemory(), newPager()
		write(t, m, "a/b/c", "key", 1)
		write(t, m, "a/b/unknown", "", 1)
		p.answer = func(alerting.Event) (bool, error) { return false, errors.New("503") }
		during(t, deliverer(t, m, p, func(c *alerting.DelivererConfig) {
			c.Routing = func(function.Name) (string, bool) { return "", false }
		}), func() { time.Sleep(25 * time.Hour) })
		if len(m.dead) != 2 || len(m.messages) != 0 {
			t.Errorf("%+v", m.dead)
		}
	})
}

func TestWaitsForItsRoutingKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newMemory(), newPager()
		write(t, m, "a/b/c", "", 2)
		var mu sync.Mutex
		known := false
		d := deliverer(t, m, p, func(c *alerting.DelivererConfig) {
			c.Routing = func(function.Name) (string, bool) {
				mu.Lock()
				defer mu.Unlock()
				return "late", known
			}
		})
		during(t, d, func() {
			time.Sleep(time.Hour)
			synctest.Wait()
			if len(p.received()) != 0 {
				t.Error("sent without a key")
			}
			mu.Lock()
			known = true
			mu.Unlock()
			d.Wake()
			synctest.Wait()
			if got := p.received(); len(got) != 1 && len(got) != 2 || got[0].RoutingKey != "late" {
				t.Errorf("%+v", got)
			}
			time.Sleep(time.Second)
		})
		if len(p.got) != 2 {
			t.Errorf("%+v", p.got)
		}
	})
}

func TestSlowPagerMeetsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newMemory(), newPager()
		write(t, m, "a/b/c", "key", 1)
		p.delay = time.Hour
		d := deliverer(t, m, p, nil)
		during(t, d, func() { time.Sleep(11 * time.Second) })
		if len(m.messages) != 1 || m.messages[0].Attempts != 1 || !strings.Contains(m.messages[0].Reason, "too long") {
			t.Errorf("%+v", m.messages)
		}
	})
}

// Nothing more is sent once it is to stop, though the outbox may still answer: least of all
// to a target that has just said when it is to be asked again.
func TestNothingIsSentWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 { // what comes first is chance
			m, p := newMemory(), newPager()
			write(t, m, "a/b/c", "key", 2)
			sending, sent := make(chan struct{}), 0
			d := deliverer(t, m, p, func(c *alerting.DelivererConfig) {
				c.Send = func(ctx context.Context, _ alerting.Event) error {
					if sent++; sent == 1 {
						close(sending)
					}
					<-ctx.Done()
					return &alerting.RetryError{After: 17 * time.Second, Err: errors.New("429")}
				}
			})
			during(t, d, func() { <-sending; d.Wake() })
			if sent != 1 || len(m.messages) != 2 {
				t.Fatalf("sent %d times, %d wait", sent, len(m.messages))
			}
		}
	})
}
