package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type alertTestCommand struct {
	server   `embed:""`
	Function string `arg:"" help:"team/project/name."`
	Class    string `enum:"page,ticket" default:"page" help:"Go the way of a page or of a ticket."`
	NoWait   bool   `help:"Ask for it and do not wait for what comes of it."`
}

// Between looks at a test, and for how long one is looked at: longer than it can last.
const (
	alertTestPoll = 250 * time.Millisecond
	alertTestMost = 10 * time.Minute
)

var errAlertTest = errors.New("the test did not arrive")

func (c *alertTestCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	test, err := api.TestAlerts(ctx, string(name), c.Class)
	if err != nil {
		return err
	}
	if !c.NoWait {
		if !c.JSON {
			fmt.Fprintf(std.Out, "testing how %s is told of, as a %s; it is marked, and ends by itself\n", name, c.Class)
		}
		if test, err = c.wait(ctx, api, test); err != nil {
			return err
		}
	}
	err = answered(std, c.JSON, test, printAlertTest)
	if err == nil && test.State == "failed" {
		err = fmt.Errorf("%w: %s", errAlertTest, plain(test.Why))
	}
	return err
}

func (c *alertTestCommand) wait(ctx context.Context, api *client.Client, test wire.AlertTest) (wire.AlertTest, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, alertTestMost, errAlertTest)
	defer cancel()
	ticker := time.NewTicker(alertTestPoll)
	defer ticker.Stop()
	for test.State != "passed" && test.State != "failed" {
		select {
		case <-ctx.Done():
			return test, fmt.Errorf("the test goes on, and ends by itself: %w", context.Cause(ctx))
		case <-ticker.C:
		}
		next, err := api.AlertTest(ctx, test.Function)
		if err != nil {
			return test, fmt.Errorf("the test goes on, and ends by itself; how it goes is not known: %w", err)
		}
		test = next
	}
	return test, nil
}

// printAlertTest writes a row for each hop, with the time since the one before.
func printAlertTest(std stdio, t wire.AlertTest) error {
	tw := columns(std)
	row := func(hop string, from, to *time.Time, what string) {
		took := "–"
		if from != nil && to != nil {
			took = max(0, to.Sub(*from)).Round(time.Millisecond).String()
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", hop, took, what)
	}
	row("evaluation", &t.AskedAt, t.EvaluatedAt, "until one took it")
	row("alert state", t.EvaluatedAt, t.StoredAt, "firing; incident and messages stored with it")
	for _, one := range t.Targets {
		row("outbox → "+one.Name, t.StoredAt, one.SentAt, "until it was sent")
		what := one.State
		if one.Attempts > 1 {
			what += fmt.Sprintf(" at attempt %d", one.Attempts)
		}
		if one.Error != "" {
			what += ": " + plain(one.Error)
		}
		row(one.Name, one.SentAt, one.AcceptedAt, what)
	}
	row("end", t.StoredAt, t.EndedAt, "it ended by itself")
	var whole *time.Time
	for _, one := range t.Targets {
		row("end → "+one.Name, t.EndedAt, one.ResolvedAt, "until it took the end")
		if one.AcceptedAt != nil && (whole == nil || one.AcceptedAt.After(*whole)) {
			whole = one.AcceptedAt
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	switch t.State {
	case "passed":
		_, err := fmt.Fprintf(std.Out, "✓ everybody was told within %s\n", max(0, whole.Sub(t.AskedAt)).Round(time.Millisecond))
		return err
	case "failed":
		_, err := fmt.Fprintf(std.Out, "✗ %s\n", plain(t.Why))
		return err
	}
	_, err := fmt.Fprintf(std.Out, "it goes on: %s\n", t.State)
	return err
}
