package alerting

import (
	"slices"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// PagerDuty is the name of the target whose routing keys come from Config.Routing: a
// message to it waits until its function has one.
const PagerDuty = "pagerduty"

// Target is somewhere incidents are told: a pager, an Alertmanager, a channel. Each
// has lanes of its own in the outbox, so that one that fails holds up no other.
type Target struct {
	Name    string        // unique, without commas; it is the lane of its messages
	Teams   []string      // whose functions' incidents it hears of; none: all
	Classes []slo.Class   // none: all
	Repeat  time.Duration // an open incident is told again so often; 0: never
	// Watchdog is how often it is told that alerts are evaluated and delivered; 0: never.
	Watchdog time.Duration
	Only     bool // it hears of the watchdog alone
}

// wants reports whether the target is to hear of an incident of this class.
func (t Target) wants(name function.Name, class slo.Class) bool {
	return !t.Only && (len(t.Teams) == 0 || slices.Contains(t.Teams, name.Team())) &&
		(len(t.Classes) == 0 || slices.Contains(t.Classes, class))
}

// list is names, sorted, in one comparable value: "alertmanager,pagerduty".
type list = string

func holds(names list, name string) bool {
	return slices.Contains(strings.Split(names, ","), name)
}

func with(names list, name string) list {
	out := strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
	if !slices.Contains(out, name) {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

func without(names list, name string) list {
	out := slices.DeleteFunc(strings.FieldsFunc(names, func(r rune) bool { return r == ',' }), func(n string) bool { return n == name })
	return strings.Join(out, ",")
}
