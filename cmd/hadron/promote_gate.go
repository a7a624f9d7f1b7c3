package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"hadron/runtime/function"
)

// What is known of a condition.
const (
	stateMet   = "met"
	stateUnmet = "unmet"
	stateLater = "later" // it is asked when the version is registered where it goes
)

// condition is one thing that must hold for a promotion.
type condition struct {
	Name  string `json:"name"` // version, soak, health, pages, rollout, freeze, check, manual
	Stage string `json:"stage"`
	Want  string `json:"want"`
	State string `json:"state"`
	Text  string `json:"text"` // what is the case

	check *function.Check
}

// conditions are those that the two stages as they were read decide.
func conditions(from, to stageView, requires function.Requires, now time.Time) []condition {
	var all []condition
	add := func(stage, name, want string, met bool, format string, args ...any) {
		c := condition{Name: name, Stage: stage, Want: want, State: stateUnmet, Text: fmt.Sprintf(format, args...)}
		if met {
			c.State = stateMet
		}
		all = append(all, c)
	}
	switch {
	case len(from.Weights) == 0:
		add(from.Stage, "version", "one, whole", false, "%s has no version; hadron deploy --alias %s brings one there", from.Stage, from.Alias)
		return all
	case from.Version == 0:
		add(from.Stage, "version", "one, whole", false, "several versions share %s: %s", from.Stage, from.text())
	default:
		add(from.Stage, "version", "one, whole", true, "%s has @%d", from.Stage, from.Version)
	}
	if soak := time.Duration(requires.Soak); soak > 0 {
		want := requires.Soak.String()
		switch {
		case from.Version == 0:
			add(from.Stage, "soak", want, false, "soak has not begun: %s is shared", from.Stage)
		case from.Since == nil:
			add(from.Stage, "soak", want, false, "%s does not tell since when @%d has it to itself", from.Stage, from.Version)
		case now.Sub(*from.Since) < soak:
			add(from.Stage, "soak", want, false, "@%d has %s for %s of %s; try again in %s", from.Version, from.Stage,
				rough(now.Sub(*from.Since)), want, rough(soak-now.Sub(*from.Since)))
		default:
			add(from.Stage, "soak", want, true, "@%d has %s for %s", from.Version, from.Stage, rough(now.Sub(*from.Since)))
		}
	}
	healthy := from.Health != "failing"
	if requires.Health == function.HealthyOnly {
		healthy = from.Health == "healthy"
	}
	add(from.Stage, "health", requires.Health, healthy, "%s is %s: %s", from.Stage, from.Health, plain(from.Reason))
	add(from.Stage, "pages", "none open", len(from.Pages) == 0, "%s", pagesText(from))
	for _, v := range []stageView{from, to} {
		if r := v.Rollout; r != nil {
			add(v.Stage, "rollout", "none under way", false, "deployment %d of @%d at %s is %s: %s", r.ID, r.To, v.Stage, r.State, plain(r.Reason))
		} else {
			add(v.Stage, "rollout", "none under way", true, "none at %s", v.Stage)
		}
	}
	if len(to.Weights) > 0 && to.Version == 0 && to.Rollout == nil {
		add(to.Stage, "rollout", "one version", false, "%s is split by hand: %s; point it at one version first", to.Stage, to.text())
	}
	return all
}

func pagesText(v stageView) string {
	if len(v.Pages) == 0 {
		return "none at " + v.Stage
	}
	return fmt.Sprintf("open at %s: %s", v.Stage, strings.Join(v.Pages, ", "))
}

func rough(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return function.Duration(d.Round(time.Second)).String()
}

// judge gathers all conditions, those that must be asked for included.
func (p *promotion) judge(ctx context.Context, yes, mayAsk bool) error {
	p.Conditions = conditions(p.From, p.To, p.to.Requires, time.Now())
	freeze, err := p.to.api.Freeze(ctx, p.to.name.Team())
	if err != nil {
		return &hint{err, fmt.Sprintf("This is stage %s, %s. Nothing was promoted.", p.to.Name, p.to.api.URL())}
	}
	c := condition{Name: "freeze", Stage: p.to.Name, Want: "none", State: stateMet, Text: "none at " + p.to.Name}
	if freeze.Frozen {
		c.State = stateUnmet
		c.Text = fmt.Sprintf("%s is frozen at %s by %s until %s: %s", freeze.Team, p.to.Name, freeze.By, freeze.Until.Format(time.RFC3339), plain(freeze.Reason))
	}
	p.Conditions = append(p.Conditions, c)
	if p.From.Version > 0 {
		for _, check := range p.from.Checks {
			p.Conditions = append(p.Conditions, p.from.ask(ctx, check, fmt.Sprint(p.From.Version)))
		}
	}
	for _, check := range p.to.Checks {
		p.Conditions = append(p.Conditions, condition{
			Name: "check", Stage: p.to.Name, Want: checkText(check), State: stateLater, Text: "when it is there", check: &check,
		})
	}
	if p.to.Requires.Manual {
		m := condition{Name: "manual", Stage: p.to.Name, Want: "a yes", State: stateMet, Text: "--yes"}
		switch {
		case !yes && mayAsk:
			m.Text = "you will be asked"
		case !yes:
			m.State, m.Text = stateUnmet, p.to.Name+" wants somebody to say yes: --yes"
		}
		p.Conditions = append(p.Conditions, m)
	}
	return nil
}

