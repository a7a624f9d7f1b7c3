package function

import (
	"bytes"
	_ "embed" // the published schema
	"encoding/json"
	"fmt"
	"reflect"
)

// ManifestSchema is the published JSON Schema (draft 2020-12) of hadron.yaml. A
// test holds it to what ParseManifest takes.
//
//go:embed manifest.schema.json
var ManifestSchema []byte

// Manifest is what an author says of a function beside its code. Every field has
// a default, so the empty manifest is ready for production.
type Manifest struct {
	Name              string            `json:"name,omitempty"`
	Entry             string            `json:"entry,omitempty"`
	Description       string            `json:"description,omitempty"`
	Owner             string            `json:"owner,omitempty"`
	Runbook           string            `json:"runbook,omitempty"`
	Limits            Limits            `json:"limits,omitzero"`
	Env               map[string]string `json:"env,omitempty"`
	Secrets           []string          `json:"secrets,omitempty"`
	Fetch             Fetch             `json:"fetch,omitzero"`
	SLO               SLO               `json:"slo,omitzero"`
	Alerts            Alerts            `json:"alerts,omitzero"`
	Access            string            `json:"access,omitempty"`      // private, team or public
	Isolation         string            `json:"isolation,omitempty"`   // version or request
	UnsafeEval        bool              `json:"unsafe_eval,omitempty"` // eval and new Function make code from text
	CompatibilityDate string            `json:"compatibility_date,omitempty"`
	Schedules         []Schedule        `json:"schedules,omitempty"`
	Delivery          Delivery          `json:"delivery,omitzero"`
}

// Fetch opens addresses for outgoing requests, within what the operator allows.
type Fetch struct {
	Allow []string `json:"allow,omitempty"` // host, host:port, address or CIDR
}

// Alerts says who is paged.
type Alerts struct {
	EscalationPolicy string `json:"escalationPolicy,omitempty"` // PagerDuty id or name
	Disabled         bool   `json:"disabled,omitempty"`
}

// Schedule calls the function's scheduled handler.
type Schedule struct {
	Cron string `json:"cron"`
}

// Access says who may call a function.
const (
	AccessPrivate = "private" // who may call functions there: invokers, deployers, admins
	AccessTeam    = "team"    // whoever was granted anything there, viewers too, and the team's other functions
	AccessPublic  = "public"  // anyone, without a token
)

// Isolation says how long the state of a function's module lives.
const (
	IsolationVersion = "version" // as long as its VM, which serves many calls
	IsolationRequest = "request" // one call: a fresh VM each
)

// DefaultManifest is what an empty manifest means.
func DefaultManifest() Manifest {
	return Manifest{
		Entry:     "index.ts",
		Limits:    DefaultLimits(),
		SLO:       DefaultSLO(),
		Access:    AccessTeam,
		Isolation: IsolationVersion,
	}
}

// ManifestError names the key that is wrong and what it should be.
type ManifestError struct {
	Key     string // such as "slo.latency[0].quantile"; empty for the whole
	Problem string
}

func (e *ManifestError) Error() string {
	if e.Key == "" {
		return "manifest: " + e.Problem
	}
	return "manifest: " + e.Key + ": " + e.Problem
}

func badKey(key, format string, args ...any) error {
	return &ManifestError{Key: key, Problem: fmt.Sprintf(format, args...)}
}

// ParseManifest reads a manifest's JSON, fills in defaults and checks it. Empty
// input and null are the empty manifest. Its error is a *ManifestError.
func ParseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if len(data) > MaxManifestBytes {
		return Manifest{}, badKey("", "holds %d bytes; at most %d are taken", len(data), MaxManifestBytes)
	}
	if text := bytes.TrimSpace(data); len(text) > 0 && !bytes.Equal(text, []byte("null")) {
		if err := checkShape(data, reflect.TypeFor[Manifest]()); err != nil {
			return Manifest{}, err
		}
		if err := json.Unmarshal(data, &m); err != nil {
			return Manifest{}, badKey("", "%v", err)
		}
	}
	m = m.withDefaults()
	if err := m.validate(); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

func (m Manifest) withDefaults() Manifest {
	d := DefaultManifest()
	fill(&m.Entry, d.Entry)
	fill(&m.Access, d.Access)
	fill(&m.Isolation, d.Isolation)
	m.Limits = m.Limits.or(d.Limits)
	m.SLO = m.SLO.or(d.SLO)
	// An empty list is no list, but for the objectives, where it says that there are none.
	if len(m.Env) == 0 {
		m.Env = nil
	}
	drop(&m.Secrets)
	drop(&m.Fetch.Allow)
	drop(&m.Schedules)
	drop(&m.Delivery.Steps)
	drop(&m.Delivery.Analysis.Metrics)
	return m
}

func fill[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func drop[T any](list *[]T) {
	if len(*list) == 0 {
		*list = nil
	}
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
