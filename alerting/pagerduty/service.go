package pagerduty

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/runtime/function"
)

// The integration through which a function's events come in. A service can have
// others, which are somebody else's.
const (
	integrationType = "events_api_v2_inbound_integration"
	integrationName = "Hadron"
)

const (
	markerPrefix   = "hadron:"
	maxDescription = 300
)

// marker is the word in a description that says whose service it is.
func marker(installation string, name function.Name) string {
	return markerPrefix + url.QueryEscape(installation) + ":" + string(name)
}

// markers returns the words of a description that look like a marker. A service
// belongs to a function when its marker is among them, and to another when it has one
// and it is not that.
func markers(description string) []string {
	var out []string
	for _, word := range strings.Fields(description) {
		if strings.HasPrefix(word, markerPrefix) && strings.Count(word, "/") == 2 {
			out = append(out, word)
		}
	}
	return out
}

// serviceName is the function's name without what PagerDuty refuses in one: \ / & < >
// and anything that cannot be printed. Dots are in no function's name, so that names
// differ where functions do.
func serviceName(name function.Name) string {
	return "hadron: " + strings.ReplaceAll(string(name), "/", ".")
}

// otherName is for when somebody else has the plain one.
func otherName(installation string, name function.Name) string {
	return serviceName(name) + " " + digest(installation, string(name))[:8]
}

// description ends with the marker. The author's text cannot pass for one.
func (c Config) description(f *function.Function) string {
	var lines []string
	head := "Function " + string(f.Name) + " on Hadron."
	if text := oneLine(f.Spec.Description, maxDescription); text != "" {
		head += " " + strings.ReplaceAll(text, markerPrefix, "hadron ")
	}
	lines = append(lines, head)
	if c.ExternalURL != "" {
		lines = append(lines, strings.TrimSuffix(c.ExternalURL, "/")+"/f/"+string(f.Name))
	}
	lines = append(lines, "Made and kept by Hadron; what is below says so.", marker(c.Installation, f.Name))
	return strings.Join(lines, "\n")
}

// desired is what a function's service should be.
type desired struct {
	name        string // when it is made; it can be changed in PagerDuty
	description string
	policy      policy
	pinned      bool // the manifest, project or team names the policy
	hash        string
}

func (c Config) desired(f *function.Function, p policy) desired {
	d := desired{
		name: serviceName(f.Name), description: c.description(f),
		policy: p, pinned: f.Spec.Alerts.EscalationPolicy != "",
	}
	if c.Policy != nil && !d.pinned {
		own, _ := c.Policy(f.Name)
		d.pinned = own != ""
	}
	d.hash = digest("1", d.description, p.id)
	return d
}

// create is the request that makes the service. Incidents end when Hadron says so, and
// come back when they were acknowledged and forgotten; tickets do not wake anybody,
// where the plan allows that.
func (d desired) create(name string, bySeverity bool) pd.Service {
	never, halfHour := uint(0), uint(1800)
	s := pd.Service{
		APIObject: pd.APIObject{Type: "service"}, Name: name, Description: d.description, Status: "active",
		AutoResolveTimeout: &never, AcknowledgementTimeout: &halfHour, EscalationPolicy: d.policy.reference(),
	}
	if bySeverity {
		s.IncidentUrgencyRule = &pd.IncidentUrgencyRule{Type: "constant", Urgency: "severity_based"}
	}
	return s
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
