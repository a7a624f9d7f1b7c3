package main

import (
	"context"
	"fmt"
	"time"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// freezeCommands hold a team's deployments.
type freezeCommands struct {
	Freeze   teamFreezeCommand   `cmd:"" help:"Hold a team's deployments until a time; without --until show the freeze."`
	Unfreeze teamUnfreezeCommand `cmd:"" help:"Lift a team's freeze."`
}

type teamFreezeCommand struct {
	server  `embed:""`
	Team    string `arg:"" help:"Name of the team."`
	Silence bool   `help:"Tell nobody of the team's incidents until then either: a freeze and a silence in one step."`
	Until   string `help:"Until when: a time (2026-12-31T08:00:00Z), a day (2026-12-31) or a duration from now (12h)."`
	Reason  string `help:"Why; whoever is refused reads it."`
}

func (c *teamFreezeCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	if c.Until == "" {
		if c.Silence {
			return &usageError{"--silence needs an end: add --until, such as --until 2h"}
		}
		f, err := api.Freeze(ctx, c.Team)
		if err != nil {
			return err
		}
		return printFreeze(std, c.JSON, f)
	}
	until, err := untilTime(c.Until, time.Now())
	if err != nil {
		return err
	}
	if !c.Silence {
		f, err := api.PutFreeze(ctx, c.Team, wire.PutFreeze{Reason: c.Reason, Until: until})
		if err != nil {
			return err
		}
		return printFreeze(std, c.JSON, f)
	}
	f, s, err := freezeAndSilence(ctx, api, c.Team, c.Reason, until)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, struct {
			Freeze  wire.Freeze  `json:"freeze"`
			Silence wire.Silence `json:"silence"`
		}{f, s})
	}
	if err := printFreeze(std, false, f); err != nil {
		return err
	}
	return printSilence(std, s)
}

// freezeAndSilence does both or neither: a silence whose freeze is refused is ended.
func freezeAndSilence(ctx context.Context, api *client.Client, team, reason string, until time.Time) (wire.Freeze, wire.Silence, error) {
	s, err := api.CreateSilence(ctx, wire.CreateSilence{Scope: team, Ends: until, Reason: reason})
	if err != nil {
		return wire.Freeze{}, s, &hint{err, "Nothing was frozen or silenced."}
	}
	f, err := api.PutFreeze(ctx, team, wire.PutFreeze{Reason: reason, Until: until})
	if err == nil {
		return f, s, nil
	}
	if _, failed := api.EndSilence(ctx, s.ID); failed != nil {
		return f, s, &hint{err, fmt.Sprintf("Nothing was frozen, and silence %d stands, for it could not be ended: hadron alerts unsilence %d", s.ID, s.ID)}
	}
	return f, s, &hint{err, "Nothing was frozen or silenced."}
}

func untilTime(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	if at, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return at, nil
	}
	if d, err := function.ParseDuration(text); err == nil {
		return now.Add(time.Duration(d)), nil
	}
	return time.Time{}, &usageError{fmt.Sprintf("--until %q: write a time (2026-12-31T08:00:00Z), a day (2026-12-31) or a duration (12h)", text)}
}

type teamUnfreezeCommand struct {
	server `embed:""`
	Team   string `arg:"" help:"Name of the team."`
}

func (c *teamUnfreezeCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	f, err := api.LiftFreeze(ctx, c.Team)
	if err != nil {
		return err
	}
	return printFreeze(std, c.JSON, f)
}

func printFreeze(std stdio, asJSON bool, f wire.Freeze) error {
	if asJSON {
		return printJSON(std, f)
	}
	text := f.Team + " is not frozen"
	if f.Frozen {
		text = fmt.Sprintf("%s is frozen until %s by %s: %s", f.Team, f.Until.Format(time.RFC3339), f.By, plain(f.Reason))
	}
	_, err := fmt.Fprintln(std.Out, text)
	for _, e := range f.Log {
		fmt.Fprintf(std.Out, "  %s  %-10s %s  %s %s\n", e.Time.Format(time.RFC3339), e.Kind, e.By, e.Function, plain(e.Text))
	}
	return err
}
