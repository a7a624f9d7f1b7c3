package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
	"hadron/runtime/function"
)

// switching is the stored state of a service that is being enabled or disabled: how
// it is found then is our doing and nobody else's.
const switching = "switching"

// turn makes one function's service as wanted.
func (p *pass) turn(ctx context.Context, name function.Name) (change, error) {
	f, wanted := p.want[name]
	row, known := p.rows[name]
	if wanted && f.Spec.Alerts.Disabled && !known {
		p.show(name, Status{State: Disabled}, "")
		return unchanged, nil
	}
	row.Function = name
	if err := p.check(ctx, &row); err != nil {
		return unchanged, err
	}
	if wanted && !f.Spec.Alerts.Disabled {
		delete(p.leaving, name)
		return p.provide(ctx, f, row)
	}
	if row.ID == "" {
		if s, ok := p.own(name); ok { // made, and then the process ended
			take(&row, s)
		}
	}
	if wanted {
		return p.mute(ctx, row)
	}
	return p.retire(ctx, row)
}

// check drops from the row what PagerDuty does not have any more, and what turned out
// to be another Hadron's: a copied database must not take over its services.
func (p *pass) check(ctx context.Context, row *alerting.Service) error {
	if row.ID == "" {
		return nil
	}
	s, ok := p.have[row.ID]
	if !ok { // lists lag behind
		got, err := p.api.service(ctx, row.ID)
		if err != nil && status(err) != http.StatusNotFound {
			return err
		}
		if ok = err == nil; ok {
			s = *got
			p.have[s.ID] = s
		}
	}
	found := markers(s.Description)
	if ok && (len(found) == 0 || slices.Contains(found, marker(p.cfg.Installation, row.Function))) {
		return nil
	}
	*row = alerting.Service{Function: row.Function, State: Pending, DeletedAt: row.DeletedAt}
	return nil
}

