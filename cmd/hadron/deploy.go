package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type deployCommand struct {
	server  `embed:""`
	Path    string `arg:"" optional:"" default:"." help:"Folder of the function (with hadron.yaml), or its one file."`
	Name    string `help:"team/project/name; default: the name in hadron.yaml."`
	Alias   string `default:"live" help:"Alias to point at the new version; empty for none."`
	Message string `short:"m" help:"What changed, for the people who read the history."`

	Strategy string `help:"all-at-once, canary, blue-green or manual. Default: what hadron.yaml says, else at once." placeholder:"NAME"`
	Steps    string `help:"Percent of the traffic at each step, such as 5,25,50." placeholder:"LIST"`
	Interval string `help:"The least that a step lasts, such as 2m." placeholder:"DURATION"`
	NoWait   bool   `help:"Do not wait for the end of the deployment."`
	Override string `help:"Why a freeze of the team does not hold; admins only, recorded." placeholder:"REASON"`
}

// deployed is the receipt with --json.
type deployed struct {
	wire.Registered
	Bundle bundled `json:"bundle"`
	Took   float64 `json:"tookSeconds"`
	// Backtest is what changed objectives would have done of late; nil where none changed,
	// nothing is known, or it took too long.
	Backtest *wire.Backtest `json:"backtest,omitempty"`
}

type bundled struct {
	Entry   string  `json:"entry"`
	Modules int     `json:"modules"`
	Bytes   int     `json:"bytes"`
	Took    float64 `json:"tookSeconds"`
}

// receiptWait is how long deploy waits for what is generated to be ready, before
// it prints how far things are.
const receiptWait = 2 * time.Second

func (c *deployCommand) Run(ctx context.Context, std stdio) error {
	start := time.Now()
	api, err := c.client()
	if err != nil {
		return err
	}
	p, err := project.Load(c.Path)
	if err != nil {
		return err
	}
	name, err := c.name(p)
	if err != nil {
		return err
	}
	asked, err := c.delivery()
	if err != nil {
		return err
	}
	upload, err := p.Bundle(ctx)
	if err != nil {
		return &hint{err, c.unchanged(ctx, api, name)}
	}
	bundleTook := time.Since(start)

	got, err := api.Register(ctx, string(name), c.Alias, wire.Register{
		Source: upload.Source, SourceMap: upload.SourceMap, Manifest: p.ManifestJSON, Message: c.Message,
		Delivery: asked, Origin: originOf(ctx, c.Path),
	})
	if err != nil {
		var refused *client.Problem
		if errors.As(err, &refused) && refused.Status < 500 {
			return &hint{err, c.unchanged(ctx, api, name)}
		}
		return err
	}
	got.Operability = awaitOperable(ctx, api, name, got.Operability)
	receipt := deployed{
		Registered: got,
		Bundle:     bundled{Entry: p.Manifest.Entry, Modules: upload.Modules, Bytes: upload.Bytes, Took: bundleTook.Seconds()},
		Took:       time.Since(start).Seconds(),
	}
	receipt.Backtest = tried(ctx, api, got)
	if !c.JSON {
		for _, w := range upload.Warnings {
			fmt.Fprintf(std.Err, "! %s\n", w)
		}
		printReceipt(std.Out, p.Manifest, receipt)
	}
	return c.await(ctx, std, api, receipt)
}

// await follows the deployment that brings the version to its traffic, if there is one.
func (c *deployCommand) await(ctx context.Context, std stdio, api *client.Client, receipt deployed) error {
	var failed error
	if r := receipt.Rollout; r != nil && !c.NoWait {
		show := std.Out
		if c.JSON {
			show = io.Discard
		}
		d, err := follow(ctx, api, r.ID, show)
		if err != nil {
			return &hint{err, fmt.Sprintf("The deployment goes on without you: hadron rollouts follow %d", r.ID)}
		}
		receipt.Rollout, failed = d.Rollout, ended(d)
		receipt.Live = d.Rollout != nil && d.Rollout.State == wire.RolloutCompleted && d.Rollout.Alias == function.Live
		if !c.JSON && d.Rollout.State == wire.RolloutPaused {
			fmt.Fprintf(std.Out, "It waits: hadron rollouts promote %d, or hadron rollouts abort %d\n", r.ID, r.ID)
		}
	} else if r != nil && !c.JSON {
		fmt.Fprintf(std.Out, "Deployment %d has begun; follow it with: hadron rollouts follow %d\n", r.ID, r.ID)
	}
	if c.JSON {
		if err := printJSON(std, receipt); err != nil {
			return err
		}
	}
	return failed
}

// delivery is what the flags ask for beside hadron.yaml; nil: nothing.
func (c *deployCommand) delivery() (*wire.Delivery, error) {
	if c.Strategy == "" && c.Steps == "" && c.Interval == "" && c.Override == "" {
		return nil, nil
	}
	d := &wire.Delivery{Strategy: c.Strategy, Interval: c.Interval, Override: c.Override}
	if c.Steps != "" {
		var err error
		if d.Steps, err = function.ParseSteps(c.Steps); err != nil {
			return nil, &usageError{err.Error()}
		}
	}
	return d, nil
}

func (c *deployCommand) name(p *project.Project) (function.Name, error) {
	name := c.Name
	if name == "" {
		name = p.Manifest.Name
	}
	if name == "" {
		return "", &usageError{`this function has no name: write "name: team/project/name" into hadron.yaml, or give --name`}
	}
	parsed, err := function.ParseName(name)
	if err != nil {
		return "", &usageError{err.Error()}
	}
	return parsed, nil
}

