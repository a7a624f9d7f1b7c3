package alerting

import (
	"fmt"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// The alert of versions that are not run, because they end the workers they run in.
// It needs no window: the platform knows. It is a ticket, whatever the version's
// share of calls: where users feel it, the availability objective pages, and one
// cause is to wake somebody once.
const (
	// Quarantine stands where other alerts have their objective.
	Quarantine = "quarantine"
	// QuarantineAlert is its name.
	QuarantineAlert = "FunctionQuarantined"
)

func quarantineKey(name function.Name) Key {
	return Key{Objective: Objective{name, Quarantine}, Class: slo.Ticket}
}

// Name is the alert's name: one for all that burn rates decide, since what differs
// is in labels, and one for quarantines.
func (k Key) Name() string {
	if k.SLO == Quarantine {
		return QuarantineAlert
	}
	return slo.AlertName
}

// quarantines moves the alert of every function that has a version in quarantine,
// or had.
func (r *round) quarantines() {
	held := map[function.Name][]invocation.Quarantine{}
	if r.e.cfg.Quarantined != nil {
		for _, q := range r.e.cfg.Quarantined() {
			if s, ok := r.specs[q.Version.Name]; ok && !s.disabled {
				held[q.Version.Name] = append(held[q.Version.Name], q)
			}
		}
	}
	for k := range r.e.alerts {
		if k.SLO == Quarantine && held[k.Function] == nil {
			held[k.Function] = nil
		}
	}
	for name, list := range held {
		s, exists := r.specs[name]
		key := quarantineKey(name)
		before, seen := r.e.alerts[key]
		was := before.Status
		if !seen {
			was.State = Inactive
		}
		v := nextQuarantine(was, list, r.now)
		if !exists || s.disabled {
			v = verdict{Status: Status{State: Inactive}}
		}
		if v.State == Inactive && was.State == Inactive {
			continue
		}
		if v.reason == "" {
			v.reason = before.reason
		}
		r.settleOn(key, was, v)
	}
}

// nextQuarantine decides where the alert stands. It is pure. What is known is known
// for certain, so it fires at once and ends at once.
func nextQuarantine(was Status, held []invocation.Quarantine, now time.Time) verdict {
	v := verdict{Status: was, value: float64(len(held)), reason: quarantineReason(held)}
	switch {
	case len(held) > 0 && was.State != Firing:
		since := now
		for _, q := range held {
			if at := q.Since.UTC().Truncate(time.Microsecond); at.Before(since) && !at.IsZero() {
				since = at
			}
		}
		v.Status = Status{State: Firing, ActiveAt: since, FiredAt: now}
	case len(held) > 0:
	case was.State == Firing:
		v.State, v.ResolvedAt = Resolved, now
		v.reason = quarantineOver
	case was.State == Resolved && now.Sub(was.ResolvedAt) < keepResolved:
	default:
		v.Status = Status{State: Inactive}
	}
	return v
}

const quarantineOver = "the version was released, or survived its trial"

// quarantineReason says it in words; the platform's only, no function's.
func quarantineReason(held []invocation.Quarantine) string {
	const most = 3
	var parts []string
	for i, q := range held {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(held)-most))
			break
		}
		times := "once"
		if q.Deaths > 1 {
			times = fmt.Sprintf("%d times", q.Deaths)
		}
		parts = append(parts, fmt.Sprintf("version %d ended its worker %s: %s", q.Version.Version, times, oneLine(q.Reason, maxText)))
	}
	return strings.Join(parts, "; ")
}

// quarantineSummary is the page's first line.
func (p page) quarantineSummary() string {
	return oneLine(fmt.Sprintf("%s is quarantined: %s.", oneLine(p.incident.Function.Base(), maxWho), p.why), MaxSummary)
}

// quarantineFields are its details.
func (p page) quarantineFields() []Field {
	since := p.began()
	out := []Field{
		{"why", p.why},
		{"what users feel", "calls of that version are answered with an error until it is released or its next trial ends well"},
		{"since", fmt.Sprintf("%s, %s ago", since.UTC().Format(time.RFC3339), about(max(0, p.at.Sub(since))))},
	}
	if changed := p.changed(); changed != "" {
		out = append(out, Field{"what changed", changed})
	}
	if p.details.Previous > 0 {
		out = append(out, Field{"undo", fmt.Sprintf("hadron rollback %s --to %d", p.incident.Function, p.details.Previous)})
	}
	return append(out, Field{"once mended", fmt.Sprintf("hadron release %s@<version>", p.incident.Function)})
}
