package pagerduty_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/function"
)

func withBusiness(w *world) *world {
	before := w.cfg
	w.cfg = func(c *pagerduty.Config) {
		before(c)
		c.Business = w.store
	}
	w.restart()
	return w
}

// support is what supports each business service of ours, by their names.
func (w *world) support() string {
	names := map[string]string{}
	for _, s := range w.fake.Services() {
		names[s.ID] = s.Name
	}
	var out []string
	for _, b := range w.fake.BusinessServices() {
		if b.Foreign {
			continue
		}
		var from []string
		for _, r := range w.fake.Relations() {
			if r.Dependent == b.ID {
				from = append(from, strings.TrimPrefix(names[r.Supporting], "hadron: "))
			}
		}
		slices.Sort(from)
		out = append(out, b.Name+" ← "+strings.Join(from, " "))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

func TestTeamsGetBusinessServices(t *testing.T) {
	w := withBusiness(newWorld(t))
	foreign := w.fake.AddForeignBusinessService("Checkout", "what a person made")
	theirs := w.fake.AddForeignService("Database", "")
	for _, name := range []function.Name{"shop/cart/add", "shop/cart/remove", "pay/core/charge"} {
		w.want(name)
	}
	w.want("pay/core/quiet", func(m *function.Manifest) { m.Alerts.Disabled = true })
	w.mustPass()
	const both = "hadron team: pay ← pay.core.charge; hadron team: shop ← shop.cart.add shop.cart.remove"
	if got := w.support(); got != both {
		t.Errorf("got %s", got)
	}
	w.quiet()
	if g := w.target.Progress(); g.Business != 2 || g.BusinessError != "" {
		t.Errorf("%+v", g)
	}
	ids := map[string]string{}
	for _, b := range w.fake.BusinessServices() {
		ids[b.Name] = b.ID
	}
	shop := ids["hadron team: shop"]

	// What others say supports it stays; what they took away comes back.
	w.fake.Relate(theirs, shop)
	w.fake.EditBusinessService(shop, func(b *pagerdutytest.BusinessService) { b.Name, b.Description = "The shop", "mine" })
	w.fake.EditBusinessService(ids["hadron team: pay"], nil)
	w.now = w.now.Add(time.Hour)
	w.mustPass()
	if got := w.support(); got != "The shop ← Database shop.cart.add shop.cart.remove; hadron team: pay ← pay.core.charge" {
		t.Errorf("got %s", got)
	}
	for _, b := range w.fake.BusinessServices() {
		if b.ID == shop && !strings.Contains(b.Description, "hadron:test+one:shop/*/*") {
			t.Errorf("the marker was not restored: %+v", b)
		}
	}
	w.quiet()

	// The database is lost: the marker tells.
	clear(w.store.rows)
	clear(w.store.business)
	w.restart()
	w.mustPass()
	if got := len(w.fake.BusinessServices()); got != 3 {
		t.Errorf("%d", got)
	}
	w.quiet()

	// A function that goes supports nothing, and of a team that is gone nothing is left, but
	// what others have put to use.
	delete(w.wanted, "shop/cart/add")
	delete(w.wanted, "pay/core/charge")
	delete(w.wanted, "pay/core/quiet")
	w.mustPass()
	if got := w.support(); !strings.HasPrefix(got, "The shop ← Database shop.cart.remove; hadron team: pay ← ") || strings.Contains(got, "charge") {
		t.Errorf("got %s", got)
	}
	delete(w.wanted, "shop/cart/remove")
	w.mustPass()
	w.now = w.now.Add(8 * 24 * time.Hour)
	w.mustPass()
	if got := w.support(); got != "The shop ← Database" || len(w.ours()) != 0 {
		t.Errorf("got %s, %+v", got, w.ours())
	}
	w.quiet()
	for _, b := range w.fake.BusinessServices() {
		if b.ID == foreign && b.Changes > 0 {
			t.Errorf("touched: %+v", b)
		}
	}
	w.described()
}

// A name that somebody has, in either kind, is not adopted.
func TestBusinessServicesAreAdoptedByTheirMarkerOnly(t *testing.T) {
	w := withBusiness(newWorld(t))
	w.fake.AddForeignBusinessService("Hadron team: shop", "of somebody")
	w.fake.AddForeignBusinessService("Staging's", "hadron:staging:shop/*/*")
	w.want(greet)
	w.mustPass()
	made := 0
	for _, b := range w.fake.BusinessServices() {
		if b.Foreign && b.Changes > 0 {
			t.Errorf("touched: %+v", b)
		}
		if !b.Foreign {
			made++
			if !strings.HasPrefix(b.Name, "hadron team: shop ") {
				t.Errorf("name %q", b.Name)
			}
		}
	}
	if made != 1 {
		t.Errorf("%d made", made)
	}
	w.quiet()
	w.described()
}

func TestAccountWithoutBusinessServices(t *testing.T) {
	w := withBusiness(newWorld(t))
	w.fake.WithoutBusinessServices()
	w.want(greet)
	w.mustPass()
	if g := w.target.Progress(); g.Ready != 1 || !strings.Contains(g.BusinessError, "403") {
		t.Errorf("%+v", g)
	}
	w.quiet()
}

// A team of many is told in a few requests, and moves with the grouping.
func TestDependenciesOfMany(t *testing.T) {
	w := withBusiness(newWorld(t))
	for i := range 120 {
		w.want(function.Name(fmt.Sprintf("shop/cart/f%03d", i)))
	}
	w.mustPass()
	asked := func(path string) (n int) {
		for _, r := range w.fake.Requests() {
			if strings.HasSuffix(r.Path, path) && r.Method == http.MethodPost {
				n++
			}
		}
		return n
	}
	if n := asked("/associate"); n != 3 || len(w.fake.Relations()) != 120 {
		t.Errorf("%d requests, %d relations", n, len(w.fake.Relations()))
	}
	w.by(pagerduty.ByProject)
	w.mustPass()
	w.mustPass()
	if g := w.target.Progress(); g.Held != 120 || len(w.fake.Relations()) != 121 {
		t.Errorf("%+v, %d relations", g, len(w.fake.Relations()))
	}
	w.target.Confirm(120)
	w.mustPass()
	w.mustPass()
	if got := w.support(); got != "hadron team: shop ← shop.cart" {
		t.Errorf("got %s", got)
	}
	w.quiet()
	w.described()
}
