package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
)

// switching is the stored state of a service that is being enabled or disabled: how
// it is found then is our doing and nobody else's.
const switching = "switching"

// turn makes one scope's service as wanted.
func (p *pass) turn(ctx context.Context, scope alerting.Scope) (change, error) {
	u, row := p.want[scope], p.rows[scope]
	if u != nil && u.muted() && !p.exists(scope) {
		p.show(scope, Status{State: Disabled}, "")
		return unchanged, nil
	}
	row.Scope = scope
	if err := p.check(ctx, &row); err != nil {
		return unchanged, err
	}
	if u != nil && !u.muted() {
		delete(p.leaving, scope)
		return p.provide(ctx, u, row)
	}
	if row.ID == "" {
		if s, ok := p.have.own(scope); ok { // made, and then the process ended, or the database was lost
			take(&row, s)
			row.State = switching // if it is disabled, nobody says that a hand did it
		}
	}
	if u != nil {
		return p.mute(ctx, row)
	}
	return p.retire(ctx, row)
}

// exists reports whether a scope has a service, or may have one that was about to be made.
func (p *pass) exists(scope alerting.Scope) bool {
	_, known := p.rows[scope]
	_, there := p.have.own(scope)
	return known || there
}

// check drops from the row what PagerDuty does not have any more, and what turned out
// to be another Hadron's: a copied database must not take over its services.
func (p *pass) check(ctx context.Context, row *alerting.Service) error {
	if row.ID == "" {
		return nil
	}
	s, ok := p.have.get(row.ID)
	if !ok { // lists lag behind
		got, err := p.api.service(ctx, row.ID)
		if err != nil && status(err) != http.StatusNotFound {
			return err
		}
		if ok = err == nil; ok {
			s = *got
			p.have.set(s)
		}
	}
	found := markers(s.Description)
	if ok && (len(found) == 0 || slices.Contains(found, marker(p.cfg.Installation, row.Scope))) {
		return nil
	}
	*row = alerting.Service{Scope: row.Scope, State: Pending, DeletedAt: row.DeletedAt, Confirmed: row.Confirmed}
	return nil
}

func take(row *alerting.Service, s pd.Service) {
	row.ID, row.Name, row.URL = s.ID, s.Name, s.HTMLURL
}

// put stores the row where it differs from what is stored.
func (p *pass) put(ctx context.Context, row alerting.Service) error {
	if before, ok := p.rows[row.Scope]; ok && before == row {
		return nil
	}
	if err := p.cfg.Store.PutService(ctx, row); err != nil {
		return fmt.Errorf("store service: %w", err)
	}
	p.rows[row.Scope] = row
	return nil
}

// provide makes the service, its integration and its settings, in the order in which
// each is found again if the process ends there.
func (p *pass) provide(ctx context.Context, u *unit, row alerting.Service) (change, error) {
	what := unchanged
	pol, pinned, err := p.policy(ctx, u)
	if err != nil {
		return what, err
	}
	want := p.cfg.desired(u, pol, pinned)
	if row.ID == "" {
		if what, err = p.obtain(ctx, want, &row); err != nil {
			return what, err
		}
	}
	did, err := p.connect(ctx, &row)
	if what = max(what, did); err != nil {
		return what, err
	}
	did, err = p.apply(ctx, want, &row)
	if what = max(what, did); err != nil {
		return what, err
	}
	row.State, row.DeletedAt, row.Confirmed = Ready, time.Time{}, false
	if err := p.put(ctx, row); err != nil {
		return what, err
	}
	s := Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Ready}
	if now, _ := p.have.get(row.ID); now.Status == "disabled" {
		s.State, s.Error = Disabled, "the service was disabled in PagerDuty: it pages nobody until it is enabled there"
	}
	p.show(u.scope, s, row.RoutingKey)
	p.tellOverruled(u, pol)
	return what, nil
}

// obtain adopts the service that carries the scope's marker, or makes one.
func (p *pass) obtain(ctx context.Context, want desired, row *alerting.Service) (change, error) {
	s, ok := p.have.own(row.Scope)
	if !ok {
		row.State = Pending
		if err := p.put(ctx, *row); err != nil { // so that what is made now is known for ours
			return unchanged, err
		}
		made, err := p.create(ctx, want, row.Scope)
		if err != nil {
			return unchanged, err
		}
		p.have.set(*made)
		take(row, *made)
		row.Policy, row.Hash = want.policy.name, want.stored()
		return created, p.put(ctx, *row)
	}
	take(row, s)
	row.State = switching // if it is disabled, that is over
	return updated, p.put(ctx, *row)
}

