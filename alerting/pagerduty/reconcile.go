package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

const (
	// So many services in a row that meet what everyone meets end a pass: there is no
	// point in asking a thousand times.
	maxInARow = 3
	// held is when to look again at a service that waits for its last events, heldThere
	// for incidents that are open at PagerDuty.
	held      = 2 * time.Second
	heldThere = 30 * time.Second
	// goOn is when a pass that used its time up goes on.
	goOn = time.Millisecond
)

// change is what one service's turn came to.
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
	want    map[alerting.Scope]*unit
	inside  map[alerting.Scope][]*function.Function // of every scope, whatever the grouping
	rows    map[alerting.Scope]alerting.Service
	orphans []alerting.Scope // of services that are ours by their marker, and that nobody remembers or wants
	next    time.Duration
	now     time.Time
	began   time.Time // by the wall's clock
	whole   bool      // every service had its turn

	holding   bool // nothing is to be let go
	confirmed bool // somebody agreed to what is
}

// Reconcile implements reconcile.Target. Requests go out one after the other, as
// PagerDuty asks; each service's outcome is stored before the next one's turn, so
// that a pass that ends early has lost nothing, and one that takes long goes on in the
// next. When nothing changed it asks PagerDuty nothing, or, every so often, what it has.
func (t *Target) Reconcile(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
	stored, err := t.cfg.Store.Services(ctx)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("read services: %w", err)
	}
	p := &pass{
		Target: t, want: t.cfg.Services.units(want), inside: map[alerting.Scope][]*function.Function{}, rows: map[alerting.Scope]alerting.Service{},
		now: t.cfg.Now(), began: time.Now(),
	}
	for _, s := range stored {
		p.rows[s.Scope] = s
	}
	for _, f := range want {
		for _, s := range everyScope(f.Name) {
			p.inside[s] = append(p.inside[s], f)
		}
	}
	p.announce(want)
	result, err := p.work(ctx)
	result.Next = p.next
	if err != nil || result.Failed > 0 {
		t.looked = time.Time{} // what a failed request did is not known
	}
	p.ended(err)
	return result, err
}

func (p *pass) work(ctx context.Context) (reconcile.Result, error) {
	var beside error
	if p.looked.IsZero() || p.now.Sub(p.looked) >= p.cfg.Verify {
		if err := p.look(ctx); err != nil {
			p.blame(p.order(), err)
			return reconcile.Result{}, err
		}
		beside = errors.Join(p.subscribe(ctx), p.lookAtBusiness(ctx))
	}
	p.orphans = p.forgotten()
	p.guard(ctx)
	result, err := p.run(ctx, p.order())
	if err == nil && p.whole {
		err = p.supports(ctx, &result)
	}
	return result, errors.Join(err, beside) // pages go out all the same
}

// ended notes how the pass went.
func (p *pass) ended(err error) {
	p.note(func(g *Progress) {
		g.LastPass, g.Running, g.Error, g.Leaving = p.cfg.Now(), p.next == goOn, "", len(p.orphans)
		for scope, row := range p.rows {
			if p.want[scope] == nil && row.ID != "" {
				g.Leaving++
			}
		}
		if err != nil {
			g.Error = sentence(err)
		}
		if p.confirmed && err == nil && p.whole {
			p.allowed = 0
		}
	})
}

// forgotten lists the scopes of services that are ours and that nothing is known of, as
// after the database was lost.
func (p *pass) forgotten() []alerting.Scope {
	var out []alerting.Scope
	for scope := range p.have.marked {
		if _, known := p.rows[scope]; known || p.want[scope] != nil {
			continue
		}
		if s, ok := p.have.own(scope); ok && hasIntegration(s) { // a copy that somebody made has none of ours
			out = append(out, scope)
		}
	}
	return out
}

// order is all scopes of concern: what is wanted before what is to go, and those that
// failed last time last, so that they hold up nobody.
func (p *pass) order() []alerting.Scope {
	scopes := slices.Clone(p.orphans)
	for s := range p.want {
		scopes = append(scopes, s)
	}
	for s := range p.rows {
		if p.want[s] == nil {
			scopes = append(scopes, s)
		}
	}
	rank := func(s alerting.Scope) int {
		n := 0
		if p.want[s] == nil {
			n = 2
		}
		if p.failed[s] {
			n++
		}
		return n
	}
	slices.SortFunc(scopes, func(a, b alerting.Scope) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(string(a), string(b))
	})
	return scopes
}

