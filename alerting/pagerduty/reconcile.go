package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

const (
	// So many functions in a row that meet what everyone meets end a pass: there is no
	// point in asking a thousand times.
	maxInARow = 3
	// held is when to look again at a service that waits for its last events.
	held = 2 * time.Second
)

// change is what one function's turn came to.
type change int

const (
	unchanged change = iota // in rising order: the most that was done counts
	updated
	created
	deleted
)

// pass is one Reconcile.
type pass struct {
	*Target
	want map[function.Name]*function.Function
	rows map[function.Name]alerting.Service
	next time.Duration
	now  time.Time
}

// Reconcile implements reconcile.Target. Requests go out one after the other, as
// PagerDuty asks; each function's outcome is stored before the next one's turn, so
// that a pass that ends early has lost nothing. When nothing changed it asks PagerDuty
// nothing, or, every so often, what it has.
func (t *Target) Reconcile(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
	stored, err := t.cfg.Store.Services(ctx)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("read services: %w", err)
	}
	p := &pass{Target: t, want: map[function.Name]*function.Function{}, rows: map[function.Name]alerting.Service{}, now: t.cfg.Now()}
	for _, s := range stored {
		p.rows[s.Function] = s
	}
	for _, f := range want {
		p.want[f.Name] = f
	}
	names := p.order()
	p.announce(names)
	var unsubscribed error
	if t.looked.IsZero() || p.now.Sub(t.looked) >= t.cfg.Verify {
		if err := t.look(ctx); err != nil {
			p.blame(names, err)
			return reconcile.Result{}, err
		}
		unsubscribed = t.subscribe(ctx)
	}
	result, err := p.run(ctx, names)
	err = errors.Join(err, unsubscribed) // pages go out all the same
	result.Next = p.next
	if err != nil || result.Failed > 0 {
		t.looked = time.Time{} // what a failed request did is not known
	}
	return result, err
}

// order is all functions of concern: those that failed last time come last, so that
// they hold up nobody.
func (p *pass) order() []function.Name {
	var names []function.Name
	for name := range p.want {
		names = append(names, name)
	}
	for name := range p.rows {
		if _, ok := p.want[name]; !ok {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b function.Name) int {
		if p.failed[a] != p.failed[b] {
			if p.failed[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a), string(b))
	})
	return names
}

// announce shows what is stored before PagerDuty is asked anything, so that events
// find their way while it cannot be reached, and drops what is shown of functions
// that are gone.
func (p *pass) announce(names []function.Name) {
	known := map[function.Name]bool{}
	for _, name := range names {
		if f, ok := p.want[name]; ok {
			known[name] = true
			p.showRow(f, p.rows[name])
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.status {
		if !known[name] {
			delete(p.status, name)
			delete(p.keys, name)
		}
	}
}

func (p *pass) showRow(f *function.Function, row alerting.Service) {
	s := Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Pending}
	before := p.Status(f.Name)
	switch {
	case f.Spec.Alerts.Disabled:
		s.State = Disabled
	case row.ID != "" && row.RoutingKey != "" && (row.State == Disabled || row.State == switching):
		s.State = Pending // it is to be enabled again
	case row.ID != "" && row.RoutingKey != "":
		s.State = Ready
	}
	// A failure or a hand in PagerDuty stays visible until the function's next turn.
	if before.Error != "" && s.State != Disabled {
		s.State, s.Error = before.State, before.Error
	}
	p.show(f.Name, s, row.RoutingKey)
}

// blame shows an error on every function that waits for something.
func (p *pass) blame(names []function.Name, err error) {
	for _, name := range names {
		if _, ok := p.want[name]; !ok {
			continue
		}
		if s := p.Status(name); s.State == Pending || s.State == Failed {
			s.State, s.Error = Failed, sentence(err)
			p.show(name, s, p.rows[name].RoutingKey)
		}
	}
}

func sentence(err error) string { return plain(err.Error()) }

func (p *pass) run(ctx context.Context, names []function.Name) (reconcile.Result, error) {
	var r reconcile.Result
	failed := map[function.Name]bool{}
	defer func() { p.failed = failed }()
	inARow := 0
	for i, name := range names {
		if ctx.Err() != nil {
			err := fmt.Errorf("pass ended with %d of %d functions to go: %w", len(names)-i, len(names), context.Cause(ctx))
			p.blame(names[i:], err)
			return r, err
		}
		what, err := p.turn(ctx, name)
		if err == nil {
			inARow = 0
			count(&r, what)
			p.progress(ctx, i+1, len(names), what)
			continue
		}
		failed[name] = true
		r.Failed++
		if f, ok := p.want[name]; ok {
			row := p.rows[name]
			p.show(f.Name, Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Failed, Error: sentence(err)}, row.RoutingKey)
		}
		p.cfg.Logger.WarnContext(ctx, "service is not as wanted", "function", string(name), "error", err)
		var e *Error
		if errors.As(err, &e) {
			if e.Status == 401 {
				p.blame(names[i+1:], err)
				return r, err
			}
			if e.everyone() {
				inARow++
			}
		}
		if inARow == maxInARow {
			p.blame(names[i+1:], err)
			return r, fmt.Errorf("%d functions in a row: %w", inARow, err)
		}
	}
	return r, nil
}

func count(r *reconcile.Result, c change) {
	switch c {
	case created:
		r.Created++
	case updated:
		r.Updated++
	case deleted:
		r.Deleted++
	case unchanged:
		r.Unchanged++
	}
}

// progress says where a long pass is.
func (p *pass) progress(ctx context.Context, done, of int, what change) {
	const every = 100
	if what != unchanged && done%every == 0 && of > every {
		p.cfg.Logger.InfoContext(ctx, "services are being made", "done", done, "of", of)
	}
}

// look reads what PagerDuty has, without the keys of anybody's integrations.
func (t *Target) look(ctx context.Context) error {
	services, err := t.api.services(ctx)
	if err != nil {
		return err
	}
	t.have = make(map[string]pd.Service, len(services))
	for _, s := range services {
		t.have[s.ID] = s
	}
	t.policies = nil
	t.looked = t.cfg.Now()
	return nil
}

// policy finds the escalation policy that a function wants, by id or by exact name.
func (t *Target) policy(ctx context.Context, f *function.Function) (policy, error) {
	wanted, setting := f.Spec.Alerts.EscalationPolicy, "alerts.escalationPolicy in hadron.yaml"
	if wanted == "" && t.cfg.Policy != nil {
		wanted, setting = t.cfg.Policy(f.Name)
	}
	if wanted == "" {
		wanted, setting = t.cfg.EscalationPolicy, "pagerduty.escalation_policy in the server's settings"
	}
	if t.policies == nil {
		list, err := t.api.policies(ctx)
		if err != nil {
			return policy{}, err
		}
		t.policies = make([]policy, 0, len(list))
		for _, p := range list {
			t.policies = append(t.policies, policy{p.ID, p.Name})
		}
	}
	byName := -1
	for i, p := range t.policies {
		if p.id == wanted {
			return p, nil
		}
		if p.name == wanted && byName < 0 {
			byName = i
		}
	}
	if byName < 0 {
		return policy{}, fmt.Errorf("PagerDuty has no escalation policy with the id or name %q: make it there, or change %s", oneLine(wanted, 100), setting)
	}
	return t.policies[byName], nil
}
