package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"hadron/ui/wire"
)

type dashboardsCommand struct {
	Status  dashboardsStatusCommand  `cmd:"" default:"withargs" help:"Show how far all dashboards are, and which failed or were changed by hand."`
	Plan    dashboardsPlanCommand    `cmd:"" help:"Show what the next pass would do; nothing is done."`
	Apply   dashboardsApplyCommand   `cmd:"" help:"Begin a pass now and follow it."`
	Preview dashboardsPreviewCommand `cmd:"" help:"Try an extension's YAML on a function's dashboard; nothing is kept."`
	Render  dashboardsRenderCommand  `cmd:"" help:"Write dashboards as files for others: Grafana, its provisioning, Kubernetes, Perses."`
}

type dashboardsStatusCommand struct {
	server `embed:""`
}

func (c *dashboardsStatusCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	d, err := api.Dashboards(ctx)
	if err != nil {
		return err
	}
	return answered(std, c.JSON, d, printDashboards)
}

func printDashboards(std stdio, d wire.Dashboards) error {
	fmt.Fprintf(std.Out, "%d dashboards in %s: %s\n", d.Total, d.Target, countsOf(d))
	if d.Error != "" {
		fmt.Fprintf(std.Out, "the last pass failed: %s\n", d.Error)
	}
	if d.Held > 0 {
		fmt.Fprintf(std.Out, "%d would be deleted, more than is done unasked. See hadron dashboards plan, then: hadron dashboards apply --confirm-deletes %d\n", d.Held, d.Held)
	}
	for _, problem := range d.Problems {
		fmt.Fprintf(std.Out, "extension left out: %s\n", problem)
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	for _, s := range d.Items {
		note := s.Error
		if s.Drift != nil {
			note = driftOf(*s.Drift)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", s.State, cmp.Or(s.Function, s.Title), s.URL, note)
	}
	return tw.Flush()
}

func countsOf(d wire.Dashboards) string {
	parts := []string{fmt.Sprintf("%d ready", d.Ready)}
	for _, p := range []struct {
		n    int
		word string
	}{{d.Pending, "on their way"}, {d.Failed, "failed"}, {d.Drifted, "changed by hand"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return strings.Join(parts, ", ")
}

// driftOf says in words what became of a change by hand.
func driftOf(d wire.DashboardDrift) string {
	text := map[string]string{
		"overwrite": "was changed by hand and restored; Grafana's history has the change as version %d",
		"keep":      "is kept as it was changed by hand in version %d; hadron dashboards apply --overwrite restores it",
		"fork":      "was changed by hand in version %d and restored",
	}[d.Policy]
	text = fmt.Sprintf(text, d.Version)
	if d.By != "" {
		text += ", by " + d.By
	}
	if d.CopyURL != "" {
		text += "; the change is kept at " + d.CopyURL
	}
	return text
}

type dashboardsPlanCommand struct {
	server `embed:""`
}

func (c *dashboardsPlanCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	plan, err := api.PlanDashboards(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, plan)
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	for _, a := range plan.Actions {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", signOf(a.Do), a.Do, a.What, a.Title, a.Why)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if plan.Held {
		fmt.Fprintln(std.Out, "The deletions are more than is done unasked: they wait for hadron dashboards apply --confirm-deletes.")
	}
	if plan.Unread > 0 {
		fmt.Fprintf(std.Out, "Of %d more nothing is known yet; a pass reads them.\n", plan.Unread)
	}
	_, err = fmt.Fprintf(std.Out, "%d to do, %d as they should be\n", len(plan.Actions), plan.Unchanged)
	return err
}

func signOf(do string) string {
	switch do {
	case "create":
		return "+"
	case "delete":
		return "-"
	case "read", "keep":
		return " "
	}
	return "~"
}

type dashboardsApplyCommand struct {
	server         `embed:""`
	ConfirmDeletes int           `help:"Delete as many dashboards as the plan asks about." placeholder:"N"`
	Overwrite      []string      `help:"Restore the dashboard of this function, though changes by hand are kept." placeholder:"NAME"`
	Timeout        time.Duration `default:"10m" help:"How long to follow it."`
}

func (c *dashboardsApplyCommand) Run(ctx context.Context, std stdio) error {
	if c.ConfirmDeletes < 0 {
		return &usageError{"--confirm-deletes is a number of dashboards"}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	before, err := api.Dashboards(ctx)
	if err != nil {
		return err
	}
	now, err := api.ApplyDashboards(ctx, wire.ApplyDashboards{ConfirmDeletes: c.ConfirmDeletes, Overwrite: c.Overwrite})
	if err != nil {
		return err
	}
	now, err = followed(ctx, c.Timeout, "hadron dashboards", now, api.Dashboards, func(d wire.Dashboards) (string, bool) {
		return fmt.Sprintf("%d dashboards: %s", d.Total, countsOf(d)), !d.Running && later(d.LastPass, before.LastPass)
	}, shower(std, c.JSON))
	if err != nil {
		return err
	}
	return answered(std, c.JSON, now, printDashboards)
}

type dashboardsPreviewCommand struct {
	server   `embed:""`
	File     string `arg:"" help:"The extension's YAML." type:"existingfile"`
	Function string `required:"" help:"team/project/name of the function whose dashboard it is tried on."`
	Grafana  bool   `help:"Print Grafana's JSON of the dashboard."`
}

func (c *dashboardsPreviewCommand) Run(ctx context.Context, std stdio) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	preview, err := api.PreviewDashboard(ctx, c.Function, wire.PreviewDashboard{Extension: string(text)})
	if err != nil {
		return err
	}
	switch {
	case c.Grafana:
		var indented bytes.Buffer
		if err := json.Indent(&indented, preview.Grafana, "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(std.Out, indented.String())
		return err
	case c.JSON:
		return printJSON(std, preview)
	}
	if len(preview.Added) == 0 {
		_, err = fmt.Fprintf(std.Out, "It is right, and changes nothing on the dashboard of %s.\n", c.Function)
		return err
	}
	fmt.Fprintf(std.Out, "On the dashboard of %s:\n", c.Function)
	for _, line := range preview.Added {
		fmt.Fprintf(std.Out, "  + %s\n", line)
	}
	_, err = fmt.Fprintln(std.Out, "Put the file into the folder of dashboards.extensions to keep it.")
	return err
}