// create makes the service under the plain name, or under the other one where a
// service that is not ours has it.
func (p *pass) create(ctx context.Context, want desired, scope alerting.Scope) (*pd.Service, error) {
	text := want.name
	if p.have.taken(text) {
		text = otherName(want.name, p.cfg.Installation, scope)
	}
	s, err := p.attempt(ctx, want, text)
	if !nameTaken(err) {
		return s, err
	}
	// Made by somebody since the list was read, or by ourselves in a request whose
	// answer was lost.
	if err := p.look(ctx); err != nil {
		return nil, err
	}
	if s, ok := p.have.own(scope); ok {
		return &s, nil
	}
	if !p.have.taken(text) {
		return nil, fmt.Errorf("make service %q: the name is taken by a service that PagerDuty does not list yet", text)
	}
	return p.attempt(ctx, want, otherName(want.name, p.cfg.Installation, scope))
}

// attempt asks for urgency by severity and does without it where the plan has none.
func (p *pass) attempt(ctx context.Context, want desired, name string) (*pd.Service, error) {
	s, err := p.api.createService(ctx, want.create(name, !p.plainRules))
	if !refused(err) || nameTaken(err) || p.plainRules {
		return s, err
	}
	plain, again := p.api.createService(ctx, want.create(name, false))
	if again == nil {
		p.plainRules = true
	}
	if again == nil || nameTaken(again) {
		return plain, again
	}
	return nil, err
}

// connect sees to the integration and its routing key. A key once stored stays while
// its integration is there.
func (p *pass) connect(ctx context.Context, row *alerting.Service) (change, error) {
	s, _ := p.have.get(row.ID)
	var mine string
	for _, i := range s.Integrations {
		if i.ID == row.Integration && row.RoutingKey != "" {
			return unchanged, nil
		}
		if ourIntegration(i) && mine == "" {
			mine = i.ID
		}
	}
	var (
		got *pd.Integration
		err error
	)
	if mine != "" {
		got, err = p.api.integration(ctx, row.ID, mine)
	} else {
		got, err = p.api.createIntegration(ctx, row.ID)
	}
	if err != nil {
		return unchanged, err
	}
	if got.IntegrationKey == "" {
		return unchanged, fmt.Errorf("PagerDuty gave the integration of service %s no key", row.ID)
	}
	if mine == "" {
		s.Integrations = append(slices.Clone(s.Integrations), pd.Integration{APIObject: pd.APIObject{ID: got.ID, Type: integrationType, Summary: integrationName}})
		p.have.set(s)
	}
	row.Integration, row.RoutingKey = got.ID, got.IntegrationKey
	return updated, p.put(ctx, *row)
}

// apply brings the settings up to date. A hand in PagerDuty is overruled only where
// the manifest, or a setting that was changed since, says otherwise.
func (p *pass) apply(ctx context.Context, want desired, row *alerting.Service) (change, error) {
	s, _ := p.have.get(row.ID)
	enable := (row.State == Disabled || row.State == switching) && s.Status == "disabled"
	marked := slices.Contains(markers(s.Description), marker(p.cfg.Installation, row.Scope))
	moved := want.pinned && s.EscalationPolicy.ID != want.policy.id
	same, sameManner := want.applied(row.Hash)
	if same && sameManner && marked && !moved && !enable {
		return unchanged, nil
	}
	update := pd.Service{
		APIObject: pd.APIObject{ID: s.ID, Type: "service"}, Name: s.Name, Description: want.description,
		EscalationPolicy: want.policy.reference(),
	}
	if same && !moved {
		update.EscalationPolicy = policy{id: s.EscalationPolicy.ID}.reference()
	}
	if !sameManner {
		want.manner.on(&update, !p.plainRules)
	}
	if enable {
		update.Status, row.State = "active", switching
		if err := p.put(ctx, *row); err != nil {
			return unchanged, err
		}
	}
	got, err := p.update(ctx, update)
	if refused(err) && update.IncidentUrgencyRule != nil && want.manner.urgency == bySeverity {
		update.IncidentUrgencyRule = nil
		if got, err = p.update(ctx, update); err == nil {
			p.plainRules = true
		}
	}
	if err != nil {
		return unchanged, err
	}
	take(row, *got)
	row.Policy, row.Hash = want.policy.name, want.stored()
	return updated, nil
}

// refused reports that PagerDuty will not have a service so, or that the plan does not.
func refused(err error) bool {
	return status(err) == http.StatusBadRequest || status(err) == http.StatusPaymentRequired
}

func (p *pass) update(ctx context.Context, s pd.Service) (*pd.Service, error) {
	got, err := p.api.updateService(ctx, s)
	if err != nil {
		return nil, err
	}
	if got.Integrations == nil {
		before, _ := p.have.get(got.ID)
		got.Integrations = before.Integrations
	}
	p.have.set(*got)
	return got, nil
}
