package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// stageTimeout bounds the reading of one stage, and each check.
const stageTimeout = 30 * time.Second

// stage is a stage of a pipeline with the client of its server.
type stage struct {
	function.Stage
	name function.Name
	api  *client.Client
}

// stageView is what a stage has now.
type stageView struct {
	Stage   string        `json:"stage"`
	Server  string        `json:"server"`
	Alias   string        `json:"alias"`
	Version int           `json:"version,omitempty"` // 0: none, or several
	Weights []wire.Weight `json:"weights"`
	Digest  string        `json:"digest,omitempty"`
	Author  string        `json:"author,omitempty"`
	Message string        `json:"message,omitempty"`
	Since   *time.Time    `json:"since,omitempty"`   // when the version came to have the alias to itself, or its deployment ended
	Rollout *wire.Rollout `json:"rollout,omitempty"` // under way
	Health  string        `json:"health,omitempty"`
	Reason  string        `json:"reason,omitempty"` // of the health
	Pages   []string      `json:"pages,omitempty"`  // open ones of the function
	Problem string        `json:"problem,omitempty"`

	arriving string       // digest of the version that the rollout brings
	origin   *wire.Origin // the commit that the version came from
}

// text is the version as people call it.
func (v stageView) text() string {
	if len(v.Weights) == 0 {
		return "no version"
	}
	return weights(v.Weights)
}

func notThere(err error) bool {
	switch client.Code(err) {
	case "function_not_found", "alias_not_found", "version_not_found":
		return true
	}
	return false
}

// read looks at a stage. A function or an alias that is not there is an empty view.
func (s stage) read(ctx context.Context) (stageView, error) {
	v := stageView{Stage: s.Name, Server: s.api.URL(), Alias: s.Alias, Weights: []wire.Weight{}}
	ctx, cancel := context.WithTimeoutCause(ctx, stageTimeout, fmt.Errorf("stage %s: no answer from %s within %s", s.Name, s.api.URL(), stageTimeout))
	defer cancel()
	err := s.fill(ctx, &v)
	if err != nil {
		return v, &hint{err, fmt.Sprintf("This is stage %s, %s. Nothing was promoted.", s.Name, s.api.URL())}
	}
	return v, nil
}

func (s stage) fill(ctx context.Context, v *stageView) error {
	name := string(s.name)
	alias, _, err := s.api.Alias(ctx, name, s.Alias)
	if notThere(err) {
		return nil
	}
	if err != nil {
		return err
	}
	v.Weights, v.Since, v.Version = alias.Weights, alias.Since, whole(alias.Weights)
	if v.Version > 0 {
		known, err := s.api.Version(ctx, name, fmt.Sprint(v.Version))
		if err != nil {
			return err
		}
		v.Digest, v.Author, v.Message, v.origin = known.Digest, known.Author, known.Message, known.Origin
	}
	if err := s.rollouts(ctx, v); err != nil {
		return err
	}
	health, err := s.api.Health(ctx, name)
	if err != nil {
		return err
	}
	v.Health, v.Reason = health.State, health.Reason
	alerts, err := s.api.Alerts(ctx)
	if err != nil {
		return err
	}
	for _, a := range alerts.Items {
		if a.Function == name && a.Class == "page" && a.State == "firing" {
			v.Pages = append(v.Pages, a.Name)
		}
	}
	return nil
}

// lastRollouts is how far back the end of a version's deployment is looked for.
const lastRollouts = 20

func (s stage) rollouts(ctx context.Context, v *stageView) error {
	list, err := s.api.Rollouts(ctx, string(s.name), false, client.Page{Limit: lastRollouts})
	if err != nil {
		return err
	}
	seen := false
	for _, d := range list.Items {
		r := d.Rollout
		if r == nil || r.Alias != s.Alias {
			continue
		}
		switch {
		case r.Active:
			v.Rollout = r
			to, err := s.api.Version(ctx, string(s.name), fmt.Sprint(r.To))
			if err != nil {
				return err
			}
			v.arriving = to.Digest
		case !seen && r.To == v.Version && r.EndedAt != nil && r.State == wire.RolloutCompleted:
			if v.Since != nil && r.EndedAt.After(*v.Since) {
				v.Since = r.EndedAt
			}
		}
		seen = true
	}
	return nil
}

// whole is the version that has all of an alias, 0 where several share it.
func whole(ws []wire.Weight) int {
	version := 0
	for _, w := range ws {
		if w.Weight == 0 {
			continue
		}
		if version > 0 {
			return 0
		}
		version = w.Version
	}
	return version
}

