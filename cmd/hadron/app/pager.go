package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// makePager makes what keeps the services at PagerDuty.
func (a *App) makePager(installation string, metrics prometheus.Registerer) (*pagerduty.Target, error) {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_pagerduty_calls_total", Help: "Calls of PagerDuty's REST API, by status; 0 without an answer."}, []string{"code"})
	metrics.MustRegister(calls, pagerNumbers{a})
	c, store := a.cfg.PagerDuty, a.parts.db.PagerDuty()
	acknowledgement := c.AcknowledgementTimeout
	if acknowledgement == 0 {
		acknowledgement = -1 // never
	}
	cfg := pagerduty.Config{
		Token: c.Token, From: c.From, APIURL: c.APIURL, EventsURL: c.EventsURL,
		EscalationPolicy: c.EscalationPolicy, Policy: a.escalationPolicy,
		Services: pagerduty.Grouping(c.Services), Installation: installation, ExternalURL: a.cfg.ExternalURL, Store: store,
		Urgency: c.Urgency, AutoResolve: c.AutoResolveTimeout, Acknowledgement: acknowledgement,
		WebhookURL: a.webhookURL(), Subscriptions: store,
		Settled: a.settled, DeleteShare: c.DeleteShare,
		Called:  func(code string) { calls.WithLabelValues(code).Inc() },
		Timeout: outsideTimeout, Logger: a.log,
	}
	if c.BusinessServices {
		cfg.Business = store
	}
	return pagerduty.NewTarget(cfg)
}

// escalationPolicy is what the project or team of a scope names.
func (a *App) escalationPolicy(of alerting.Scope) (policy, from string) {
	if name, err := function.ParseName(string(of)); err == nil {
		return a.parts.teams.EscalationPolicy(tenant.ProjectOf(name))
	}
	return a.parts.teams.EscalationPolicy(tenant.Scope(of))
}

// settled reports that nothing is open under a routing key or on its way there. Where it
// cannot be told, it is taken for open.
func (a *App) settled(routingKey string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	done, err := a.parts.db.Alerting().Settled(ctx, routingKey)
	return err == nil && done
}

// pagerDesk is what the API asks of all services at PagerDuty.
type pagerDesk struct{ *App }

var _ api.Pager = pagerDesk{}

// Summary implements api.Pager.
func (d pagerDesk) Summary(context.Context) (wire.PagerServices, error) {
	if d.operations.pager == nil {
		return wire.PagerServices{State: wire.PartDisabled, Error: "pagerduty.token is not set: nobody is paged"}, nil
	}
	g := d.operations.pager.Progress()
	out := wire.PagerServices{
		State: wire.PartOK, Services: string(g.Services), Installation: d.operations.installation,
		Total: g.Total, Ready: g.Ready, Pending: g.Pending, Failed: g.Failed, Disabled: g.Disabled, Leaving: g.Leaving, Held: g.Held,
		Business: g.Business, BusinessError: g.BusinessError, Running: g.Running, Done: g.Done, Of: g.Of, LastPass: when(g.LastPass), Error: g.Error,
		CallsPerMinute: g.Calls, LimitPerMinute: g.Limit, LimitLeft: g.Left, Limited: g.Limited,
	}
	if g.Held > 0 || g.Failed > 0 || g.Error != "" {
		out.State = wire.PartDegraded
	}
	return out, nil
}

// Apply implements api.Pager.
func (d pagerDesk) Apply(_ context.Context, how wire.ApplyPagerServices) error {
	if d.operations.pager == nil {
		return api.ErrNoPager
	}
	if how.ConfirmDeletes > 0 {
		d.operations.pager.Confirm(how.ConfirmDeletes)
	}
	d.operations.pagerLoop.Nudge()
	return nil
}

// pagerNumbers counts services by state, and what PagerDuty allows.
type pagerNumbers struct{ a *App }

var (
	pagerServicesDesc = prometheus.NewDesc("hadron_pagerduty_services", "Services at PagerDuty by state; held ones wait until their deletion is confirmed, and are leaving.", []string{"state"}, nil)
	pagerLimitDesc    = prometheus.NewDesc("hadron_pagerduty_limit_calls", "Calls a minute that PagerDuty's REST API allows, by its own word; 0 before it gave one.", nil, nil)
	pagerLeftDesc     = prometheus.NewDesc("hadron_pagerduty_limit_left_calls", "What PagerDuty last said was left of it.", nil, nil)
	pagerPassDesc     = prometheus.NewDesc("hadron_pagerduty_last_pass_timestamp_seconds", "When the last pass over services ended.", nil, nil)
)

// Describe implements prometheus.Collector.
func (pagerNumbers) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{pagerServicesDesc, pagerLimitDesc, pagerLeftDesc, pagerPassDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (n pagerNumbers) Collect(ch chan<- prometheus.Metric) {
	if n.a.operations.pager == nil {
		return
	}
	g := n.a.operations.pager.Progress()
	for state, count := range map[string]int{
		"ready": g.Ready, "pending": g.Pending, "failed": g.Failed, "disabled": g.Disabled, "leaving": g.Leaving, "held": g.Held, "business": g.Business,
	} {
		ch <- prometheus.MustNewConstMetric(pagerServicesDesc, prometheus.GaugeValue, float64(count), state)
	}
	ch <- prometheus.MustNewConstMetric(pagerLimitDesc, prometheus.GaugeValue, float64(g.Limit))
	ch <- prometheus.MustNewConstMetric(pagerLeftDesc, prometheus.GaugeValue, float64(g.Left))
	if at := g.LastPass; !at.IsZero() {
		ch <- prometheus.MustNewConstMetric(pagerPassDesc, prometheus.GaugeValue, float64(at.UnixNano())/float64(time.Second))
	}
}
