package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
)

// mute disables the service of functions whose manifests want no alerts.
func (p *pass) mute(ctx context.Context, row alerting.Service) (change, error) {
	if row.ID == "" {
		p.show(row.Scope, Status{State: Disabled}, "")
		return unchanged, p.drop(ctx, row.Scope)
	}
	p.show(row.Scope, Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Disabled}, "")
	if p.holding && row.State != Disabled {
		return unchanged, nil
	}
	what, _, err := p.disable(ctx, &row)
	if err != nil {
		return what, err
	}
	row.DeletedAt, row.Confirmed = time.Time{}, false
	return what, p.put(ctx, row)
}

// retire disables the service of a scope that no function wants one for any more, and
// deletes it when the grace period is over.
func (p *pass) retire(ctx context.Context, row alerting.Service) (change, error) {
	if row.ID == "" {
		return unchanged, p.drop(ctx, row.Scope)
	}
	if p.holding && p.departs(row.Scope, row) {
		return unchanged, nil
	}
	if row.DeletedAt.IsZero() {
		row.DeletedAt = p.now.UTC()
		row.Confirmed = p.confirmed
	}
	row.Confirmed = row.Confirmed || p.confirmed && p.graceLeft(row) <= 0
	if err := p.put(ctx, row); err != nil {
		return unchanged, err
	}
	if !p.succeeded(row.Scope) {
		p.later(held)
		return unchanged, nil
	}
	what, off, err := p.disable(ctx, &row)
	if err == nil {
		err = p.put(ctx, row)
	}
	if err != nil || !off {
		return what, err
	}
	if left := p.graceLeft(row); left > 0 {
		p.later(left)
		return what, nil
	}
	if free, err := p.free(ctx, row); err != nil || !free {
		return what, err
	}
	if err := p.api.deleteService(ctx, row.ID); err != nil && status(err) != http.StatusNotFound {
		return what, err
	}
	p.have.remove(row.ID)
	return deleted, p.drop(ctx, row.Scope)
}

func (p *pass) graceLeft(row alerting.Service) time.Duration {
	return row.DeletedAt.Add(p.cfg.GracePeriod).Sub(p.now)
}

// succeeded reports whether the functions that a service was for have another by now, or
// are gone. A pass goes by in between: what is being triggered may have the old key.
func (p *pass) succeeded(scope alerting.Scope) bool {
	moved := false
	for _, f := range p.inside[scope] {
		if f.Spec.Alerts.Disabled {
			continue
		}
		moved = true
		if now := p.rows[p.cfg.Services.of(f.Name)]; now.State != Ready || now.RoutingKey == "" {
			return false
		}
	}
	if moved && !p.leaving[scope] {
		p.leaving[scope] = true
		return false
	}
	p.close(scope)
	return true
}

// disable disables the service once; off says that it is. It waits for the last events
// and for open incidents to end: a disabled service takes nothing.
func (p *pass) disable(ctx context.Context, row *alerting.Service) (what change, off bool, err error) {
	if row.State == Disabled {
		return unchanged, true, nil
	}
	s, _ := p.have.get(row.ID)
	if s.Status != "disabled" {
		if free, err := p.free(ctx, *row); err != nil || !free {
			return unchanged, false, err
		}
		row.State = switching
		if err := p.put(ctx, *row); err != nil {
			return unchanged, false, err
		}
		if _, err := p.update(ctx, pd.Service{
			APIObject: pd.APIObject{ID: s.ID, Type: "service"}, Name: s.Name, Description: s.Description, Status: "disabled",
			EscalationPolicy: policy{id: s.EscalationPolicy.ID}.reference(),
		}); err != nil {
			return unchanged, false, err
		}
		what = updated
	}
	row.State = Disabled
	return what, true, nil
}

// free reports that nothing is open or on its way at a service, here or there.
func (p *pass) free(ctx context.Context, row alerting.Service) (bool, error) {
	if p.cfg.Settled != nil && row.RoutingKey != "" && !p.cfg.Settled(row.RoutingKey) {
		p.later(held)
		return false, nil
	}
	open, err := p.api.openIncidents(ctx, row.ID)
	if open {
		p.later(heldThere)
	}
	return !open && err == nil, err
}

func (p *pass) drop(ctx context.Context, scope alerting.Scope) error {
	delete(p.leaving, scope)
	if _, ok := p.rows[scope]; !ok {
		return nil
	}
	if err := p.cfg.Store.DeleteService(ctx, scope); err != nil {
		return fmt.Errorf("forget service: %w", err)
	}
	delete(p.rows, scope)
	return nil
}

// later asks for the next pass after d at the latest.
func (p *pass) later(d time.Duration) {
	if p.next == 0 || d < p.next {
		p.next = d
	}
}