// announce shows what is stored before PagerDuty is asked anything, so that events
// find their way while it cannot be reached, and drops what is shown of functions
// that are gone.
func (p *pass) announce(want []*function.Function) {
	for _, u := range p.want {
		p.showRow(u, p.rows[u.scope])
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for scope := range p.status {
		if p.want[scope] == nil {
			delete(p.status, scope)
			delete(p.keys, scope)
		}
	}
	for scope, row := range p.rows {
		if p.want[scope] == nil && row.State == Ready && row.RoutingKey != "" {
			p.keys[scope] = row.RoutingKey // until those that it is for have another
		}
	}
	before := p.members
	p.members = make(map[function.Name]member, len(want))
	for _, f := range want {
		p.members[f.Name] = member{muted: f.Spec.Alerts.Disabled, note: before[f.Name].note}
	}
	p.progress.Running, p.progress.Done, p.progress.Of = true, 0, len(p.want)
}

func (p *pass) showRow(u *unit, row alerting.Service) {
	s := Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Pending}
	before := p.shown(u.scope)
	switch {
	case u.muted():
		s.State = Disabled
	case row.ID != "" && row.RoutingKey != "" && (row.State == Disabled || row.State == switching):
		s.State = Pending // it is to be enabled again
	case row.ID != "" && row.RoutingKey != "":
		s.State = Ready
	}
	// A failure or a hand in PagerDuty stays visible until the next turn.
	if before.Error != "" && s.State != Disabled {
		s.State, s.Error = before.State, before.Error
	}
	p.show(u.scope, s, row.RoutingKey)
}

// blame shows an error on every unit that waits for something.
func (p *pass) blame(scopes []alerting.Scope, err error) {
	for _, scope := range scopes {
		if p.want[scope] == nil {
			continue
		}
		if s := p.shown(scope); s.State == Pending || s.State == Failed {
			s.State, s.Error = Failed, sentence(err)
			p.show(scope, s, p.rows[scope].RoutingKey)
		}
	}
}

func sentence(err error) string { return plain(err.Error()) }

func (p *pass) run(ctx context.Context, scopes []alerting.Scope) (reconcile.Result, error) {
	var r reconcile.Result
	failed := map[alerting.Scope]bool{}
	defer func() { p.failed = failed }()
	inARow := 0
	p.note(func(g *Progress) { g.Of = len(scopes) })
	for i, scope := range scopes {
		if ctx.Err() != nil {
			err := fmt.Errorf("pass ended with %d of %d services to go: %w", len(scopes)-i, len(scopes), context.Cause(ctx))
			p.blame(scopes[i:], err)
			return r, err
		}
		if i > 0 && time.Since(p.began) > p.cfg.Budget {
			p.later(goOn)
			return r, nil
		}
		done, err := p.turn(ctx, scope)
		p.note(func(g *Progress) { g.Done = i + 1 })
		if err == nil {
			inARow = 0
			count(&r, done)
			p.tellHowFar(ctx, i+1, len(scopes), done)
			continue
		}
		failed[scope] = true
		r.Failed++
		if p.want[scope] != nil {
			row := p.rows[scope]
			p.show(scope, Status{ServiceID: row.ID, URL: row.URL, EscalationPolicy: row.Policy, State: Failed, Error: sentence(err)}, row.RoutingKey)
		}
		p.cfg.Logger.WarnContext(ctx, "service is not as wanted", "scope", string(scope), "error", err)
		var e *Error
		if errors.As(err, &e) {
			if e.Status == 401 {
				p.blame(scopes[i+1:], err)
				return r, err
			}
			if e.everyone() {
				inARow++
			}
		}
		if inARow == maxInARow {
			p.blame(scopes[i+1:], err)
			return r, fmt.Errorf("%d services in a row: %w", inARow, err)
		}
	}
	p.whole = true
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

// tellHowFar says where a long pass is.
func (p *pass) tellHowFar(ctx context.Context, done, of int, what change) {
	const every = 100
	if what != unchanged && done%every == 0 && of > every {
		_, _, calls, _ := p.wire.rate()
		p.cfg.Logger.InfoContext(ctx, "services are being made", "done", done, "of", of, "calls_last_minute", calls)
	}
}

// look reads what PagerDuty has, without the keys of anybody's integrations.
func (t *Target) look(ctx context.Context) error {
	services, err := t.api.services(ctx)
	if err != nil {
		return err
	}
	t.have = newInventory(t.cfg.Installation, services)
	t.policies = nil
	t.looked = t.cfg.Now()
	return nil
}