// unchanged says what is live after a refused deploy.
func (c *deployCommand) unchanged(ctx context.Context, api *client.Client, name function.Name) string {
	ctx, cancel := context.WithTimeout(ctx, receiptWait)
	defer cancel()
	f, err := api.Function(ctx, string(name))
	if err != nil || f.Live == nil {
		return "Nothing was deployed."
	}
	return fmt.Sprintf("Nothing was deployed; %s is still live.", weights(f.Live.Weights))
}

func weights(ws []wire.Weight) string {
	var parts []string
	sum := 0
	for _, w := range ws {
		sum += w.Weight
	}
	for _, w := range ws {
		switch {
		case w.Weight == sum:
			return fmt.Sprintf("@%d", w.Version)
		case w.Weight > 0:
			parts = append(parts, fmt.Sprintf("@%d %.4g %%", w.Version, 100*float64(w.Weight)/float64(sum)))
		}
	}
	return strings.Join(parts, " · ")
}

func awaitOperable(ctx context.Context, api *client.Client, name function.Name, op wire.Operability) wire.Operability {
	ctx, cancel := context.WithTimeout(ctx, receiptWait)
	defer cancel()
	for op.Dashboard.State == wire.Pending || op.PagerDuty.State == wire.Pending {
		select {
		case <-ctx.Done():
			return op
		case <-time.After(50 * time.Millisecond):
		}
		now, err := api.Operability(ctx, string(name))
		if err != nil {
			return op
		}
		op = now
	}
	return op
}

func printReceipt(w io.Writer, m function.Manifest, d deployed) {
	line := func(key, value, note string) { fmt.Fprintf(w, "  %-9s %-45s %s\n", key, value, note) }
	modules := m.Entry
	if d.Bundle.Modules > 1 {
		modules += fmt.Sprintf(" + %d modules", d.Bundle.Modules-1)
	}
	line("bundled", modules, fmt.Sprintf("%.1f kB  (%d ms)", float64(d.Bundle.Bytes)/1000, int(d.Bundle.Took*1000)))
	note := clipDigest(d.Digest)
	switch {
	case !d.Created:
		note += "  nothing new: registered before"
	case d.Previous > 0:
		note += fmt.Sprintf("  was @%d", d.Previous)
	}
	line("version", fmt.Sprintf("%s@%d", d.Function, d.Version), note)
	if d.Live {
		line("live at", d.URL, "")
	} else {
		line("callable", fmt.Sprintf("%s@%d", d.URL, d.Version), "")
	}
	fmt.Fprintln(w, "  watched by")
	printOperability(w, d.Operability)
	if d.Backtest != nil {
		fmt.Fprintf(w, "    %-11s %s\n", "objectives", fmt.Sprintf("changed; in the last 7 days they would have paged %s, with %s: hadron alerts backtest",
			counted(d.Backtest.Pages, "time", "times"), counted(d.Backtest.Tickets, "ticket", "tickets")))
	}
	if m.Runbook == "" {
		fmt.Fprintln(w, "  note: no runbook in hadron.yaml; a page could say what to do.   docs/manifest.md#runbook")
	}
	if d.Live && d.Previous > 0 && d.Created {
		fmt.Fprintf(w, "Operable in %.1f s.   Roll back with: hadron rollback %s\n", d.Took, d.Function)
		return
	}
	fmt.Fprintf(w, "Operable in %.1f s.\n", d.Took)
}

func clipDigest(digest string) string {
	const shown = len("sha256:") + 6
	if len(digest) <= shown {
		return digest
	}
	return digest[:shown] + "…"
}

func printOperability(w io.Writer, op wire.Operability) {
	line := func(key, value string, state wire.State, problem string) {
		text := string(state)
		if state == wire.Disabled {
			text = "" // the value says it in words
		}
		if problem != "" {
			text += ": " + problem
		}
		if state == wire.Failed || state == wire.Pending {
			text += " (Hadron goes on trying)"
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("    %-11s %-42s  %s", key, value, text), " "))
	}
	if op.Dashboard.State != "" {
		line("dashboard", op.Dashboard.URL, op.Dashboard.State, op.Dashboard.Error)
	}
	if op.PagerDuty.State != "" {
		line("pages", pagerDutyText(op.PagerDuty), op.PagerDuty.State, op.PagerDuty.Error)
	}
	if len(op.SLO.Objectives) > 0 {
		fmt.Fprintf(w, "    %-11s %s\n", "objectives", objectivesText(op.SLO))
	}
	if len(op.Alerts) > 0 {
		fmt.Fprintf(w, "    %-11s %s\n", "alerts", alertsText(op.Alerts))
	}
}

func pagerDutyText(p wire.PagerDuty) string {
	if p.State == wire.Disabled {
		return "PagerDuty is not configured: nobody is paged"
	}
	if p.EscalationPolicy == "" {
		return "PagerDuty service"
	}
	return "PagerDuty service → escalation: " + p.EscalationPolicy
}

func objectivesText(s wire.SLO) string {
	var parts []string
	for _, o := range s.Objectives {
		share := fmt.Sprintf("%.6g %%", o.Ratio*100)
		if o.Threshold == 0 {
			parts = append(parts, share+" without error")
		} else {
			parts = append(parts, fmt.Sprintf("%s under %s", share, time.Duration(o.Threshold*float64(time.Second))))
		}
	}
	return strings.Join(parts, ", ") + ", over " + s.Window
}

func alertsText(alerts []wire.Alert) string {
	pages, tickets := 0, 0
	slos := map[string]bool{}
	for _, a := range alerts {
		if a.SLO != "" {
			slos[a.SLO] = true
		}
		if a.Class == "page" {
			pages++
		} else {
			tickets++
		}
	}
	return fmt.Sprintf("%d that page, %d that open a ticket, on %d objectives", pages, tickets, len(slos))
}
