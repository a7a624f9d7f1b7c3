package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/collector"
	"hadron/collector/slo"
	"hadron/dashgen/grafana"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
	"hadron/runtime/registry"
)

// makeDelivery makes what moves deployments. It stands still until its Start.
//
//	api ─▶ delivery ─▶ registry   the alias and the rollout, in one transaction
//	          │ ├────▶ gateway    which calls are compared ─▶ collector counts them
//	          │ ├────▶ functions  prewarm, probe
//	          │ └────▶ alerting   a page since it began
//	          └──────▶ sql        rollouts, events, freezes
func (a *App) makeDelivery(own prometheus.Registerer) (*delivery.Controller, error) {
	p := &a.parts
	return delivery.New(delivery.Config{
		Store: p.db.Delivery(),
		Function: func(ctx context.Context, name function.Name) (function.Function, bool) {
			f, err := p.registry.Get(ctx, name)
			return f, err == nil
		},
		Version: p.registry.Version, Point: a.deliver, Changed: a.whoChanged,
		Prewarm: p.functions.Prewarm, Probe: a.probe, Compare: a.compare, CompareNoMore: a.compareNoMore,
		History: func(id function.ID) delivery.Histogram { return histogramOf(p.collector.Durations(id)) },
		Harm:    a.harm, Busy: p.collector.InFlight,
		Logger: a.log, Registerer: own,
	})
}

// deploymentsWake wakes whoever shows deployments: after a change of the index, and
// when a rollout or its verdict is another.
func (a *App) deploymentsWake() (<-chan struct{}, func()) {
	changed, noMore := a.parts.registry.Wake()
	moved, noLonger := a.parts.delivery.Watch()
	out, done := make(chan struct{}, 1), make(chan struct{})
	var joined sync.WaitGroup
	joined.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-changed:
			case <-moved:
			}
			select {
			case out <- struct{}{}:
			default:
			}
		}
	})
	return out, func() {
		close(done)
		joined.Wait()
		noMore()
		noLonger()
	}
}

// deliver writes a move of a deployment.
func (a *App) deliver(ctx context.Context, p delivery.Point) (int64, error) {
	cursor, err := a.parts.registry.Deliver(ctx, registry.Delivery{
		By: p.By, Message: p.Message, Kind: registry.Kind(p.Kind), Name: p.Name, Alias: p.Alias,
		Weights: p.Weights, Revision: p.Revision, Settle: p.Settle, Beside: p.Write,
	})
	if errors.Is(err, registry.ErrStale) || errors.Is(err, registry.ErrConflict) {
		return 0, fmt.Errorf("%w: %w", delivery.ErrConflict, err)
	}
	return cursor, err
}

// whoChanged says who made a change, and what it was.
func (a *App) whoChanged(ctx context.Context, name function.Name, cursor int64) (by, what string, err error) {
	changes, err := a.parts.registry.Changes(ctx, registry.ChangeFilter{Name: name, After: cursor - 1, Limit: 1})
	if err != nil {
		return "", "", err
	}
	if len(changes) == 0 || changes[0].Cursor != cursor {
		return "somebody", "the alias was set by hand", nil
	}
	return changes[0].By, changeText(changes[0]), nil
}

