package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type alertsCommands struct {
	List      alertListCommand `cmd:"" default:"withargs" help:"List alerts that are not inactive."`
	Incidents incidentsCommand `cmd:"" help:"List open incidents; of a function, those that are over too."`
	Ack       ackCommand       `cmd:"" help:"Say that you have an incident, here and at the pager."`
	Silence   silenceCommand   `cmd:"" help:"Tell nobody of a scope's incidents for a while."`
	Silences  silencesCommand  `cmd:"" help:"List silences and maintenance windows."`
	Unsilence unsilenceCommand `cmd:"" help:"End a silence."`
	Test      alertTestCommand `cmd:"" help:"Send a marked test through the whole path to those who are told, and time each hop."`
	PagerDuty pagerDutyCommand `cmd:"" name:"pagerduty" help:"Show and apply what is kept at PagerDuty."`
	Backtest  backtestCommand  `cmd:"" help:"Replay a function's history and say when its alerts would have fired."`
}

type alertListCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: all."`
}

func (c *alertListCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	list, err := api.Alerts(ctx)
	if err != nil {
		return err
	}
	kept := wire.List[wire.Alert]{Items: []wire.Alert{}}
	for _, a := range list.Items {
		if c.Function == "" || a.Function == c.Function {
			kept.Items = append(kept.Items, a)
		}
	}
	return tabled(std, c.JSON, kept, "no alert is active", []string{"FUNCTION", "OBJECTIVE", "CLASS", "WINDOW", "STATE", "SINCE", "WHY"}, func(a wire.Alert) []string {
		why, since := plain(a.Reason), ""
		if a.Silenced != "" {
			why += " (" + plain(a.Silenced) + ")"
		}
		if a.Since != nil {
			since = a.Since.Local().Format(time.DateTime)
		}
		return []string{a.Function, a.SLO, a.Class, a.Window, a.State, since, why}
	})
}

type incidentsCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: the open ones of all."`
	Ended    bool   `help:"Only those that are over, newest first; of all, or of a team or project as well."`
	Limit    int    `default:"50" help:"At most so many that are over."`
}

func (c *incidentsCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	ask := api.Incidents
	if c.Ended {
		ask = api.EndedIncidents
	}
	list, err := ask(ctx, c.Function, client.Page{Limit: c.Limit})
	if err != nil {
		return err
	}
	none := "no incident is open"
	if c.Ended {
		none = "no incident ended in the last 90 days"
	}
	header := []string{"FUNCTION", "OBJECTIVE", "CLASS", "OPENED", "ENDED", "WHO HAS IT", "TOLD", "WHY"}
	return tabled(std, c.JSON, list, none, header, func(in wire.Incident) []string {
		ended := "open"
		if in.ClosedAt != nil {
			ended = in.ClosedAt.Local().Format(time.DateTime)
		}
		return []string{
			in.Function, in.SLO, in.Class, in.OpenedAt.Local().Format(time.DateTime), ended,
			plain(firstOf(in.AcknowledgedBy, "–")), strings.Join(in.Told, ", "), plain(firstOf(in.Silenced, in.Why)),
		}
	})
}

type ackCommand struct {
	server   `embed:""`
	Function string `arg:"" help:"team/project/name."`
	SLO      string `arg:"" name:"objective" optional:"" help:"availability, latency-p99, …; default: all open incidents of the function."`
	Note     string `short:"m" help:"What you know; others read it here and at the pager."`
}

func (c *ackCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	objectives := []string{c.SLO}
	if c.SLO == "" {
		objectives = nil
		list, err := api.Incidents(ctx, string(name), client.Page{Limit: 1})
		if err != nil {
			return err
		}
		for _, in := range list.Items {
			if in.ClosedAt == nil {
				objectives = append(objectives, in.SLO)
			}
		}
	}
	done := wire.List[wire.Incident]{Items: []wire.Incident{}}
	for _, slo := range objectives {
		in, err := api.Acknowledge(ctx, string(name), slo, c.Note)
		if err != nil {
			return err
		}
		done.Items = append(done.Items, in)
	}
	return answered(std, c.JSON, done, func(std stdio, done wire.List[wire.Incident]) error {
		if len(done.Items) == 0 {
			_, err := fmt.Fprintf(std.Out, "no incident of %s is open\n", name)
			return err
		}
		for _, in := range done.Items {
			if _, err := fmt.Fprintf(std.Out, "✓ %s of %s: %s has it\n", in.SLO, in.Function, plain(in.AcknowledgedBy)); err != nil {
				return err
			}
		}
		return nil
	})
}

