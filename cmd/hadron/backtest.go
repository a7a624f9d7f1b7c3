package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hadron/alerting"
	"hadron/cmd/hadron/app"
	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/storage/tsdb"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type backtestCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: that of --manifest, of the file, or of the folder."`
	Since    string `help:"How far back, such as 7d. Default: 7d of a server's history, at most 30d; all of a file." placeholder:"DURATION"`
	Manifest string `help:"hadron.yaml, or its folder, whose objectives are tried. Default: those that the function has." placeholder:"FILE"`
	File     string `help:"OpenMetrics text with the function's hadron_slo_… series, in place of a server's history; - is standard input." placeholder:"FILE"`
	Interval string `help:"With --file: between evaluations. Default 15s; a server has its own." placeholder:"DURATION"`
}

// maxMetrics bounds a file of OpenMetrics.
const maxMetrics = 256 << 20

func (c *backtestCommand) Run(ctx context.Context, std stdio) error {
	var manifest *project.Project
	if c.Manifest != "" {
		var err error
		if manifest, err = project.Load(c.Manifest); err != nil {
			return err
		}
	}
	var since time.Duration
	if c.Since != "" {
		d, err := function.ParseDuration(c.Since)
		if err != nil {
			return &usageError{"--since: " + err.Error()}
		}
		since = time.Duration(d)
	}
	name, err := c.name(manifest)
	if err != nil {
		return err
	}
	var out wire.Backtest
	if c.File != "" {
		out, err = c.ofFile(ctx, std, name, manifest, since)
	} else {
		out, err = c.ofServer(ctx, name, manifest)
	}
	if err != nil {
		return err
	}
	return answered(std, c.JSON, out, printBacktest)
}

// name is the function; empty where the file is to say it.
func (c *backtestCommand) name(manifest *project.Project) (function.Name, error) {
	if c.Function == "" && manifest != nil && manifest.Manifest.Name != "" {
		return function.Name(manifest.Manifest.Name), nil
	}
	if c.Function == "" && c.File != "" {
		return "", nil
	}
	return functionArg(c.Function)
}

func (c *backtestCommand) ofServer(ctx context.Context, name function.Name, manifest *project.Project) (wire.Backtest, error) {
	if c.Interval != "" {
		return wire.Backtest{}, &usageError{"--interval goes with --file; a server has its own"}
	}
	api, err := c.client()
	if err != nil {
		return wire.Backtest{}, err
	}
	ask := wire.AskBacktest{Since: c.Since}
	if manifest != nil {
		if ask.SLO, err = objectivesOf(manifest); err != nil {
			return wire.Backtest{}, err
		}
	}
	out, err := api.Backtest(ctx, string(name), 0, ask)
	if client.Code(err) == "no_history" {
		return out, &hint{err, "Call the function first, or give a file of its metrics with --file."}
	}
	return out, err
}

// objectivesOf is what the author wrote under slo, or {} where that is nothing.
func objectivesOf(p *project.Project) (json.RawMessage, error) {
	var m struct {
		SLO json.RawMessage `json:"slo"`
	}
	if err := json.Unmarshal(p.ManifestJSON, &m); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	if len(m.SLO) == 0 || bytes.Equal(m.SLO, []byte("null")) {
		return json.RawMessage("{}"), nil
	}
	return m.SLO, nil
}

func (c *backtestCommand) ofFile(ctx context.Context, std stdio, name function.Name, manifest *project.Project, since time.Duration) (wire.Backtest, error) {
	trial := app.FileTrial{Name: name, Since: since, Interval: defaultCadence}
	if c.Interval != "" {
		d, err := function.ParseDuration(c.Interval)
		if err != nil {
			return wire.Backtest{}, &usageError{"--interval: " + err.Error()}
		}
		trial.Interval = time.Duration(d)
	}
	if manifest != nil {
		trial.SLO = &manifest.Manifest.SLO
	}
	var err error
	if trial.Text, err = readMetrics(std, c.File); err != nil {
		return wire.Backtest{}, err
	}
	out, err := app.BacktestFile(ctx, trial)
	if errors.Is(err, tsdb.ErrBadText) || errors.Is(err, alerting.ErrNoHistory) {
		return out, &hint{err, "It is OpenMetrics text with a time at each sample, as promtool tsdb dump-openmetrics writes it, and ends in # EOF."}
	}
	return out, err
}

func readMetrics(std stdio, path string) ([]byte, error) {
	in := std.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read metrics: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxMetrics+1))
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	if len(text) > maxMetrics {
		return nil, fmt.Errorf("%s is larger than %d MiB: cut it to one function's hadron_slo_… series, or to a shorter time", path, maxMetrics>>20)
	}
	return text, nil
}

func printBacktest(std stdio, b wire.Backtest) error {
	w := std.Out
	const stamp = "2006-01-02 15:04:05"
	fmt.Fprintf(w, "%s, %s to %s UTC, evaluated every %s\n", plain(b.Function),
		b.From.UTC().Format(stamp), b.To.UTC().Format(stamp), time.Duration(b.Interval*float64(time.Second)))
	fmt.Fprintf(w, "Would have paged %s, and opened %s.\n", counted(b.Pages, "time", "times"), counted(b.Tickets, "ticket", "tickets"))
	tw := columns(std)
	fmt.Fprintln(tw, "OBJECTIVE\tPROMISED\tEVENTS\tBAD\tBURN\tBUDGET USED")
	for _, o := range b.Objectives {
		promised := fmt.Sprintf("%.6g %%", o.Ratio*100)
		if o.Threshold > 0 {
			promised += " under " + time.Duration(o.Threshold*float64(time.Second)).String()
		}
		burn, used := "–", "–"
		if o.Burn != nil && o.BudgetUsed != nil {
			burn, used = fmt.Sprintf("%.3g×", *o.Burn), fmt.Sprintf("%.3g %% of %s", *o.BudgetUsed*100, b.SLO.Window)
		}
		fmt.Fprintf(tw, "%s\t%s\t%.0f\t%.0f\t%s\t%s\n", o.Name, promised, o.Events, o.Bad, burn, used)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if len(b.Alerts) > 0 {
		fmt.Fprintln(w)
		fmt.Fprintln(tw, "FIRED\tCLEARED\tAFTER\tCLASS\tOBJECTIVE\tWINDOW\tWHY")
		for _, a := range b.Alerts {
			cleared, after := "still fires", ""
			if a.EndedAt != nil {
				cleared, after = a.EndedAt.UTC().Format(stamp), a.EndedAt.Sub(a.FiredAt).Round(time.Second).String()
			}
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.FiredAt.UTC().Format(stamp), cleared, after, a.Class, a.SLO, a.Window, plain(a.Why))
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	for _, n := range b.Notes {
		fmt.Fprintf(w, "  note: %s\n", plain(n))
	}
	return nil
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// backtestWait is how long deploy waits for what changed objectives would have done.
const backtestWait = 10 * time.Second

// tried is what a version's objectives would have done of late, where they are others
// than before and there is a history in time.
func tried(ctx context.Context, api *client.Client, got wire.Registered) *wire.Backtest {
	if got.BacktestURL == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, backtestWait)
	defer cancel()
	out, err := api.Backtest(ctx, got.Function, got.Version, wire.AskBacktest{})
	if err != nil {
		return nil // a receipt does without
	}
	return &out
}
