package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
	"hadron/runtime/reconcile"
)

// BusinessStore remembers the business service of each team.
type BusinessStore interface {
	// BusinessServices returns all that are stored.
	BusinessServices(ctx context.Context) ([]alerting.BusinessService, error)
	// PutBusinessService makes or replaces that of its team.
	PutBusinessService(ctx context.Context, s alerting.BusinessService) error
	// DeleteBusinessService forgets it; one that is not there is no error.
	DeleteBusinessService(ctx context.Context, team string) error
}

const (
	// perLook is how many teams' dependencies are read again at each look: there is no
	// request that lists those of all.
	perLook = 25
	// perCall is how many dependencies one request makes or ends.
	perCall = 50
)

// business is what PagerDuty has of business services. A team's is what its services
// support: whoever watches the business sees the team, and not a hundred functions.
type business struct {
	have    map[string]pd.BusinessService
	support map[string]supporters // by business service; none of one whose dependencies were not read yet
	fresh   bool                  // have is what the last look found
	refused string                // why the account has none; empty: it has
}

// supporters are the services that a business service depends on.
type supporters struct {
	read time.Time
	ids  map[string]bool // of services that are not business services, whoever's
	more bool            // others support it too, or it supports others
}

func newBusiness() *business {
	return &business{have: map[string]pd.BusinessService{}, support: map[string]supporters{}}
}

// lookAtBusiness reads what business services there are, and forgets the dependencies
// that were read longest ago, so that they are read again.
func (t *Target) lookAtBusiness(ctx context.Context) error {
	b := t.business
	if b == nil {
		return nil
	}
	b.fresh = false
	list, err := t.api.businessServices(ctx)
	if s := status(err); s == http.StatusPaymentRequired || s == http.StatusForbidden || s == http.StatusNotFound {
		if b.refused == "" {
			t.cfg.Logger.WarnContext(ctx, "teams get no business services", "error", err)
		}
		b.refused = sentence(err)
		t.note(func(g *Progress) { g.BusinessError = b.refused })
		return nil
	}
	if err != nil {
		return err
	}
	b.fresh, b.refused, b.have = true, "", map[string]pd.BusinessService{}
	for _, s := range list {
		b.have[s.ID] = *s
	}
	maps.DeleteFunc(b.support, func(id string, _ supporters) bool { _, there := b.have[id]; return !there })
	oldest := slices.SortedFunc(maps.Keys(b.support), func(x, y string) int { return b.support[x].read.Compare(b.support[y].read) })
	for _, id := range oldest[:min(perLook, len(oldest))] {
		delete(b.support, id)
	}
	return nil
}

// own finds a team's business service by its marker; the first by id, where somebody
// copied one.
func (b *business) own(mark string) (pd.BusinessService, bool) {
	for _, id := range slices.Sorted(maps.Keys(b.have)) {
		if slices.Contains(markers(b.have[id].Description), mark) {
			return b.have[id], true
		}
	}
	return pd.BusinessService{}, false
}

func (b *business) taken(name string) bool {
	for _, s := range b.have {
		if strings.EqualFold(s.Name, name) {
			return true
		}
	}
	return false
}

// supports makes the business services and their dependencies as wanted.
func (p *pass) supports(ctx context.Context, r *reconcile.Result) error {
	b := p.business
	if b == nil || b.refused != "" || !b.fresh {
		return nil
	}
	stored, err := p.cfg.Business.BusinessServices(ctx)
	if err != nil {
		return fmt.Errorf("read business services: %w", err)
	}
	rows := map[string]alerting.BusinessService{}
	for _, row := range stored {
		rows[row.Team] = row
	}
	wanted, still := p.supporting()
	for id := range b.have { // of teams that nothing is known of any more
		if team, ok := p.teamOf(b.have[id].Description); ok {
			still[team] = still[team] || false
		}
	}
	for team := range rows {
		still[team] = still[team] || false
	}
	var failed []error
	for _, team := range slices.Sorted(maps.Keys(still)) {
		if ctx.Err() != nil {
			return fmt.Errorf("pass ended among business services: %w", context.Cause(ctx))
		}
		row := rows[team]
		row.Team = team
		done, err := p.team(ctx, row, wanted[team], still[team])
		if err == nil {
			count(r, done)
			continue
		}
		r.Failed++
		failed = append(failed, err)
		p.cfg.Logger.WarnContext(ctx, "business service is not as wanted", "team", team, "error", err)
		var e *Error
		if errors.As(err, &e) && (e.everyone() || e.Status == http.StatusUnauthorized) {
			break // it is asked again in the next pass
		}
	}
	p.note(func(g *Progress) {
		g.Business, g.BusinessError = len(wanted), ""
		if len(failed) > 0 {
			g.BusinessError = sentence(failed[0])
		}
	})
	return nil
}

