package live_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/live"
	"hadron/ui/wire"
)

func TestOverviewSendsWhatChanged(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.set("pay/core/charge", "healthy")
	w.set("home/bff/tv", "idle")
	p := w.dial("hdn_admin")
	first := p.ask("overview")
	want(t, first, "snapshot", "overview", "function", "home/bff/tv", "pay/core/charge")

	p.quiet(w) // nothing but the time of measuring is other
	w.set("pay/core/charge", "failing")
	w.step()
	m := p.next()
	want(t, m, "delta", "overview", "state", "failing")
	if m.Seq != first.Seq+1 || m.Removed == nil {
		t.Errorf("seq %d after %d, removed %v", m.Seq, first.Seq, m.Removed)
	}
	w.mu.Lock()
	delete(w.healths, "home/bff/tv")
	w.mu.Unlock()
	w.step()
	if m = p.next(); !slices.Equal(m.Removed, []string{"home/bff/tv"}) || len(m.Items) != 0 {
		t.Errorf("removal: %+v", m)
	}
	p.send(`{"type":"unsubscribe","topic":"overview"}`)
	p.send(`{"type":"subscribe","topic":"nothing"}`) // its answer shows that the one before was read
	if m = p.next(); m.Code != wire.LiveUnknownTopic {
		t.Fatalf("%+v", m)
	}
	w.set("home/bff/tv", "healthy")
	p.quiet(w)
}

// A page tells of the functions on it only, and of how many fit.
func TestPagesSummaryAndGroups(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.set("pay/core/charge", "failing")
	w.set("pay/core/refund", "healthy")
	w.set("home/bff/tv", "healthy")
	w.deployments = []wire.Deployment{{ID: 1, Function: "pay/core/charge"}, {ID: 2, Function: "home/bff/tv"}}
	w.alerts = []wire.Alert{{Name: "burn", Function: "pay/core/charge"}, {Name: "burn", Function: "home/bff/tv"}}
	p := w.dial("hdn_admin")
	const first, second = "overview?limit=2", "overview?from=2&limit=2"
	m := p.ask(first)
	want(t, m, "snapshot", first, "function", "home/bff/tv", "pay/core/charge") // items have no order, the page has: worst first
	if m.Total != 3 {
		t.Errorf("total %d", m.Total)
	}
	want(t, p.ask(second), "snapshot", second, "function", "pay/core/refund")
	want(t, p.ask("overview?scope=pay&state=healthy"), "snapshot", "overview?scope=pay&state=healthy", "function", "pay/core/refund")
	want(t, p.ask("summary"), "snapshot", "summary", "states", "map[degraded:0 failing:1 healthy:2 idle:0 unknown:0]")
	want(t, p.ask("groups?scope=pay"), "snapshot", "groups?scope=pay", "group", "pay/core")
	want(t, p.ask("alerts?scope=pay/core/charge"), "snapshot", "alerts?scope=pay/core/charge", "function", "pay/core/charge")
	want(t, p.ask("deployments?scope=home"), "snapshot", "deployments?scope=home", "id", "2")
	if m := p.ask("overview?limit=many"); m.Code != wire.LiveUnknownTopic || m.Topic != "overview?limit=many" {
		t.Errorf("%+v", m)
	}
	other := w.dial("hdn_pay")
	want(t, other.ask("overview?q=bff"), "snapshot", "overview?q=bff", "function") // another team's are not found by searching either
	want(t, other.ask("groups"), "snapshot", "groups", "group", "pay/core")
	if m := other.ask("summary"); !strings.Contains(string(m.Items[0]), `"functions":2`) {
		t.Errorf("%s", m.Items[0])
	}

	quiet := w.dial("hdn_admin")
	quiet.ask(second)
	w.set("pay/core/refund", "failing") // goes to the first page, what was there to the second
	w.step()
	got := map[string]message{}
	for range 5 {
		m := p.next()
		got[m.Topic] = m
	}
	want(t, got[first], "delta", first, "function", "pay/core/refund")
	want(t, got[second], "delta", second, "function", "home/bff/tv")
	if !slices.Equal(got[first].Removed, []string{"home/bff/tv"}) || !slices.Equal(got[second].Removed, []string{"pay/core/refund"}) {
		t.Errorf("removed %v and %v", got[first].Removed, got[second].Removed)
	}
	quiet.next()
	w.mu.Lock()
	h := w.healths["pay/core/charge"]
	h.InFlight = 3
	w.healths["pay/core/charge"] = h
	w.mu.Unlock()
	w.step()
	for m = p.next(); m.Topic != first; m = p.next() { // counts change with it
	}
	want(t, m, "delta", first, "inFlight", "3")
	quiet.quiet(w) // it does not look there
}

