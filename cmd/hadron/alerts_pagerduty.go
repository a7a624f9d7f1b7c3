package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hadron/ui/wire"
)

type pagerDutyCommand struct {
	Status pagerStatusCommand `cmd:"" default:"withargs" help:"Show how far all services at PagerDuty are, and at what rate."`
	Apply  pagerApplyCommand  `cmd:"" help:"Begin a pass now and follow it."`
}

type pagerStatusCommand struct {
	server `embed:""`
}

func (c *pagerStatusCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	s, err := api.PagerServices(ctx)
	if err != nil {
		return err
	}
	return answered(std, c.JSON, s, printPagerServices)
}

func printPagerServices(std stdio, s wire.PagerServices) error {
	if s.State == wire.PartDisabled {
		_, err := fmt.Fprintln(std.Out, s.Error)
		return err
	}
	fmt.Fprintf(std.Out, "%d services, one for each %s: %s\n", s.Total, s.Services, servicesOf(s))
	switch {
	case s.BusinessError != "":
		fmt.Fprintf(std.Out, "business services: %s\n", plain(s.BusinessError))
	case s.Business > 0:
		fmt.Fprintf(std.Out, "%d business services, one for each team\n", s.Business)
	}
	if s.LimitPerMinute > 0 {
		fmt.Fprintf(std.Out, "%d calls in the last minute; PagerDuty allows %d, and has %d left\n", s.CallsPerMinute, s.LimitPerMinute, s.LimitLeft)
	}
	if s.Error != "" {
		fmt.Fprintf(std.Out, "the last pass failed: %s\n", plain(s.Error))
	}
	if s.Held > 0 {
		fmt.Fprintf(std.Out, "%d services would be disabled or deleted, more than is done unasked. If that is right: hadron alerts pagerduty apply --confirm-deletes %d\n", s.Held, s.Held)
	}
	return nil
}

func servicesOf(s wire.PagerServices) string {
	parts := []string{fmt.Sprintf("%d ready", s.Ready)}
	for _, p := range []struct {
		n    int
		word string
	}{{s.Pending, "on their way"}, {s.Failed, "failed"}, {s.Disabled, "disabled"}, {s.Leaving, "that nobody wants any more"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return strings.Join(parts, ", ")
}

type pagerApplyCommand struct {
	server         `embed:""`
	ConfirmDeletes int           `help:"Disable and delete as many services as it asks about." placeholder:"N"`
	Timeout        time.Duration `default:"10m" help:"How long to follow it."`
}

func (c *pagerApplyCommand) Run(ctx context.Context, std stdio) error {
	if c.ConfirmDeletes < 0 {
		return &usageError{"--confirm-deletes is a number of services"}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	before, err := api.PagerServices(ctx)
	if err != nil {
		return err
	}
	now, err := api.ApplyPagerServices(ctx, wire.ApplyPagerServices{ConfirmDeletes: c.ConfirmDeletes})
	if err != nil {
		return err
	}
	now, err = followed(ctx, c.Timeout, "hadron alerts pagerduty", now, api.PagerServices, func(s wire.PagerServices) (string, bool) {
		return fmt.Sprintf("%d services: %s; %d calls in the last minute of %d allowed", s.Total, servicesOf(s), s.CallsPerMinute, s.LimitPerMinute),
			!s.Running && later(s.LastPass, before.LastPass)
	}, shower(std, c.JSON))
	if err != nil {
		return err
	}
	return answered(std, c.JSON, now, printPagerServices)
}