// supporting lists each team's services that take events, and the teams that have any
// service at all still.
func (p *pass) supporting() (wanted map[string]map[string]bool, still map[string]bool) {
	wanted, still = map[string]map[string]bool{}, map[string]bool{}
	for scope, row := range p.rows {
		still[scope.Team()] = still[scope.Team()] || row.ID != ""
		if u := p.want[scope]; u == nil || u.muted() || row.ID == "" || row.State != Ready {
			continue
		}
		if wanted[scope.Team()] == nil {
			wanted[scope.Team()] = map[string]bool{}
		}
		wanted[scope.Team()][row.ID] = true
	}
	return wanted, still
}

// teamOf is the team whose business service a description is of.
func (p *pass) teamOf(description string) (string, bool) {
	for _, word := range markers(description) {
		if scope, ok := marked(p.cfg.Installation, word); ok && kind(scope) == "team" {
			return string(scope), true
		}
	}
	return "", false
}

// team makes one team's business service as wanted; still says that it has services, be
// they on their way out.
func (p *pass) team(ctx context.Context, row alerting.BusinessService, wanted map[string]bool, still bool) (change, error) {
	scope := alerting.Scope(row.Team)
	mark := marker(p.cfg.Installation, scope)
	before := row
	s, there := p.business.have[row.ID]
	if there {
		words := markers(s.Description)
		there = len(words) == 0 || slices.Contains(words, mark)
	}
	if !there {
		if s, there = p.business.own(mark); there {
			row.ID, row.Hash = s.ID, ""
		}
	}
	done := unchanged
	switch {
	case !there && len(wanted) == 0:
		if before.ID == "" {
			return unchanged, nil
		}
		return unchanged, p.cfg.Business.DeleteBusinessService(ctx, row.Team)
	case !there:
		made, err := p.makeBusiness(ctx, scope)
		if err != nil {
			return unchanged, err
		}
		row.ID, row.Hash, done = made.ID, p.cfg.businessHash(scope), created
	}
	if row != before {
		if err := p.cfg.Business.PutBusinessService(ctx, row); err != nil {
			return done, fmt.Errorf("store business service: %w", err)
		}
		before = row
	}
	did, err := p.depend(ctx, row.ID, wanted)
	if done = max(done, did); err != nil {
		return done, err
	}
	if !still {
		return p.endBusiness(ctx, row)
	}
	did, err = p.describe(ctx, &row)
	if done = max(done, did); err != nil || row == before {
		return done, err
	}
	if err := p.cfg.Business.PutBusinessService(ctx, row); err != nil {
		return done, fmt.Errorf("store business service: %w", err)
	}
	return done, nil
}

func businessName(s alerting.Scope) string { return "hadron team: " + string(s) }

func (c Config) businessDescription(s alerting.Scope) string {
	lines := []string{"What the functions of the team " + string(s) + " on Hadron do."}
	if c.ExternalURL != "" {
		lines = append(lines, strings.TrimSuffix(c.ExternalURL, "/"))
	}
	return strings.Join(append(lines, "Made and kept by Hadron; what is below says so.", marker(c.Installation, s)), "\n")
}

func (c Config) businessHash(s alerting.Scope) string { return digest("1", c.businessDescription(s)) }