func TestResume(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.MaxReplay = 3 })
	const many = 50
	for i := range many {
		w.set(fmt.Sprintf("pay/core/f%02d", i), "healthy")
	}
	watcher, p := w.dial("hdn_admin"), w.dial("hdn_admin")
	watcher.ask("overview")
	at := p.ask("overview").Seq
	_ = p.conn.Close()
	change := func(state string) {
		w.set("pay/core/f00", state)
		w.step()
		want(t, watcher.next(), "delta", "overview", "state", state)
	}
	change("a")
	change("b")

	p = w.dial("hdn_admin")
	if p.hello.Epoch != watcher.hello.Epoch {
		t.Error("the epoch changed")
	}
	m := p.ask("overview", at)
	want(t, m, "delta", "overview", "state", "a")
	if m.Seq != at+1 {
		t.Errorf("seq %d, want %d", m.Seq, at+1)
	}
	want(t, p.next(), "delta", "overview", "state", "b")

	change("c")
	change("d") // the ring has b, c and d
	m = w.dial("hdn_admin").ask("overview", at)
	if m.Type != "snapshot" || len(m.Items) != many || m.Seq != at+4 {
		t.Errorf("too far back: %s of %d at %d", m.Type, len(m.Items), m.Seq)
	}
	for _, after := range []uint64{at + 4, at + 99, 0} { // nothing missed, not ours, never seen
		if m = w.dial("hdn_admin").ask("overview", after); m.Type != "snapshot" || m.Seq != at+4 {
			t.Errorf("after %d: %s at %d", after, m.Type, m.Seq)
		}
	}
	if n := testutil.CollectAndCount(w.reg, "hadron_live_resumes_total"); n != 2 {
		t.Errorf("%d kinds of resumes counted", n)
	}
}

func TestSequenceNumbersAreNeverUsedTwice(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.Linger = time.Nanosecond })
	w.set("pay/core/charge", "healthy")
	p := w.dial("hdn_admin")
	first := p.ask("overview").Seq
	_ = p.conn.Close()
	other := w.dial("hdn_admin")
	for testutil.ToFloat64(gauge(t, w.reg, "hadron_live_clients")) > 1 {
		w.step()
	}
	w.set("pay/core/charge", "failing")
	w.step() // the topic is gone now
	w.step()
	if again := other.ask("overview"); again.Seq <= first {
		t.Errorf("a new topic starts at %d, the old one had %d", again.Seq, first)
	}
}

func TestFunctionAlertsAndDeployments(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.set("pay/core/charge", "healthy")
	w.deployments = []wire.Deployment{{ID: 1, Function: "pay/core/charge"}, {ID: 2, Function: "home/bff/tv"}}
	p := w.dial("hdn_admin")
	m := p.ask("function:pay/core/charge")
	if m.Type != "snapshot" || len(m.Items) != 1 || !strings.Contains(string(m.Items[0]), `"errors":[]`) {
		t.Fatalf("%+v", m)
	}
	want(t, p.ask("alerts"), "snapshot", "alerts", "name")
	want(t, p.ask("deployments"), "snapshot", "deployments", "id", "1", "2")

	w.mu.Lock()
	w.deployments = []wire.Deployment{{ID: 2, Function: "home/bff/tv"}, {ID: 3, Function: "home/bff/tv"}} // the first is old, not undone
	w.mu.Unlock()
	w.wake <- struct{}{}
	m = p.next()
	want(t, m, "delta", "deployments", "id", "3")
	if len(m.Removed) != 0 {
		t.Errorf("removed %v", m.Removed)
	}
	w.mu.Lock()
	w.alerts = []wire.Alert{{Name: "burn", Function: "pay/core/charge", State: "firing"}}
	w.mu.Unlock()
	w.step()
	want(t, p.next(), "delta", "alerts", "state", "firing")
	w.mu.Lock()
	w.alerts = nil
	delete(w.healths, "pay/core/charge")
	w.mu.Unlock()
	w.step()
	for range 2 {
		m = p.next()
		removed := map[string]string{"alerts": "pay/core/charge/burn//", "function:pay/core/charge": "pay/core/charge"}[m.Topic]
		if !slices.Equal(m.Removed, []string{removed}) {
			t.Errorf("%+v", m)
		}
	}
}

