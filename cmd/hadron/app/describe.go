package app

import (
	"context"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/collector/trace"
	"hadron/dashgen/grafana"
	"hadron/runtime/function"
	"hadron/runtime/registry"
)

// describeTimeout bounds what a page's details may cost: alerts wait for it.
const describeTimeout = 2 * time.Second

// describe gathers what a page says beside its alert.
func (a *App) describe(ctx context.Context, q alerting.Question) alerting.Details {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	name := q.Function
	if alerting.OfPlatform(q.SLO) {
		return alerting.Details{Live: a.cfg.ExternalURL + "/system"} // the function only stands for it
	}
	d := alerting.Details{
		Live: a.cfg.ExternalURL + "/f/" + string(name),
		Logs: a.cfg.ExternalURL + "/api/v1/functions/" + string(name) + "/logs?level=error",
	}
	d.Dashboard, d.Runbook = a.incidentLinks(ctx, name, q.Since)
	if d.Dashboard == "" {
		d.Dashboard = pageAt(d.Live, q.Since, q.At)
	}
	if h, ok := a.parts.collector.Health(name); ok {
		d.BudgetLeft = h.BudgetLeft
	}
	a.describeErrors(ctx, &d, name, q.Since)
	a.describeDeployment(ctx, &d, name)
	if !q.Resolving {
		a.describeTrace(ctx, &d, q)
	}
	return d
}

// pageAt is the function's page, with its charts, at the time of an incident.
func pageAt(page string, since, at time.Time) string {
	from := since.Add(-time.Hour)
	if at.Before(since) {
		at = since
	}
	return fmt.Sprintf("%s?range=%d-%d", page, from.Unix(), at.Unix()+1)
}

// tracedFor says which calls show what an alert is about: those that failed, or were slower
// than promised; false where no call does.
func tracedFor(s function.SLO, name string) (trace.Filter, bool) {
	switch name {
	case slo.TimeoutsUp, slo.WorkerKills, alerting.Dependency, alerting.Workers:
		return trace.Filter{Errors: true, Limit: 1}, true
	}
	for _, o := range s.Objectives() {
		if o.Name == name {
			return trace.Filter{Errors: o.Threshold == 0, Min: o.Threshold, Limit: 1}, true
		}
	}
	return trace.Filter{}, false
}

// describeTrace leads to a call that shows what the page is about, if one's trace is kept:
// that of the top error, else the last one.
func (a *App) describeTrace(ctx context.Context, d *alerting.Details, q alerting.Question) {
	f, err := a.parts.registry.Get(ctx, q.Function)
	if err != nil {
		return
	}
	filter, ok := tracedFor(f.Spec.SLO, q.SLO)
	if !ok {
		return
	}
	filter.Since = q.Since.Add(-errorsBefore)
	filters := []trace.Filter{filter}
	if filter.Errors && d.TopError != nil && d.TopError.Request != "" {
		filter.Request = d.TopError.Request
		filters = []trace.Filter{filter, filters[0]}
	}
	for _, filter := range filters {
		if calls := a.parts.traces.List(q.Function, filter); len(calls) > 0 {
			d.Trace = d.Live + "?trace=" + calls[0].Trace
			return
		}
	}
}

// incidentLinks are where somebody looks who has an incident of a function.
func (a *App) incidentLinks(ctx context.Context, name function.Name, since time.Time) (dashboard, runbook string) {
	if f, err := a.parts.registry.Get(ctx, name); err == nil {
		runbook = f.Spec.Runbook
	}
	return a.dashboardAt(name, since), runbook
}

func (a *App) dashboardAt(name function.Name, since time.Time) string {
	s := a.operations.dashboards.Status(name)
	if s.Target != grafana.TargetGrafana {
		return ""
	}
	return fmt.Sprintf("%s?from=%d&to=now", s.URL, since.Add(-time.Hour).UnixMilli())
}

// errorsBefore is how long before an incident errors may have been seen that are told
// of it: its window looks back.
const errorsBefore = time.Hour

// describeErrors tells of the errors of the time: first those that the version brought
// which live last moved to, then those that are seen most.
func (a *App) describeErrors(ctx context.Context, d *alerting.Details, name function.Name, since time.Time) {
	latest := a.newSince(ctx, name)
	var total int64
	byCode := map[string]int64{}
	for _, g := range a.parts.collector.Errors(name) {
		if g.LastSeen.Before(since.Add(-errorsBefore)) {
			continue
		}
		total += g.Count
		byCode[g.Code] += g.Count
		top := alerting.TopError{Message: g.Message, Frames: frames(g.Stack), Count: g.Count, Request: g.Request}
		if g.Since == latest {
			top.NewSince = latest
		}
		if t := d.TopError; t == nil || top.NewSince > t.NewSince || top.NewSince == t.NewSince && top.Count > t.Count {
			d.TopError = &top
		}
	}
	for code, n := range byCode {
		d.Codes = append(d.Codes, alerting.CodeShare{Code: code, Share: float64(n) / float64(total)})
	}
}

// newSince is the newest version that live names now, where the function had others
// before; -1 where it had none. An error that this version showed first is new.
func (a *App) newSince(ctx context.Context, name function.Name) int {
	f, err := a.parts.registry.Get(ctx, name)
	if err != nil {
		return -1
	}
	newest := -1
	if live, ok := f.Alias(function.Live); ok {
		for _, w := range live.Weights {
			if w.Weight > 0 && w.Version > 1 {
				newest = max(newest, w.Version)
			}
		}
	}
	return newest
}

func (a *App) describeDeployment(ctx context.Context, d *alerting.Details, name function.Name) {
	changes, err := a.parts.registry.Changes(ctx, registry.ChangeFilter{Name: name, Kinds: registry.Deployments(), Before: registry.Newest, Limit: 20})
	if err != nil {
		return // a page without its history is better than none
	}
	for _, c := range changes {
		from, to, touched := c.Live()
		if !touched || len(to) == 0 {
			continue
		}
		now, before := function.Alias{Weights: to}, function.Alias{Weights: from}
		d.Deployment = &alerting.Deployment{Version: now.Whole(), By: c.By, Message: c.Message, At: c.Time}
		if d.Previous = before.Whole(); d.Previous == d.Deployment.Version {
			d.Previous = 0
		}
		return
	}
}