func (p *pass) makeBusiness(ctx context.Context, scope alerting.Scope) (*pd.BusinessService, error) {
	name := businessName(scope)
	if p.business.taken(name) {
		name = otherName(name, p.cfg.Installation, scope)
	}
	want := pd.BusinessService{Name: name, Description: p.cfg.businessDescription(scope)}
	made, err := p.api.createBusinessService(ctx, want)
	if nameTaken(err) {
		// By somebody since the list was read, or by a request of ours whose answer was lost.
		if err := p.lookAtBusiness(ctx); err != nil {
			return nil, err
		}
		if s, ok := p.business.own(marker(p.cfg.Installation, scope)); ok {
			return &s, nil
		}
		want.Name = otherName(businessName(scope), p.cfg.Installation, scope)
		made, err = p.api.createBusinessService(ctx, want)
	}
	if err != nil {
		return nil, err
	}
	p.business.have[made.ID] = *made
	p.business.support[made.ID] = supporters{read: p.now, ids: map[string]bool{}}
	return made, nil
}

// describe brings the description up to date; the name is whose it is.
func (p *pass) describe(ctx context.Context, row *alerting.BusinessService) (change, error) {
	scope := alerting.Scope(row.Team)
	s := p.business.have[row.ID]
	hash := p.cfg.businessHash(scope)
	if row.Hash == hash && slices.Contains(markers(s.Description), marker(p.cfg.Installation, scope)) {
		return unchanged, nil
	}
	got, err := p.api.updateBusinessService(ctx, pd.BusinessService{ID: s.ID, Name: s.Name, Description: p.cfg.businessDescription(scope)})
	if err != nil {
		return unchanged, err
	}
	p.business.have[s.ID] = *got
	row.Hash = hash
	return updated, nil
}

// depend makes the dependencies as wanted. Services that are not ours stay.
func (p *pass) depend(ctx context.Context, id string, wanted map[string]bool) (change, error) {
	now, err := p.supportersOf(ctx, id)
	if err != nil {
		return unchanged, err
	}
	var missing, surplus []string
	for service := range wanted {
		if !now.ids[service] {
			missing = append(missing, service)
		}
	}
	for service := range now.ids {
		if !wanted[service] && p.isOurs(service) && !p.holding {
			surplus = append(surplus, service)
		}
	}
	done := unchanged
	for _, step := range []struct {
		services []string
		ask      func(context.Context, string, []string) error
		there    bool
	}{{missing, p.api.associate, true}, {surplus, p.api.disassociate, false}} {
		slices.Sort(step.services)
		for part := range slices.Chunk(step.services, perCall) {
			if err := step.ask(ctx, id, part); err != nil {
				delete(p.business.support, id) // what was done is not known
				return done, err
			}
			done = updated
			for _, service := range part {
				if delete(now.ids, service); step.there {
					now.ids[service] = true
				}
			}
		}
	}
	return done, nil
}

// isOurs reports whether a service that is there is this installation's.
func (p *pass) isOurs(id string) bool {
	s, there := p.have.get(id)
	if !there || len(p.have.ours(s)) > 0 {
		return there
	}
	for _, row := range p.rows {
		if row.ID == id {
			return true
		}
	}
	return false
}

func (p *pass) supportersOf(ctx context.Context, id string) (supporters, error) {
	if known, ok := p.business.support[id]; ok {
		return known, nil
	}
	list, err := p.api.dependencies(ctx, id)
	if err != nil {
		if status(err) == http.StatusNotFound {
			delete(p.business.have, id) // deleted since the list was read
		}
		return supporters{}, err
	}
	out := supporters{read: p.now, ids: map[string]bool{}}
	for _, d := range list {
		if d.SupportingService == nil || d.DependentService == nil {
			continue
		}
		if d.DependentService.ID != id || strings.HasPrefix(d.SupportingService.Type, "business_service") {
			out.more = true
			continue
		}
		out.ids[d.SupportingService.ID] = true
	}
	p.business.support[id] = out
	return out, nil
}

// endBusiness deletes the business service of a team that has no service any more, unless
// others have put it to use: it is theirs then.
func (p *pass) endBusiness(ctx context.Context, row alerting.BusinessService) (change, error) {
	if now := p.business.support[row.ID]; now.more || len(now.ids) > 0 || p.holding {
		return unchanged, nil
	}
	if err := p.api.deleteBusinessService(ctx, row.ID); err != nil && status(err) != http.StatusNotFound {
		return unchanged, err
	}
	delete(p.business.have, row.ID)
	delete(p.business.support, row.ID)
	if err := p.cfg.Business.DeleteBusinessService(ctx, row.Team); err != nil {
		return deleted, fmt.Errorf("forget business service: %w", err)
	}
	return deleted, nil
}
