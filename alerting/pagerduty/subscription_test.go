package pagerduty_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
)

// kept is a Subscriptions.
type kept struct{ id, url, secret string }

func (k *kept) Subscription(context.Context) (id, url, secret string, err error) {
	return k.id, k.url, k.secret, nil
}

func (k *kept) PutSubscription(_ context.Context, id, url, secret string, _ time.Time) error {
	k.id, k.url, k.secret = id, url, secret
	return nil
}

func TestHadronSubscribesOnce(t *testing.T) {
	k := &kept{}
	w := newWorld(t, func(c *pagerduty.Config) {
		c.WebhookURL, c.Subscriptions = "https://hadron.example/api/v1/pagerduty/webhook", k
	})
	w.want("a/b/c")
	w.mustPass()
	hooks := w.fake.Subscriptions()
	if len(hooks) != 1 || hooks[0].URL != "https://hadron.example/api/v1/pagerduty/webhook" || k.secret != hooks[0].Secret || k.id != hooks[0].ID {
		t.Fatalf("%+v, kept %+v", hooks, k)
	}
	again := func() {
		w.now = w.now.Add(time.Hour)
		w.mustPass()
	}
	again()
	w.restart()
	w.mustPass()
	if len(w.fake.Subscriptions()) != 1 {
		t.Errorf("%+v", w.fake.Subscriptions())
	}

	// What was switched off is switched on; what is not ours stays as it is.
	w.fake.ChangeSubscription(k.id, func(s *pagerdutytest.Subscription) { s.Active, s.Disabled, s.Events = false, true, s.Events[:1] })
	again()
	if h := w.fake.Subscriptions()[0]; !h.Active || h.Disabled || len(h.Events) < 5 {
		t.Errorf("%+v", h)
	}
	before := w.fake.Writes()
	again()
	if n := w.fake.Writes() - before; n != 0 {
		t.Errorf("a steady look wrote %d times", n)
	}

	// One whose secret was lost is of no use: it goes, and another is made.
	old := k.id
	*k = kept{}
	again()
	if hooks = w.fake.Subscriptions(); len(hooks) != 1 || hooks[0].ID == old || k.secret != hooks[0].Secret {
		t.Errorf("%+v, kept %+v", hooks, k)
	}
	w.fake.ChangeSubscription(k.id, func(s *pagerdutytest.Subscription) { s.Description = "somebody else's now" })
	again()
	if hooks = w.fake.Subscriptions(); len(hooks) != 2 {
		t.Errorf("%+v", hooks)
	}
	if strings.Contains(w.log.String(), k.secret) {
		t.Error("the secret is in the log")
	}
	w.described()
}

// Pages go out also where PagerDuty refuses the subscription.
func TestSubscriptionThatIsRefused(t *testing.T) {
	w := newWorld(t, func(c *pagerduty.Config) { c.WebhookURL, c.Subscriptions = "ftp://no", &kept{} })
	w.want("a/b/c")
	if _, err := w.pass(); err == nil || !strings.Contains(err.Error(), "webhook subscription") {
		t.Errorf("%v", err)
	}
	if _, ok := w.target.Routing("a/b/c"); !ok {
		t.Error("the function has no service")
	}
}
