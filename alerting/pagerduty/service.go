package pagerduty

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
)

// The integration through which a scope's events come in. A service can have others,
// which are somebody else's.
const (
	integrationType = "events_api_v2_inbound_integration"
	integrationName = "Hadron"
)

const (
	markerPrefix   = "hadron:"
	maxDescription = 300
)

// anything stands in a marker for what a project or team has in it.
const anything = "/*"

// marker is the word in a description that says whose service it is: "shop/checkout/pay",
// "shop/checkout/*" and "shop/*/*" after the installation.
func marker(installation string, s alerting.Scope) string {
	return markerPrefix + url.QueryEscape(installation) + ":" + string(s) + strings.Repeat(anything, 2-strings.Count(string(s), "/"))
}

// marked is the scope of a marker of this installation.
func marked(installation, word string) (alerting.Scope, bool) {
	rest, ok := strings.CutPrefix(word, markerPrefix+url.QueryEscape(installation)+":")
	if !ok {
		return "", false
	}
	s := alerting.Scope(strings.TrimSuffix(strings.TrimSuffix(rest, anything), anything))
	return s, s != "" && marker(installation, s) == word
}

// markers returns the words of a description that look like a marker. A service
// belongs to a scope when its marker is among them, and to another when it has one
// and it is not that.
func markers(description string) []string {
	var out []string
	for word := range strings.FieldsSeq(description) {
		if strings.HasPrefix(word, markerPrefix) && strings.Count(word, "/") == 2 {
			out = append(out, word)
		}
	}
	return out
}

// serviceName is the scope without what PagerDuty refuses in a name: \ / & < > and
// anything that cannot be printed. Dots are in no part of it, so that names differ where
// scopes do.
func serviceName(s alerting.Scope) string {
	return "hadron: " + strings.ReplaceAll(string(s), "/", ".")
}

// otherName is for when somebody else has the plain one.
func otherName(plain, installation string, s alerting.Scope) string {
	return plain + " " + digest(installation, string(s))[:8]
}

// description ends with the marker. The author's text cannot pass for one.
func (c Config) description(u *unit) string {
	head, link := "Functions of the "+kind(u.scope)+" "+string(u.scope)+" on Hadron.", ""
	if kind(u.scope) == "function" {
		head, link = "Function "+string(u.scope)+" on Hadron.", "/f/"+string(u.scope)
		if text := oneLine(u.functions[0].Spec.Description, maxDescription); text != "" {
			head += " " + strings.ReplaceAll(text, markerPrefix, "hadron ")
		}
	}
	lines := []string{head}
	if c.ExternalURL != "" {
		lines = append(lines, strings.TrimSuffix(c.ExternalURL, "/")+link)
	}
	lines = append(lines, "Made and kept by Hadron; what is below says so.", marker(c.Installation, u.scope))
	return strings.Join(lines, "\n")
}

// desired is what a unit's service should be.
type desired struct {
	name        string // when it is made; it can be changed in PagerDuty
	description string
	policy      policy
	pinned      bool // the manifest, project or team names the policy
	manner      manner
	hash        string
}

func (c Config) desired(u *unit, p policy, pinned bool) desired {
	d := desired{name: serviceName(u.scope), description: c.description(u), policy: p, pinned: pinned, manner: c.manner()}
	d.hash = digest("1", d.description, p.id)
	return d
}

// manner is how incidents of a service behave. A hand in PagerDuty may change it; the
// server's settings do when they are changed.
type manner struct {
	resolve, acknowledgement uint // seconds; 0: never
	urgency                  string
	hash                     string
}

// bySeverity is PagerDuty's word for BySeverity.
const bySeverity = "severity_based"

func (c Config) manner() manner {
	seconds := func(d time.Duration) uint { return uint(max(0, d/time.Second)) }
	m := manner{resolve: seconds(c.AutoResolve), acknowledgement: seconds(c.Acknowledgement), urgency: c.Urgency}
	if m.urgency == BySeverity {
		m.urgency = bySeverity
	}
	m.hash = digest(strconv.FormatUint(uint64(m.resolve), 10), strconv.FormatUint(uint64(m.acknowledgement), 10), m.urgency)
	return m
}

// on gives a service the manner; urgency by severity only where the plan has it.
func (m manner) on(s *pd.Service, allowed bool) {
	s.AutoResolveTimeout, s.AcknowledgementTimeout = &m.resolve, &m.acknowledgement
	if m.urgency != bySeverity || allowed {
		s.IncidentUrgencyRule = &pd.IncidentUrgencyRule{Type: "constant", Urgency: m.urgency}
	}
}

// create is the request that makes the service. Incidents end when Hadron says so, and
// come back when they were acknowledged and forgotten; tickets do not wake anybody,
// where the plan allows that. The settings can say otherwise.
func (d desired) create(name string, withSeverity bool) pd.Service {
	s := pd.Service{
		APIObject: pd.APIObject{Type: "service"}, Name: name, Description: d.description, Status: "active", EscalationPolicy: d.policy.reference(),
	}
	d.manner.on(&s, withSeverity)
	return s
}

// stored is what is remembered of what was applied.
func (d desired) stored() string { return d.hash + "." + d.manner.hash }

// applied tells what differs from what was last applied. Of a service whose past is not
// known, what people may have set stays.
func (d desired) applied(hash string) (same, sameManner bool) {
	before, manner, known := strings.Cut(hash, ".")
	return before == d.hash, !known || manner == d.manner.hash
}

// policy is an escalation policy.
type policy struct{ id, name string }

func (p policy) reference() pd.EscalationPolicy {
	return pd.EscalationPolicy{APIObject: pd.APIObject{ID: p.id, Type: "escalation_policy_reference"}}
}

// digest tells apart lists of texts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