// own finds the function's service by its marker. Where somebody copied one, the
// first made is it.
func (p *pass) own(name function.Name) (pd.Service, bool) {
	var found []pd.Service
	mark := marker(p.cfg.Installation, name)
	for _, s := range p.have {
		if slices.Contains(markers(s.Description), mark) {
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return pd.Service{}, false
	}
	return slices.MinFunc(found, func(a, b pd.Service) int {
		if c := strings.Compare(a.CreateAt, b.CreateAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	}), true
}

func take(row *alerting.Service, s pd.Service) {
	row.ID, row.Name, row.URL = s.ID, s.Name, s.HTMLURL
}

// put stores the row where it differs from what is stored.
func (p *pass) put(ctx context.Context, row alerting.Service) error {
	if before, ok := p.rows[row.Function]; ok && before == row {
		return nil
	}
	if err := p.cfg.Store.PutService(ctx, row); err != nil {
		return fmt.Errorf("store service: %w", err)
	}
	p.rows[row.Function] = row
	return nil
}

// provide makes the service, its integration and its settings, in the order in which
// each is found again if the process ends there.
func (p *pass) provide(ctx context.Context, f *function.Function, row alerting.Service) (change, error) {
	what := unchanged
	pol, err := p.policy(ctx, f)
	if err != nil {
		return what, err
	}
	want := p.cfg.desired(f, pol)
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
	row.State, row.DeletedAt = Ready, time.Time{}
	if err := p.put(ctx, row); err != nil {
		return what, err
	}
	s := Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Ready}
	if p.have[row.ID].Status == "disabled" {
		s.State, s.Error = Disabled, "the service was disabled in PagerDuty: it pages nobody until it is enabled there"
	}
	p.show(f.Name, s, row.RoutingKey)
	return what, nil
}

// obtain adopts the service that carries the function's marker, or makes one.
func (p *pass) obtain(ctx context.Context, want desired, row *alerting.Service) (change, error) {
	s, ok := p.own(row.Function)
	if !ok {
		row.State = Pending
		if err := p.put(ctx, *row); err != nil { // so that what is made now is known for ours
			return unchanged, err
		}
		made, err := p.create(ctx, want, row.Function)
		if err != nil {
			return unchanged, err
		}
		p.have[made.ID] = *made
		take(row, *made)
		row.Policy, row.Hash = want.policy.name, want.hash
		return created, p.put(ctx, *row)
	}
	take(row, s)
	row.State = switching // if it is disabled, that is over
	return updated, p.put(ctx, *row)
}

// create makes the service under the plain name, or under the other one where a
// service that is not ours has it.
func (p *pass) create(ctx context.Context, want desired, name function.Name) (*pd.Service, error) {
	text := want.name
	if p.taken(text) {
		text = otherName(p.cfg.Installation, name)
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
	if s, ok := p.own(name); ok {
		return &s, nil
	}
	if !p.taken(text) {
		return nil, fmt.Errorf("make service %q: the name is taken by a service that PagerDuty does not list yet", text)
	}
	return p.attempt(ctx, want, otherName(p.cfg.Installation, name))
}

// attempt asks for urgency by severity and does without it where the plan has none.
func (p *pass) attempt(ctx context.Context, want desired, name string) (*pd.Service, error) {
	s, err := p.api.createService(ctx, want.create(name, !p.plainRules))
	refused := status(err) == http.StatusBadRequest || status(err) == http.StatusPaymentRequired
	if !refused || nameTaken(err) || p.plainRules {
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

// taken reports whether a service has the name; PagerDuty does not tell cases apart.
func (p *pass) taken(name string) bool {
	for _, s := range p.have {
		if strings.EqualFold(s.Name, name) {
			return true
		}
	}
	return false
}

// connect sees to the integration and its routing key. A key once stored stays while
// its integration is there.
func (p *pass) connect(ctx context.Context, row *alerting.Service) (change, error) {
	s := p.have[row.ID]
	var mine string
	for _, i := range s.Integrations {
		if i.ID == row.Integration && row.RoutingKey != "" {
			return unchanged, nil
		}
		if strings.HasPrefix(i.Type, integrationType) && (i.Summary == integrationName || i.Name == integrationName) && mine == "" {
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
		p.have[row.ID] = s
	}
	row.Integration, row.RoutingKey = got.ID, got.IntegrationKey
	return updated, p.put(ctx, *row)
}

// apply brings the settings up to date. A hand in PagerDuty is overruled only where
// the manifest says otherwise.
func (p *pass) apply(ctx context.Context, want desired, row *alerting.Service) (change, error) {
	s := p.have[row.ID]
	enable := (row.State == Disabled || row.State == switching) && s.Status == "disabled"
	marked := slices.Contains(markers(s.Description), marker(p.cfg.Installation, row.Function))
	moved := want.pinned && s.EscalationPolicy.ID != want.policy.id
	if row.Hash == want.hash && marked && !moved && !enable {
		return unchanged, nil
	}
	update := pd.Service{
		APIObject: pd.APIObject{ID: s.ID, Type: "service"}, Name: s.Name, Description: want.description,
		EscalationPolicy: want.policy.reference(),
	}
	if row.Hash == want.hash && !moved {
		update.EscalationPolicy = policy{id: s.EscalationPolicy.ID}.reference()
	}
	if enable {
		update.Status, row.State = "active", switching
		if err := p.put(ctx, *row); err != nil {
			return unchanged, err
		}
	}
	got, err := p.update(ctx, update)
	if err != nil {
		return unchanged, err
	}
	take(row, *got)
	row.Policy, row.Hash = want.policy.name, want.hash
	return updated, nil
}

func (p *pass) update(ctx context.Context, s pd.Service) (*pd.Service, error) {
	got, err := p.api.updateService(ctx, s)
	if err != nil {
		return nil, err
	}
	if got.Integrations == nil {
		got.Integrations = p.have[got.ID].Integrations
	}
	p.have[got.ID] = *got
	return got, nil
}

// mute disables the service of a function whose manifest wants no alerts.
func (p *pass) mute(ctx context.Context, row alerting.Service) (change, error) {
	if row.ID == "" {
		p.show(row.Function, Status{State: Disabled}, "")
		return unchanged, p.drop(ctx, row.Function)
	}
	what, _, err := p.disable(ctx, &row)
	if err != nil {
		return what, err
	}
	row.DeletedAt = time.Time{}
	p.show(row.Function, Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Disabled}, "")
	return what, p.put(ctx, row)
}

// retire disables the service of a function that is gone, and deletes it when the
// grace period is over.
func (p *pass) retire(ctx context.Context, row alerting.Service) (change, error) {
	if row.ID == "" {
		return unchanged, p.drop(ctx, row.Function)
	}
	if row.DeletedAt.IsZero() {
		row.DeletedAt = p.now.UTC()
		if err := p.put(ctx, row); err != nil {
			return unchanged, err
		}
	}
	what, off, err := p.disable(ctx, &row)
	if err == nil {
		err = p.put(ctx, row)
	}
	if err != nil || !off {
		return what, err
	}
	if left := row.DeletedAt.Add(p.cfg.GracePeriod).Sub(p.now); left > 0 {
		p.later(left)
		return what, nil
	}
	if err := p.api.deleteService(ctx, row.ID); err != nil && status(err) != http.StatusNotFound {
		return what, err
	}
	delete(p.have, row.ID)
	return deleted, p.drop(ctx, row.Function)
}

// disable disables the service once; off says that it is. It waits for the function's
// last events: a disabled service takes none.
func (p *pass) disable(ctx context.Context, row *alerting.Service) (what change, off bool, err error) {
	if row.State == Disabled {
		return unchanged, true, nil
	}
	s := p.have[row.ID]
	if s.Status != "disabled" {
		since, leaving := p.leaving[row.Function]
		if !leaving {
			since = p.now
			p.leaving[row.Function] = since
		}
		if p.cfg.Settled != nil && !p.cfg.Settled(row.Function) && p.now.Sub(since) < p.cfg.SettleAfter {
			p.later(held)
			return unchanged, false, nil
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
	delete(p.leaving, row.Function)
	row.State = Disabled
	return what, true, nil
}

func (p *pass) drop(ctx context.Context, name function.Name) error {
	delete(p.leaving, name)
	if _, ok := p.rows[name]; !ok {
		return nil
	}
	if err := p.cfg.Store.DeleteService(ctx, name); err != nil {
		return fmt.Errorf("forget service: %w", err)
	}
	delete(p.rows, name)
	return nil
}

// later asks for the next pass after d at the latest.
func (p *pass) later(d time.Duration) {
	if p.next == 0 || d < p.next {
		p.next = d
	}
}
