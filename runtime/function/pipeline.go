package function

import (
	_ "embed" // the published schema
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// PipelineSchema is the published JSON Schema (draft 2020-12) of hadron.pipeline.yaml.
// A test holds it to what ParsePipeline takes.
//
//go:embed pipeline.schema.json
var PipelineSchema []byte

// Pipeline is the chain of stages that versions of a function are promoted along.
type Pipeline struct {
	Function string  `json:"function,omitempty"` // team/project/name; empty: the one of the hadron.yaml beside it
	Stages   []Stage `json:"stages"`
}

// Stage is an alias of a server. A version that it points at whole may go on to the
// next stage; the first stage gets its versions from hadron deploy.
type Stage struct {
	Name     string   `json:"name"`
	Server   string   `json:"server,omitempty"`    // address; empty: the command's
	TokenEnv string   `json:"token_env,omitempty"` // name of the environment variable that holds the token
	Alias    string   `json:"alias,omitempty"`
	Strategy string   `json:"strategy,omitempty"` // of the deployment here; empty: the version's own
	Steps    []int    `json:"steps,omitempty"`
	Interval Duration `json:"interval,omitempty"`
	Requires Requires `json:"requires,omitzero"`
	Checks   []Check  `json:"checks,omitempty"`
}

// Requires is what must hold of the stage before, for a version to come to this one.
type Requires struct {
	Soak   Duration `json:"soak,omitempty"`   // how long the version had that stage's alias to itself
	Health string   `json:"health,omitempty"` // HealthyOnly or NotFailing
	Manual bool     `json:"manual,omitempty"` // somebody says yes
}

// Check is a request that the version must answer at a stage: before it gets the
// stage's traffic, and again before it goes on from there.
type Check struct {
	Path     string `json:"path"`
	Status   int    `json:"status,omitempty"`   // 0: any under 400
	Contains string `json:"contains,omitempty"` // text of the answer's body
}

// What Requires.Health may be.
const (
	HealthyOnly = "healthy"
	NotFailing  = "not-failing"
)

// Bounds of a pipeline.
const (
	MaxStages   = 20
	MaxChecks   = 20
	MaxContains = 1024 // bytes
	MaxSoak     = Duration(30 * 24 * time.Hour)
)

// DefaultStage is what a stage's left out keys mean.
func DefaultStage() Stage {
	return Stage{Alias: Live, Requires: Requires{Health: NotFailing}}
}

// ParsePipeline reads a pipeline's JSON, fills in defaults and checks it. Its error is
// a *ManifestError.
func ParsePipeline(data []byte) (Pipeline, error) {
	var p Pipeline
	if len(data) > MaxManifestBytes {
		return Pipeline{}, badKey("", "holds %d bytes; at most %d are taken", len(data), MaxManifestBytes)
	}
	if err := checkShape(data, reflect.TypeFor[Pipeline]()); err != nil {
		return Pipeline{}, err
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return Pipeline{}, badKey("", "%v", err)
	}
	for i := range p.Stages {
		s := &p.Stages[i]
		fill(&s.Alias, DefaultStage().Alias)
		fill(&s.Requires.Health, DefaultStage().Requires.Health)
	}
	if err := p.validate(); err != nil {
		return Pipeline{}, err
	}
	return p, nil
}

func (p Pipeline) validate() error {
	if p.Function != "" {
		if _, err := ParseName(p.Function); err != nil {
			return badKey("function", "%v", err)
		}
	}
	if len(p.Stages) < 2 || len(p.Stages) > MaxStages {
		return badKey("stages", "from 2 to %d: versions go from the first one on", MaxStages)
	}
	names, places := map[string]bool{}, map[string]string{}
	for i, s := range p.Stages {
		at := indexed("stages", i)
		if err := s.validate(at); err != nil {
			return err
		}
		if names[s.Name] {
			return badKey(at+".name", "%q stands there twice", s.Name)
		}
		names[s.Name] = true
		place := strings.TrimRight(s.Server, "/") + "@" + s.Alias
		if other, taken := places[place]; taken {
			return badKey(at+".alias", "the same alias of the same server as stage %q; give it another alias or server", other)
		}
		places[place] = s.Name
	}
	return p.Stages[0].first("stages[0]")
}

// first refuses what would never be looked at: promote brings nothing to the first stage.
func (s Stage) first(at string) error {
	switch {
	case s.Requires != DefaultStage().Requires:
		return badKey(at+".requires", "nothing is promoted to the first stage; write what is required of it into the stage that comes next")
	case s.Strategy != "" || len(s.Steps) > 0 || s.Interval != 0:
		return badKey(at, "nothing is promoted to the first stage, so strategy, steps and interval say nothing here; hadron deploy and hadron.yaml do")
	}
	return nil
}

func (s Stage) validate(at string) error {
	if !ValidPart(s.Name) {
		return badKey(at+".name", "a name such as staging: a lower-case letter, then a-z, 0-9 and -, at most 63")
	}
	if s.Server != "" && !validServer(s.Server) {
		return badKey(at+".server", "a server's address, such as https://hadron.example.com, without a name, a password, ? or #")
	}
	switch {
	case strings.HasPrefix(strings.ToLower(s.TokenEnv), "hdn_"):
		return badKey(at+".token_env", "this looks like a token itself; revoke it if the file was shared, and write the name of an environment variable that holds one, such as STAGING_TOKEN")
	case s.TokenEnv != "" && !envPattern.MatchString(s.TokenEnv):
		return badKey(at+".token_env", "the name of an environment variable that holds the token, such as STAGING_TOKEN")
	case !ValidAlias(s.Alias):
		return badKey(at+".alias", "an alias such as live: a lower-case letter, then a-z, 0-9 and -")
	case s.Requires.Soak > MaxSoak:
		return badKey(at+".requires.soak", "at most %s", MaxSoak)
	case s.Requires.Health != HealthyOnly && s.Requires.Health != NotFailing:
		return badKey(at+".requires.health", "is %s or %s", HealthyOnly, NotFailing)
	case len(s.Checks) > MaxChecks:
		return badKey(at+".checks", "at most %d", MaxChecks)
	}
	if err := (Delivery{Strategy: s.Strategy, Steps: s.Steps, Interval: s.Interval}).validate(); err != nil {
		var bad *ManifestError
		if errors.As(err, &bad) {
			return badKey(at+strings.TrimPrefix(bad.Key, "delivery"), "%s", bad.Problem)
		}
		return err
	}
	for i, c := range s.Checks {
		if err := c.validate(indexed(at+".checks", i)); err != nil {
			return err
		}
	}
	return nil
}

func (c Check) validate(at string) error {
	switch {
	case c.Path == "":
		return badKey(at+".path", `is missing: give the path to ask for, such as "/healthz"`)
	case (Probe{Path: c.Path}).validate() != nil:
		return badKey(at+".path", `a path from its leading slash on, such as "/healthz", at most %d bytes`, maxProbePath)
	case c.Status != 0 && (c.Status < 200 || c.Status > 599):
		return badKey(at+".status", "a status from 200 to 599")
	case len(c.Contains) > MaxContains:
		return badKey(at+".contains", "at most %d bytes", MaxContains)
	}
	return nil
}

func validServer(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil &&
		!strings.ContainsAny(text, "?#") && len(text) <= maxText
}

// Find is the place of a stage by name, -1 where there is none of that name.
func (p Pipeline) Find(stage string) int {
	return slices.IndexFunc(p.Stages, func(s Stage) bool { return s.Name == stage })
}