// probe asks a new version for a path, as a call of the function's own old version: no
// token is needed, and the answer passes all that a caller's would.
func (a *App) probe(ctx context.Context, id function.ID, from int, p function.Probe) error {
	address := fmt.Sprintf("%s/fn/%s@%d%s", a.cfg.ExternalURL, id.Name, id.Version, p.Path)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	caller := invocation.Request{Version: function.ID{Name: id.Name, Version: from}}
	resp, err := a.parts.gateway.Call(ctx, caller, req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	switch {
	case p.Expect == 0 && resp.StatusCode < http.StatusBadRequest, p.Expect == resp.StatusCode:
		return nil
	case p.Expect == 0:
		return fmt.Errorf("GET %s answered %d; any under 400 passes", p.Path, resp.StatusCode)
	}
	return fmt.Errorf("GET %s answered %d, and %d is expected", p.Path, resp.StatusCode, p.Expect)
}

var errTooMany = errors.New("too many deployments are compared on this node at a time")

// compare sees to it that both versions are counted side by side, and reads the counts.
func (a *App) compare(r delivery.Rollout) (delivery.Sample, error) {
	t := a.parts.collector.Trial(r.ID, r.Function, r.To, r.From)
	if t == nil {
		return delivery.Sample{}, errTooMany
	}
	canary, baseline := t.Sides()
	a.parts.gateway.Compare(r.Function, gateway.Comparison{
		ID: r.ID, Alias: r.Alias, Canary: r.To, Baseline: r.From, OnCanary: canary.Observe, OnBaseline: baseline.Observe,
	})
	since, c, b := t.Counts()
	return delivery.Sample{Since: since, Canary: armOf(c), Baseline: armOf(b)}, nil
}

func (a *App) compareNoMore(r delivery.Rollout) {
	a.parts.gateway.CompareNoMore(r.Function, r.ID)
	a.parts.collector.EndTrial(r.ID)
}

func armOf(c collector.TrialCount) delivery.Arm {
	arm := delivery.Arm{Calls: c.Calls, Errors: c.Errors, Took: histogramOf(c.Took)}
	for name, m := range c.Own {
		if arm.Metrics == nil {
			arm.Metrics = map[string]delivery.Metric{}
		}
		out := delivery.Metric{Events: m.Events, Gauge: m.Kind == invocation.MeasureGauge}
		if m.Kind == invocation.MeasureHistogram {
			h := histogramOf(m.Values)
			out.Histogram = &h
		}
		arm.Metrics[name] = out
	}
	return arm
}

func histogramOf(buckets []collector.DurationBucket) delivery.Histogram {
	var h delivery.Histogram
	for _, b := range buckets {
		h.Buckets = append(h.Buckets, delivery.Bucket(b))
		h.Count += b.Count
	}
	return h
}

// harm is a page of the function that fired since the deployment began, or the new
// version's quarantine. A page from before is what the deployment may be to mend.
func (a *App) harm(r delivery.Rollout) string {
	for _, q := range a.parts.quarantine.standing() {
		if q.Version.Name == r.Function && q.Version.Version == r.To {
			return "the new version is quarantined: " + q.Reason
		}
	}
	if r.Alias != function.Live {
		return "" // other aliases have no objectives
	}
	for _, alert := range a.operations.alerts.Alerts(alerting.Filter{Function: r.Function}) {
		if alert.SLO != alerting.Test && alert.Class == slo.Page && alert.State == alerting.Firing && alert.Since.After(r.StartedAt) && alert.ActiveAt.After(r.StartedAt) {
			return fmt.Sprintf("%s pages: %s", alert.SLO, alert.Reason)
		}
	}
	return ""
}

// startFeeds tells other systems what changes, each from a cursor of its own.
func (a *App) startFeeds(ctx context.Context) error {
	if target, ok := a.operations.dashboards.(*grafana.Target); ok {
		if err := a.startFeed(ctx, "grafana annotations", target.Annotate); err != nil {
			return err
		}
	}
	if a.operations.pager == nil {
		return nil
	}
	sender, err := pagerduty.NewSender(pagerduty.SenderConfig{EventsURL: a.cfg.PagerDuty.EventsURL, Timeout: outsideTimeout})
	if err != nil {
		return err
	}
	return a.startFeed(ctx, "pagerduty changes", pagerduty.NewChanges(sender, a.operations.pager).Send)
}

func (a *App) startFeed(ctx context.Context, name string, send func(context.Context, delivery.Notice, bool) error) error {
	feed := delivery.NewFeed(delivery.FeedConfig{
		Name: name, Notices: a.notices, Send: send, Store: a.parts.db.Delivery(), Logger: a.log,
		Newest: func(ctx context.Context) (int64, error) {
			last, err := a.parts.registry.Changes(ctx, registry.ChangeFilter{Before: registry.Newest, Limit: 1})
			if err != nil || len(last) == 0 {
				return 0, err
			}
			return last[0].Cursor, nil
		},
	})
	if err := feed.Begin(ctx); err != nil {
		return err
	}
	return a.startLoop(ctx, feed, func() {})
}

// notices are changes as others are told of them; a version that nothing points at is
// no news, and neither is its removal.
func (a *App) notices(ctx context.Context, after int64, limit int) ([]delivery.Notice, int64, error) {
	changes, err := a.parts.registry.Changes(ctx, registry.ChangeFilter{After: after, Limit: limit})
	if err != nil {
		return nil, after, err
	}
	var out []delivery.Notice
	for _, c := range changes {
		after = c.Cursor
		if c.Kind == registry.KindRetired {
			continue // nothing that runs has changed
		}
		if c.Kind == registry.KindRegistered {
			if _, to, touched := c.Live(); !touched || len(to) == 0 {
				continue
			}
		}
		out = append(out, delivery.Notice{
			Cursor: c.Cursor, Function: c.Function, Kind: string(c.Kind), Text: changeText(c), By: c.By, Message: c.Message, Time: c.Time,
			URL: a.cfg.ExternalURL + "/f/" + string(c.Function),
		})
	}
	return out, after, nil
}

// changeText says in a line what a change did.
func changeText(c registry.Change) string {
	name := string(c.Function)
	switch c.Kind {
	case registry.KindDeleted:
		return name + " was deleted"
	case registry.KindRollout:
		return name + ": a deployment began"
	case registry.KindRegistered, registry.KindDeployed, registry.KindRolledBack, registry.KindRepointed, registry.KindRetired:
	}
	alias, from, to := c.Moved()
	if alias == "" {
		return name + " changed"
	}
	text := fmt.Sprintf("%s: %s is at %s", name, alias, sharesText(to))
	if c.Kind == registry.KindRolledBack {
		text = fmt.Sprintf("%s: %s is back at %s", name, alias, sharesText(to))
	}
	if len(from) > 0 {
		text += ", was at " + sharesText(from)
	}
	return text
}

func sharesText(ws []function.Weight) string {
	if v := (function.Alias{Weights: ws}).Whole(); v != 0 {
		return fmt.Sprintf("@%d", v)
	}
	sum, text := 0, ""
	for _, w := range ws {
		sum += w.Weight
	}
	for _, w := range ws {
		if w.Weight == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("@%d %.3g %%", w.Version, 100*float64(w.Weight)/float64(sum))
	}
	return text
}