type silenceCommand struct {
	server      `embed:""`
	Scope       string `arg:"" optional:"" help:"team, team/project or team/project/name."`
	Everything  bool   `help:"Every function of the installation; takes an admin."`
	SLO         string `name:"slo" help:"One objective only: availability, latency-p99, quarantine."`
	Class       string `enum:",page,ticket" default:"" help:"Pages or tickets only."`
	For         string `help:"How long: 30m, 2h, 1d." placeholder:"TIME"`
	From        string `help:"When it begins: a time or a duration from now; default: now." placeholder:"TIME"`
	Until       string `help:"When it ends: a time, a day or a duration from now." placeholder:"TIME"`
	Maintenance bool   `help:"It is a maintenance window."`
	Reason      string `short:"m" required:"" help:"Why; whoever wonders where the page is reads it."`
}

func (c *silenceCommand) Run(ctx context.Context, std stdio) error {
	body := wire.CreateSilence{Scope: c.Scope, SLO: c.SLO, Class: c.Class, Reason: c.Reason}
	if c.Maintenance {
		body.Kind = "maintenance"
	}
	if (c.Scope == "") != c.Everything {
		return &usageError{"say which team, project or function, or --everything"}
	}
	now := time.Now()
	begin := now
	if c.From != "" {
		at, err := untilTime(c.From, now)
		if err != nil {
			return err
		}
		begin, body.Starts = at, &at
	}
	switch {
	case (c.For == "") == (c.Until == ""):
		return &usageError{"say how long: --for 2h, or --until with a time"}
	case c.For != "":
		d, err := function.ParseDuration(c.For)
		if err != nil {
			return &usageError{fmt.Sprintf("--for %q: write a duration such as 30m, 2h or 1d", c.For)}
		}
		body.Ends = begin.Add(time.Duration(d))
	default:
		at, err := untilTime(c.Until, now)
		if err != nil {
			return err
		}
		body.Ends = at
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	s, err := api.CreateSilence(ctx, body)
	if err != nil {
		return err
	}
	return answered(std, c.JSON, s, printSilence)
}

func printSilence(std stdio, s wire.Silence) error {
	_, err := fmt.Fprintf(std.Out, "✓ silence %d: nobody is told of %s until %s; end it with hadron alerts unsilence %d\n",
		s.ID, silenced(s), s.Ends.Local().Format(time.DateTime), s.ID)
	return err
}

func silenced(s wire.Silence) string {
	text := firstOf(s.Scope, "everything")
	if s.SLO != "" {
		text += " " + s.SLO
	}
	if s.Class != "" {
		text += " " + s.Class + "s"
	}
	return text
}

type silencesCommand struct {
	server `embed:""`
	Over   bool `help:"Those of the last 90 days that are over, too."`
}

func (c *silencesCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	list, err := api.Silences(ctx, c.Over)
	if err != nil {
		return err
	}
	header := []string{"ID", "OF", "KIND", "STATE", "FROM", "UNTIL", "OWNER", "REASON"}
	return tabled(std, c.JSON, list, "nothing is silenced", header, func(s wire.Silence) []string {
		until := s.Ends
		if s.EndedAt != nil {
			until = *s.EndedAt
		}
		return []string{
			strconv.FormatInt(s.ID, 10), silenced(s), s.Kind, s.State, s.Starts.Local().Format(time.DateTime),
			until.Local().Format(time.DateTime), plain(s.Owner), plain(s.Reason),
		}
	})
}

type unsilenceCommand struct {
	server `embed:""`
	ID     int64 `arg:"" help:"Id of the silence: hadron alerts silences lists them."`
}

func (c *unsilenceCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	s, err := api.EndSilence(ctx, c.ID)
	if err != nil {
		return err
	}
	return answered(std, c.JSON, s, func(std stdio, s wire.Silence) error {
		_, err := fmt.Fprintf(std.Out, "✓ silence %d of %s is over\n", s.ID, silenced(s))
		return err
	})
}
