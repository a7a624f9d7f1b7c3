package pagerduty_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

func TestChangeEvents(t *testing.T) {
	w := newWorld(t)
	const name = function.Name("shop/web/cart")
	changes := pagerduty.NewChanges(newSender(t, w.fake.URL, 0), w.target)
	n := delivery.Notice{Cursor: 7, Function: name, Kind: "rolled_back", Text: "shop/web/cart: live is back at @1", By: "hadron", Message: "worse\x00", Time: time.Now(), URL: "https://hadron.example/f/" + string(name)}
	if err := changes.Send(t.Context(), n, false); err == nil || errors.Is(err, delivery.ErrUnwanted) {
		t.Errorf("a service that is being made: %v", err)
	}
	old := n
	old.Time = n.Time.Add(-time.Hour)
	if err := changes.Send(t.Context(), old, false); !errors.Is(err, delivery.ErrUnwanted) {
		t.Errorf("a change from long ago: %v", err)
	}
	w.want(name)
	w.pass()
	w.fake.SetFault(pagerdutytest.Fault{Drop: true})
	if err := changes.Send(t.Context(), n, false); err == nil || errors.Is(err, delivery.ErrUnwanted) || strings.Contains(err.Error(), w.fake.Services()[0].Integrations[0].Key) {
		t.Errorf("an outage: %v", err)
	}
	w.fake.ClearFaults()
	if err := changes.Send(t.Context(), n, true); err != nil {
		t.Fatal(err)
	}
	events := w.fake.Events()
	if len(events) != 1 || !events[0].Change || events[0].Summary != n.Text || len(events[0].Links) != 1 || events[0].ServiceID != w.fake.Services()[0].ID {
		t.Errorf("%+v", events)
	}
	if v := w.fake.Violations(); len(v) > 0 {
		t.Errorf("PagerDuty's descriptions do not allow: %v", v)
	}
}