func (p *promotion) unmet() []string {
	var out []string
	for _, c := range p.Conditions {
		if c.State == stateUnmet {
			out = append(out, c.Text)
		}
	}
	return out
}

// agreed asks at the terminal.
func agreed(std stdio, p *promotion) bool {
	fmt.Fprintf(std.Out, "Promote @%d of %s to %s, which has %s? [y/N] ", p.From.Version, p.from.Name, p.to.Name, p.To.text())
	line, err := bufio.NewReader(io.LimitReader(std.In, 64)).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return (err == nil || line != "") && (answer == "y" || answer == "yes")
}

func printHop(w io.Writer, p *promotion) {
	fmt.Fprintf(w, "promote %s   %s → %s\n", p.Function, p.from.Name, p.to.Name)
	note := clipDigest(p.From.Digest)
	if p.From.Author != "" {
		note += "  by " + p.From.Author
	}
	if p.From.Message != "" {
		note += fmt.Sprintf(", %q", plain(p.From.Message))
	}
	fmt.Fprintf(w, "  %-9s %-45s %s\n", "version", fmt.Sprintf("%s of %s", p.From.text(), p.from.Name), note)
	fmt.Fprintf(w, "  %-9s %-45s has %s\n", "to", fmt.Sprintf("%s@%s at %s", p.Function, p.to.Alias, p.to.api.URL()), p.To.text())
}

var signs = map[string]string{stateMet: "✓", stateUnmet: "✗", stateLater: "…"}

func printConditions(w io.Writer, all []condition) {
	for _, c := range all {
		fmt.Fprintf(w, "    %s %-8s %-34s %s\n", signs[c.State], c.Name, c.Want, c.Text)
	}
}

func printPlan(w io.Writer, p *promotion) {
	what := "the version's own strategy"
	if p.to.Strategy != "" {
		what = p.to.Strategy
		if len(p.to.Steps) > 0 {
			what += " " + percents(p.to.Steps)
		}
	}
	if p.from.api.URL() != p.to.api.URL() {
		fmt.Fprintf(w, "Would register %s at %s unless it is there,\n", clipDigest(p.From.Digest), p.to.api.URL())
	}
	fmt.Fprintf(w, "Would bring it to %s by %s. Nothing was done.\n", p.to.Name, what)
}

func printPromoted(w io.Writer, p *promotion) {
	was := "its first version"
	if p.To.Version > 0 {
		was = fmt.Sprintf("was @%d", p.To.Version)
	}
	fmt.Fprintf(w, "Promoted in %.1f s: %s has @%d, %s.", time.Since(p.start).Seconds(), p.to.Name, p.Version, was)
	if p.To.Version > 0 {
		undo := fmt.Sprintf("hadron alias %s@%s %d", p.Function, p.to.Alias, p.To.Version)
		if p.to.Alias == function.Live {
			undo = fmt.Sprintf("hadron rollback %s --to %d", p.Function, p.To.Version)
		}
		fmt.Fprintf(w, "   Roll back with: %s --server %s", undo, p.to.api.URL())
	}
	fmt.Fprintln(w)
}

type promoteStatusCommand struct {
	pipelineFlags `embed:""`
}

func (c *promoteStatusCommand) Run(ctx context.Context, std stdio) error {
	name, stages, err := c.load(std.Getenv)
	if err != nil {
		return err
	}
	views := make([]stageView, 0, len(stages))
	var failed error
	for _, s := range stages {
		v, err := s.read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			v.Problem, failed = plain(err.Error()), err
		}
		views = append(views, v)
	}
	if c.JSON {
		if err := printJSON(std, map[string]any{"function": name, "stages": views}); err != nil {
			return err
		}
		return failed
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "STAGE\tSERVER\tALIAS\tVERSION\tDIGEST\tSINCE\tHEALTH\tNOTE")
	for i, v := range views {
		since, note := "-", v.Problem
		if v.Since != nil {
			since = ago(*v.Since, "")
		}
		switch {
		case note != "":
		case v.Rollout != nil:
			note = fmt.Sprintf("deployment %d of @%d is %s", v.Rollout.ID, v.Rollout.To, v.Rollout.State)
		case i > 0 && v.Digest != "" && v.Digest == views[i-1].Digest:
			note = "the same as " + views[i-1].Stage
		case i > 0 && views[i-1].Digest != "":
			note = views[i-1].Stage + " is ahead or aside: hadron promote --to " + v.Stage
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Stage, v.Server, v.Alias, v.text(), clipDigest(v.Digest), since, v.Health, note)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return failed
}