// register makes the version known where it goes, under the digest that it has.
func (p *promotion) register(ctx context.Context, out io.Writer) error {
	if p.from.api.URL() == p.to.api.URL() {
		p.Version = p.From.Version
		return nil
	}
	name := p.Function
	known, err := p.to.api.Version(ctx, name, p.From.Digest)
	if err == nil {
		p.Version = known.Version
		return nil
	}
	if !notThere(err) {
		return err
	}
	up, err := p.from.api.Upload(ctx, name, fmt.Sprint(p.From.Version))
	if err != nil {
		return err
	}
	if digest, err := function.Digest(up.Source, up.Manifest); err != nil || digest != p.From.Digest {
		return fmt.Errorf("what %s sent for @%d is not what its digest %s says; nothing was registered", p.from.Name, p.From.Version, p.From.Digest)
	}
	got, err := p.to.api.Register(ctx, name, "", wire.Register{Source: up.Source, SourceMap: up.SourceMap, Manifest: up.Manifest, Message: p.From.Message, Origin: p.From.origin})
	if err != nil {
		return err
	}
	if got.Digest != p.From.Digest {
		return fmt.Errorf("%s has registered @%d with another digest (%s); no alias was pointed at it", p.to.Name, got.Version, got.Digest)
	}
	p.Version, p.Registered = got.Version, got.Created
	fmt.Fprintf(out, "  %-9s %s@%d at %s\n", "registered", name, got.Version, p.to.api.URL())
	return nil
}

// vouch asks the version for the checks of the stage that it goes to, by its number:
// no caller is sent to it yet.
func (p *promotion) vouch(ctx context.Context, out io.Writer) error {
	var bad []string
	for i := range p.Conditions {
		c := &p.Conditions[i]
		if c.State != stateLater {
			continue
		}
		*c = p.to.ask(ctx, *c.check, fmt.Sprint(p.Version))
		printConditions(out, []condition{*c})
		if c.State != stateMet {
			bad = append(bad, c.Text)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	p.Result = resultUnmet
	todo := fmt.Sprintf("%s still has %s.", p.to.Name, p.To.text())
	if len(p.To.Weights) == 0 && p.Registered {
		todo = fmt.Sprintf("It is the first version there, so live points at it all the same: hadron delete %s --yes takes it away.", p.Function)
	}
	return &hint{&coded{exitUnmet, errors.New(strings.Join(bad, "; "))}, todo}
}

// maxChecked bounds how much of an answer is searched, in bytes.
const maxChecked = 1 << 20

// ask does one check of a version, or of an alias.
func (s stage) ask(ctx context.Context, check function.Check, selector string) condition {
	c := condition{Name: "check", Want: checkText(check), Stage: s.Name, State: stateUnmet, check: &check}
	ctx, cancel := context.WithTimeoutCause(ctx, stageTimeout, fmt.Errorf("no answer within %s", stageTimeout))
	defer cancel()
	fail := func(format string, args ...any) condition {
		c.Text = fmt.Sprintf("GET %s at %s ", check.Path, s.Name) + fmt.Sprintf(format, args...)
		return c
	}
	ref, err := function.ParseSelector(s.name, selector)
	if err != nil {
		return fail("cannot be asked for: %v", err)
	}
	res, err := s.api.Invoke(ctx, ref, client.Invocation{Method: http.MethodGet, Path: check.Path})
	if err != nil {
		return fail("was not answered: %s", plain(err.Error()))
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxChecked))
	switch {
	case err != nil:
		return fail("broke off: %s", plain(err.Error()))
	case check.Status != 0 && res.StatusCode != check.Status:
		return fail("answered %d, not %d", res.StatusCode, check.Status)
	case check.Status == 0 && res.StatusCode >= http.StatusBadRequest:
		return fail("answered %d", res.StatusCode)
	case !strings.Contains(string(body), check.Contains):
		return fail("does not hold %q", check.Contains)
	}
	c.State, c.Text = stateMet, fmt.Sprintf("answered %d", res.StatusCode)
	return c
}

func checkText(c function.Check) string {
	text := "GET " + c.Path
	if c.Status != 0 {
		text += fmt.Sprintf(" → %d", c.Status)
	}
	if c.Contains != "" {
		quoted, _ := json.Marshal(c.Contains)
		text += " holds " + string(quoted)
	}
	return text
}

// deploy begins the deployment, or is done where the stage has nothing to compare with.
func (p *promotion) deploy(ctx context.Context, out io.Writer) error {
	s := p.to
	body := wire.Deploy{Version: p.Version, Alias: s.Alias, Message: promotedMessage(p)}
	if s.Strategy != "" || len(s.Steps) > 0 || s.Interval != 0 {
		body.Delivery = &wire.Delivery{Strategy: s.Strategy, Steps: s.Steps}
		if s.Interval != 0 {
			body.Delivery.Interval = s.Interval.String()
		}
	}
	d, err := s.api.Deploy(ctx, p.Function, body)
	if err != nil {
		return &hint{err, fmt.Sprintf("%s still has %s; @%d is registered there.", s.Name, p.To.text(), p.Version)}
	}
	p.Rollout = d.Rollout
	if r := d.Rollout; r != nil {
		fmt.Fprintf(out, "  %-9s %d: %s %s\n", "rollout", r.ID, r.Strategy, percents(r.Steps))
	}
	return nil
}

// maxPromotedMessage keeps a promotion's message within what the index takes, in bytes.
const maxPromotedMessage = 500

func promotedMessage(p *promotion) string {
	text := fmt.Sprintf("promoted from %s@%d", p.from.Name, p.From.Version)
	if p.From.Message != "" {
		text += ": " + p.From.Message
	}
	if len(text) > maxPromotedMessage {
		text = strings.ToValidUTF8(text[:maxPromotedMessage], "") + "…"
	}
	return text
}
