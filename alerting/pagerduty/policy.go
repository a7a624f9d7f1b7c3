package pagerduty

import (
	"context"
	"fmt"

	"hadron/runtime/function"
)

// chosen is the escalation policy that a unit wants, the setting that says so, and
// whether that is about this unit and not the server's for all: what manifests name, else
// project or team, else the server.
func (c Config) chosen(u *unit) (wanted, setting string, pinned bool) {
	if wanted = u.manifestPolicy(); wanted != "" {
		return wanted, "alerts.escalationPolicy in hadron.yaml", true
	}
	if c.Policy != nil {
		if wanted, setting = c.Policy(u.scope); wanted != "" {
			return wanted, setting, true
		}
	}
	return c.EscalationPolicy, "pagerduty.escalation_policy in the server's settings", false
}

// policy finds the escalation policy that a unit wants, by id or by exact name.
func (t *Target) policy(ctx context.Context, u *unit) (found policy, pinned bool, err error) {
	wanted, setting, pinned := t.cfg.chosen(u)
	if t.policies == nil {
		list, err := t.api.policies(ctx)
		if err != nil {
			return policy{}, false, err
		}
		t.policies = make([]policy, 0, len(list))
		for _, p := range list {
			t.policies = append(t.policies, policy{p.ID, p.Name})
		}
	}
	byName := -1
	for i, p := range t.policies {
		if p.id == wanted {
			return p, pinned, nil
		}
		if p.name == wanted && byName < 0 {
			byName = i
		}
	}
	if byName < 0 {
		return policy{}, false, fmt.Errorf("PagerDuty has no escalation policy with the id or name %q: make it there, or change %s", oneLine(wanted, 100), setting)
	}
	return t.policies[byName], pinned, nil
}

// tellOverruled says to whom another policy is followed than their manifest names: a
// service has one for all of its functions.
func (t *Target) tellOverruled(u *unit, followed policy) {
	for _, f := range u.functions {
		t.tell(f.Name, overruled(f, u, followed))
	}
}

func overruled(f *function.Function, u *unit, followed policy) string {
	own := f.Spec.Alerts.EscalationPolicy
	if own == "" || own == followed.id || own == followed.name || f.Spec.Alerts.Disabled {
		return ""
	}
	return fmt.Sprintf("the escalation policy is %s, that of the service of the %s %s, whose functions do not all name %q in their manifests",
		oneLine(followed.name, 100), kind(u.scope), u.scope, oneLine(own, 100))
}