func TestScopesSeeTheirOwn(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.set("pay/core/charge", "healthy")
	w.set("home/bff/tv", "healthy")
	w.deployments = []wire.Deployment{{ID: 1, Function: "pay/core/charge"}, {ID: 2, Function: "home/bff/tv"}}
	p, admin := w.dial("hdn_pay"), w.dial("hdn_admin")
	if p.hello.Epoch == admin.hello.Epoch {
		t.Error("one epoch for two scopes, whose numbers differ")
	}
	want(t, admin.ask("overview"), "snapshot", "overview", "function", "home/bff/tv", "pay/core/charge")
	want(t, p.ask("overview"), "snapshot", "overview", "function", "pay/core/charge")
	want(t, p.ask("deployments"), "snapshot", "deployments", "id", "1")
	for topic, code := range map[string]string{
		"function:home/bff/tv": wire.LiveNotFound, "logs:home/bff/tv": wire.LiveNotFound, // as if it were not there
		"logs:pay/core/missing": wire.LiveNotFound, "logs:pay": wire.LiveUnknownTopic, "": wire.LiveUnknownTopic,
	} {
		if m := p.ask(topic); m.Type != wire.TypeError || m.Code != code || m.Topic != topic {
			t.Errorf("%s: %+v", topic, m)
		}
	}
	if m := w.dial("hdn_invoke").ask("overview"); m.Code != wire.LiveForbidden {
		t.Errorf("an invoker: %+v", m)
	}
	w.set("home/bff/tv", "failing")
	w.step()
	want(t, admin.next(), "delta", "overview", "state", "failing")
	p.quiet(w)
}

func TestLogs(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.write("one")
	w.write("two")
	p := w.dial("hdn_admin")
	m := p.ask("logs:pay/core/charge")
	want(t, m, "snapshot", "logs:pay/core/charge", "message", "one", "two")
	at := m.Seq
	w.write("three")
	m = p.next()
	want(t, m, "delta", "logs:pay/core/charge", "message", "three")
	if m.Seq != at+1 {
		t.Errorf("seq %d after %d", m.Seq, at)
	}
	w.write("four")
	want(t, p.next(), "delta", "logs:pay/core/charge", "message", "four")
	m = w.dial("hdn_admin").ask("logs:pay/core/charge", at+1)
	want(t, m, "delta", "logs:pay/core/charge", "message", "four")
}

func TestEmptyLog(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	p := w.dial("hdn_admin")
	want(t, p.ask("logs:pay/core/charge"), "snapshot", "logs:pay/core/charge", "message")
}

func TestLogThatFails(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	w.logErr = errors.New("disk gone")
	p := w.dial("hdn_admin")
	m := p.ask("logs:pay/core/charge")
	for m.Type != wire.TypeError {
		m = p.next()
	}
	if m.Code != wire.LiveInternal || strings.Contains(fmt.Sprint(m), "disk") {
		t.Errorf("%+v", m)
	}
}

// A topic may fail before the client that asked for it is among its subscribers.
func TestLogThatFailsWhileItOpens(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *live.Config) {
		cfg.LogFollow = func(context.Context, function.Name, int, func(invocation.Record) error) error {
			return errors.New("disk gone") // with history to be shown first
		}
	})
	w.write("known")
	p := w.dial("hdn_admin")
	for range 2 { // it can be asked for again
		m := p.ask("logs:pay/core/charge")
		for m.Type != wire.TypeError {
			m = p.next()
		}
		if m.Code != wire.LiveInternal {
			t.Errorf("%+v", m)
		}
	}
}
