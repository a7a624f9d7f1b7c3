package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type rolloutsCommand struct {
	List    rolloutListCommand    `cmd:"" default:"withargs" help:"List deployments, newest first."`
	Show    rolloutShowCommand    `cmd:"" help:"Show a deployment with its events."`
	Follow  rolloutFollowCommand  `cmd:"" help:"Print a deployment's events until it ends."`
	Pause   rolloutPauseCommand   `cmd:"" help:"Keep a deployment at its step; a worse version is still rolled back."`
	Resume  rolloutResumeCommand  `cmd:"" help:"Let a paused deployment go on."`
	Promote rolloutPromoteCommand `cmd:"" help:"Take a deployment to its next step, whatever its analysis says."`
	Abort   rolloutAbortCommand   `cmd:"" help:"End a deployment; its traffic goes back to the old version."`
}

type rolloutListCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: all."`
	Active   bool   `help:"Only those that have not ended."`
	Limit    int    `default:"20" help:"At most so many."`
}

func (c *rolloutListCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	list, err := api.Rollouts(ctx, c.Function, c.Active, client.Page{Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, list)
	}
	if len(list.Items) == 0 {
		_, err = fmt.Fprintln(std.Out, "no deployments; hadron deploy --strategy canary begins one")
		return err
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "ID\tFUNCTION\tVERSION\tSTRATEGY\tSTATE\tSTEP\tBEGAN\tREASON")
	for _, d := range list.Items {
		if r := d.Rollout; r != nil {
			fmt.Fprintf(tw, "%d\t%s@%s\t@%d → @%d\t%s\t%s\t%s\t%s\t%s\n",
				r.ID, r.Function, r.Alias, r.From, r.To, r.Strategy, r.State, stepText(r), ago(r.StartedAt, r.Author), plain(r.Reason))
		}
	}
	return tw.Flush()
}

func stepText(r *wire.Rollout) string {
	if len(r.Steps) == 0 || r.Step == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d", r.Step, len(r.Steps))
}

// deploymentArg is what the verbs about one deployment share.
type deploymentArg struct {
	server `embed:""`
	ID     int64 `arg:"" help:"The deployment's id; hadron rollouts list has them."`
}

// run does one call about the deployment and shows what came of it.
func (c *deploymentArg) run(std stdio, call func(api *client.Client) (wire.Deployment, error)) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	d, err := call(api)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, d)
	}
	if d.Rollout == nil {
		for _, e := range d.Events {
			printEvent(std.Out, e)
		}
		return nil
	}
	_, err = fmt.Fprintf(std.Out, "deployment %d: %s is %s: %s\n", d.ID, d.Function, d.Rollout.State, plain(d.Rollout.Reason))
	return err
}

type rolloutShowCommand struct {
	deploymentArg `embed:""`
}

func (c *rolloutShowCommand) Run(ctx context.Context, std stdio) error {
	return c.run(std, func(api *client.Client) (wire.Deployment, error) {
		d, err := api.Deployment(ctx, c.ID)
		if err == nil && !c.JSON && d.Rollout != nil {
			printRollout(std.Out, d)
		}
		return d, err
	})
}

func printRollout(w io.Writer, d wire.Deployment) {
	r := d.Rollout
	fmt.Fprintf(w, "%s@%s   @%d → @%d   %s %s, each at least %s, by %s\n",
		r.Function, r.Alias, r.From, r.To, r.Strategy, percents(r.Steps), time.Duration(r.Interval*float64(time.Second)), r.Author)
	for _, e := range d.Events {
		printEvent(w, e)
	}
	if a := r.Analysis; a != nil {
		fmt.Fprintf(w, "  analysis: %s: %s\n", a.Verdict, plain(a.Reason))
		for _, f := range a.Findings {
			fmt.Fprintf(w, "    %-12s %s\n", f.Verdict, plain(f.Text))
		}
	}
}

func percents(steps []int) string {
	var parts []string
	for _, s := range steps {
		parts = append(parts, fmt.Sprintf("%d %%", s))
	}
	return strings.Join(parts, ", ")
}

func printEvent(w io.Writer, e wire.DeploymentEvent) {
	fmt.Fprintf(w, "  %s  %-8s %s\n", e.Time.Local().Format(time.TimeOnly), e.Kind, plain(e.Text))
}

type rolloutFollowCommand struct {
	deploymentArg `embed:""`
}

func (c *rolloutFollowCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	show := std.Out
	if c.JSON {
		show = io.Discard
	}
	d, err := follow(ctx, api, c.ID, show)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(std, d); err != nil {
			return err
		}
	}
	return ended(d)
}

type rolloutPauseCommand struct {
	deploymentArg `embed:""`
}

func (c *rolloutPauseCommand) Run(ctx context.Context, std stdio) error {
	return c.run(std, func(api *client.Client) (wire.Deployment, error) { return api.Pause(ctx, c.ID) })
}

type rolloutResumeCommand struct {
	deploymentArg `embed:""`
}

func (c *rolloutResumeCommand) Run(ctx context.Context, std stdio) error {
	return c.run(std, func(api *client.Client) (wire.Deployment, error) { return api.Resume(ctx, c.ID) })
}

type rolloutPromoteCommand struct {
	deploymentArg `embed:""`
	Full          bool `help:"All the way, not only to the next step."`
}

func (c *rolloutPromoteCommand) Run(ctx context.Context, std stdio) error {
	return c.run(std, func(api *client.Client) (wire.Deployment, error) { return api.Promote(ctx, c.ID, c.Full) })
}

type rolloutAbortCommand struct {
	deploymentArg `embed:""`
	Reason        string `short:"m" help:"Why, for the people who read the history."`
}

func (c *rolloutAbortCommand) Run(ctx context.Context, std stdio) error {
	return c.run(std, func(api *client.Client) (wire.Deployment, error) { return api.Abort(ctx, c.ID, c.Reason) })
}

// followPace is between looks at a deployment that is followed.
const (
	followPace  = 500 * time.Millisecond
	followTries = 20 // looks in a row that no server answers, such as over its restart
)

// follow prints a deployment's events as they come, until it ends or waits for somebody.
func follow(ctx context.Context, api *client.Client, id int64, w io.Writer) (wire.Deployment, error) {
	shown, failures := 0, 0
	for {
		d, err := api.Deployment(ctx, id)
		var gone *client.Unreachable
		switch {
		case errors.As(err, &gone) && failures < followTries:
			failures++
		case err != nil:
			return d, err
		default:
			failures = 0
			for _, e := range d.Events[min(shown, len(d.Events)):] {
				printEvent(w, e)
			}
			shown = len(d.Events)
			if d.Rollout == nil || !d.Rollout.Active || d.Rollout.State == wire.RolloutPaused {
				return d, nil
			}
		}
		select {
		case <-ctx.Done():
			return d, context.Cause(ctx)
		case <-time.After(followPace):
		}
	}
}

// rolledBack is a deployment that did not come to its end.
type rolledBack struct{ rollout *wire.Rollout }

func (e *rolledBack) Error() string {
	return fmt.Sprintf("deployment %d of %s@%d is %s: %s", e.rollout.ID, e.rollout.Function, e.rollout.To, e.rollout.State, plain(e.rollout.Reason))
}

// ended is the error of a deployment whose version does not have the traffic.
func ended(d wire.Deployment) error {
	r := d.Rollout
	switch {
	case r == nil || r.State == wire.RolloutCompleted || r.Active: // a paused one waits for somebody
		return nil
	}
	return &rolledBack{r}
}
