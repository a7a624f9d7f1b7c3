package app

import (
	"context"
	"fmt"
	"time"

	"hadron/alerting/pagerduty"
	"hadron/ui/wire"
)

// probeTimeout bounds what a look at one part may take.
const probeTimeout = 2 * time.Second

// system sums up how the parts are doing: the installation is as well as the
// worst of them.
func (a *App) system(ctx context.Context) (wire.System, error) {
	s := wire.System{Version: a.opts.Version, Node: a.node, Dev: a.cfg.Dev, State: wire.PartOK, StartedAt: a.startedAt}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for _, probe := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"registry", a.parts.db.Ping},
		{"metric store", func(ctx context.Context) error {
			_, err := a.parts.metrics.Query(ctx, "vector(1)", time.Now())
			return err
		}},
	} {
		part := wire.Part{Name: probe.name, State: wire.PartOK}
		if err := probe.ask(ctx); err != nil {
			part.State, part.Detail = wire.PartDown, err.Error()
		}
		s.Parts = append(s.Parts, part)
	}
	s.Parts = append(s.Parts, a.functionsPart(), a.secretsPart(ctx))
	s.Parts = append(s.Parts, a.operationParts()...)
	s.Parts = append(s.Parts, a.providerPart()...)
	a.tellFacts(&s)
	s.Reconcilers, s.Settings = a.reconcilers(), a.settings()
	s.Watchdogs = a.operations.watchdogs.list(time.Now())
	s.Parts = append(s.Parts, watchdogPart(s.Watchdogs)...)
	for _, part := range s.Parts {
		switch {
		case part.State == wire.PartDown:
			s.State = wire.PartDown
		case part.State == wire.PartDegraded && s.State == wire.PartOK:
			s.State = wire.PartDegraded
		}
	}
	return s, nil
}

// functionsPart says where functions run, and which of them do not.
func (a *App) functionsPart() wire.Part {
	part := wire.Part{Name: "functions", State: wire.PartOK, Detail: "they run in this process: for one trusted tenant"}
	if a.parts.workers == nil {
		return part
	}
	s := a.parts.workers.Status()
	part.Detail = fmt.Sprintf("%d workers with %d calls, %d blank; each may use %s (%s)", s.Workers, s.Calls, s.Blank, s.Budget, s.Limited)
	if held := a.parts.workers.Quarantined(); len(held) > 0 {
		part.State = wire.PartDegraded
		part.Detail = fmt.Sprintf("%d versions are quarantined, the first is %s (%s); %s", len(held), held[0].Version, held[0].Reason, part.Detail)
	}
	return part
}

// operationParts are what makes functions operable: one that fails degrades the
// installation, and functions go on being served.
func (a *App) operationParts() []wire.Part {
	var out []wire.Part
	degraded := func(name, problem string) {
		part := wire.Part{Name: name, State: wire.PartOK}
		if problem != "" {
			part.State, part.Detail = wire.PartDegraded, problem+"; it is tried again"
		}
		out = append(out, part)
	}
	degraded("alerting", a.operations.alerts.Status().LastError)
	for _, loop := range a.operations.loops {
		s := loop.Status()
		problem := s.LastError
		if problem == "" {
			waits := ""
			switch {
			case s.Target == pagerduty.TargetName:
				waits = a.heldServices()
			case loop == a.operations.dashboardLoop:
				waits = a.heldDashboards()
			}
			if waits != "" {
				out = append(out, wire.Part{Name: s.Target, State: wire.PartDegraded, Detail: waits})
				continue
			}
		}
		degraded(s.Target, problem)
	}
	degraded("delivery", a.parts.delivery.Status())
	if a.operations.pager == nil {
		detail := "pagerduty.token is not set: nobody is paged"
		if a.cfg.Alerting.Targets != "" {
			detail = "pagerduty.token is not set: those in alerting.targets are told"
		}
		out = append(out, wire.Part{Name: "pagerduty", State: wire.PartDisabled, Detail: detail})
	}
	return out
}
