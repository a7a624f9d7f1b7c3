package app

import (
	"context"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// alertTests is what the API knows of tests of the way to those who are told.
type alertTests struct{ a *App }

// Begin asks for a test, and writes into the log of changes who did.
func (t alertTests) Begin(ctx context.Context, by string, fn function.Function, class slo.Class) (wire.AlertTest, error) {
	o := &t.a.operations
	if fn.Spec.Alerts.Disabled {
		return wire.AlertTest{}, fmt.Errorf("alerts.disabled in the manifest of %s: %w", fn.Name, alerting.ErrNoAlerts)
	}
	if !o.alerts.Tells(fn.Name, class) {
		return wire.AlertTest{}, fmt.Errorf("no target hears of a %s of %s: set pagerduty.token or alerting.targets: %w", class, fn.Name, alerting.ErrNoAlerts)
	}
	d, err := o.drills.Begin(fn.Name, class, by)
	if err != nil {
		return wire.AlertTest{}, err
	}
	if err := t.a.parts.db.Alerting().Tested(ctx, fn.Name, class, by, d.AskedAt); err != nil {
		return wire.AlertTest{}, err // it goes on; that nobody is named for it is the failure
	}
	return t.view(d), nil
}

// Last is the last test of a function.
func (t alertTests) Last(_ context.Context, name function.Name) (wire.AlertTest, error) {
	d, err := t.a.operations.drills.Last(name)
	if err != nil {
		return wire.AlertTest{}, err
	}
	return t.view(d), nil
}

func (t alertTests) view(d alerting.Drill) wire.AlertTest {
	state := d.State(time.Now())
	out := wire.AlertTest{
		Function: string(d.Function), Class: string(d.Class), State: string(state), By: d.By, AskedAt: d.AskedAt,
		EvaluatedAt: timeOrNil(d.EvaluatedAt), StoredAt: timeOrNil(d.StoredAt), EndedAt: timeOrNil(d.EndedAt), Why: d.Silenced,
		Targets: []wire.AlertTestTarget{},
	}
	for _, one := range d.Targets {
		out.Targets = append(out.Targets, t.target(one))
	}
	if state == alerting.DrillFailed && out.Why == "" {
		out.Why = t.failed(d)
	}
	return out
}

func (t alertTests) target(one alerting.DrillTarget) wire.AlertTestTarget {
	out := wire.AlertTestTarget{
		Name: one.Name, State: "queued", SentAt: timeOrNil(one.SentAt), Attempts: one.Attempts,
		AcceptedAt: timeOrNil(one.AcceptedAt), ResolvedAt: timeOrNil(one.ResolvedAt), Error: one.Error,
	}
	switch {
	case !one.AcceptedAt.IsZero():
		out.State = "accepted"
	case one.Refused:
		out.State = "refused"
	case one.Attempts > 0:
		out.State = "retrying"
	}
	return out
}

// failed says in words which hop a test did not take.
func (t alertTests) failed(d alerting.Drill) string {
	switch {
	case d.EvaluatedAt.IsZero():
		if problem := t.a.operations.alerts.Status().LastError; problem != "" {
			return "no evaluation took it: " + problem
		}
		return "no evaluation took it; the System page says how evaluation goes"
	case len(d.Targets) == 0:
		return "nobody was told"
	}
	for _, one := range d.Targets {
		switch {
		case one.AcceptedAt.IsZero() && one.Error != "":
			return one.Name + " did not take it: " + one.Error
		case one.AcceptedAt.IsZero() && one.Name == alerting.PagerDuty:
			s := t.a.pagerDuty(d.Function)
			return fmt.Sprintf("it was not sent to pagerduty: the function's service is %s %s", s.State, s.Error)
		case one.AcceptedAt.IsZero():
			return "it was not sent to " + one.Name + ": other messages wait there before it"
		case one.ResolvedAt.IsZero():
			return one.Name + " has not taken the end; the outbox goes on trying"
		}
	}
	return "its end was not stored"
}

func timeOrNil(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}
