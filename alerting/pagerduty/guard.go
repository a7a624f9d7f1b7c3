package pagerduty

import (
	"context"
	"fmt"

	"hadron/alerting"
)

// A pass that would disable or delete more services than this, and more than the share of
// Config.DeleteShare, does neither and asks.
const fewLeave = 10

// guard decides whether services may go in this pass.
func (p *pass) guard(ctx context.Context) {
	total, going := len(p.orphans), len(p.orphans)
	for scope, u := range p.want {
		if _, known := p.rows[scope]; !known && u.muted() && p.exists(scope) {
			total++
			going++
		}
	}
	for scope, row := range p.rows {
		if row.ID == "" {
			continue
		}
		total++
		if p.departs(scope, row) {
			going++
		}
	}
	many := going > fewLeave && float64(going) > p.cfg.DeleteShare*float64(total)
	p.mu.Lock()
	p.confirmed = many && going <= p.allowed
	p.holding = many && !p.confirmed
	before, now := p.progress.Held, 0
	if p.holding {
		now = going
	}
	p.progress.Held, p.progress.Counted = now, true
	p.mu.Unlock()
	if now > 0 && now != before {
		p.cfg.Logger.WarnContext(ctx, "letting so many services go is held until it is confirmed", "services", now, "of", total,
			"confirm", fmt.Sprintf("hadron alerts pagerduty apply --confirm-deletes %d", now))
	}
}

// departs reports whether a pass would disable or delete a service of its own accord: not
// one that was let go before, and not what somebody agreed to.
func (p *pass) departs(scope alerting.Scope, row alerting.Service) bool {
	if u, wanted := p.want[scope]; wanted {
		return u.muted() && row.State != Disabled
	}
	return row.DeletedAt.IsZero() || row.State == Disabled && !row.Confirmed && p.graceLeft(row) <= 0
}
