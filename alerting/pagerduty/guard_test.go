package pagerduty_test

import (
	"fmt"
	"strings"
	"testing"

	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/function"
)

func TestManyServicesLeaveOnlyWhenConfirmed(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.want(function.Name(fmt.Sprintf("shop/cart/f%02d", i)))
	}
	w.want("pay/core/charge")
	w.mustPass()
	active := func() int { return len(w.names()) }

	// Ten go unasked, eleven of forty-one do not.
	for i := range 11 {
		delete(w.wanted, function.Name(fmt.Sprintf("shop/cart/f%02d", i)))
	}
	w.want("pay/core/new")
	w.mustPass()
	if g := w.target.Progress(); active() != 42 || g.Held != 11 || g.Leaving != 11 || g.Ready != 31 {
		t.Errorf("%d active, %+v", active(), g)
	}
	if !strings.Contains(w.log.String(), "hadron alerts pagerduty apply --confirm-deletes 11") {
		t.Error("nothing was said")
	}
	w.quiet()
	w.target.Confirm(10) // not as many as there are
	w.mustPass()
	if active() != 42 {
		t.Error("more went than were confirmed")
	}
	w.target.Confirm(11)
	w.mustPass()
	if g := w.target.Progress(); active() != 31 || g.Held != 0 {
		t.Errorf("%d active, %+v", active(), g)
	}
	// A confirmation is for one pass.
	for i := range 20 {
		delete(w.wanted, function.Name(fmt.Sprintf("shop/cart/f%02d", 11+i)))
	}
	w.mustPass()
	if g := w.target.Progress(); active() != 31 || g.Held != 20 {
		t.Errorf("%d active, %+v", active(), g)
	}
	// What was confirmed is deleted after its grace without being asked about again.
	w.restart()
	w.fake.SetFault(pagerdutytest.Fault{Drop: true})
	if _, err := w.pass(); err == nil || w.target.Progress().Counted {
		t.Errorf("%v; that none are held is not known", err)
	}
	w.fake.ClearFaults()
	w.now = w.now.Add(8 * 24 * 3600e9)
	w.mustPass()
	if g := w.target.Progress(); len(w.ours()) != 31 || g.Held != 20 || !g.Counted {
		t.Errorf("%d left, %+v", len(w.ours()), g)
	}
	w.target.Confirm(20)
	w.mustPass()
	w.now = w.now.Add(8 * 24 * 3600e9)
	w.mustPass()
	if got := len(w.ours()); got != 11 || len(w.store.rows) != 11 {
		t.Errorf("%d left", got)
	}
	w.quiet()
	w.described()
}

// What went a few at a time and comes to its end all at once, as after a long stop, is
// asked about.
func TestManyDeletionsAtOnceAreAskedAbout(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.want(function.Name(fmt.Sprintf("shop/cart/f%02d", i)))
	}
	w.mustPass()
	for i := range 15 {
		delete(w.wanted, function.Name(fmt.Sprintf("shop/cart/f%02d", i)))
		w.mustPass()
	}
	w.now = w.now.Add(30 * 24 * 3600e9)
	w.mustPass()
	if g := w.target.Progress(); len(w.ours()) != 20 || g.Held != 15 {
		t.Errorf("%d left, %+v", len(w.ours()), g)
	}
	w.target.Confirm(15)
	w.mustPass()
	if len(w.ours()) != 5 {
		t.Errorf("%d left", len(w.ours()))
	}
	w.quiet()
}

// The manifests of many turn their alerts off at once.
func TestManyMutedAreAskedAbout(t *testing.T) {
	w := newWorld(t)
	for i := range 12 {
		w.want(function.Name(fmt.Sprintf("shop/cart/f%02d", i)))
	}
	w.mustPass()
	for name := range w.wanted {
		w.want(name, func(m *function.Manifest) { m.Alerts.Disabled = true })
	}
	w.mustPass()
	if g := w.target.Progress(); len(w.names()) != 12 || g.Held != 12 {
		t.Errorf("%d active, %+v", len(w.names()), g)
	}
	w.target.Confirm(12)
	w.mustPass()
	if len(w.names()) != 0 {
		t.Errorf("%d active", len(w.names()))
	}
	w.quiet()
}

func TestServiceWithAnOpenIncidentIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.want(greet)
	w.mustPass()
	id := w.only().ID
	w.fake.Open(id, "by hand")
	delete(w.wanted, greet)
	r := w.mustPass()
	if w.only().Status != "active" || r.Next == 0 {
		t.Errorf("%+v, %+v", r, w.only())
	}
	w.now = w.now.Add(30 * 24 * 3600e9)
	w.mustPass()
	if w.only().ID != id {
		t.Error("deleted")
	}
	w.fake.ResolveAll(id)
	w.mustPass()
	if len(w.ours()) != 0 { // its grace was over long ago
		t.Errorf("%+v", w.ours())
	}
	w.described()
}

// After the loss of the database what is ours by its marker goes when nobody wants it; a
// copy that somebody made does not.
func TestForgottenServicesLeave(t *testing.T) {
	w := newWorld(t)
	w.want(greet)
	w.want("a/b/c")
	w.mustPass()
	copied := w.fake.AddForeignService("A copy", "hadron:test+one:x/y/z")
	clear(w.store.rows)
	delete(w.wanted, "a/b/c")
	w.restart()
	w.mustPass()
	if got := strings.Join(w.names(), ","); got != "hadron: shop.checkout.greet" {
		t.Errorf("got %s", got)
	}
	if s, ok := w.fake.Service(copied); !ok || s.Changes > 0 {
		t.Errorf("%+v", s)
	}
	w.quiet()
}
