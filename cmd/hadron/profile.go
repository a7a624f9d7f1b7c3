package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/pprof/profile"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type profileCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name, with @version or @alias for one version; default: the function in this folder."`
	Seconds  int    `default:"5" help:"How long to watch, from 1 to 60."`
	Output   string `short:"o" help:"Write the profile for pprof to this file; - is standard output." placeholder:"FILE"`
	Top      int    `short:"n" default:"20" help:"How many functions to print."`
}

// hotFunction is where a function spends its time, as --json prints it.
type hotFunction struct {
	Function string  `json:"function"`
	File     string  `json:"file"`
	Line     int64   `json:"line"`    // where most of it is spent
	Self     float64 `json:"self"`    // seconds in the function itself
	Total    float64 `json:"total"`   // with what it calls
	Share    float64 `json:"share"`   // of all time, by Self
	Samples  int64   `json:"samples"` // in the function itself
}

func (c *profileCommand) Run(ctx context.Context, std stdio) error {
	if c.Seconds < 1 || c.Seconds > 60 {
		return &usageError{"--seconds is from 1 to 60"}
	}
	name, selector, err := c.subject()
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	if std.Terminal {
		fmt.Fprintf(std.Err, "watching %s for %d s …\n", name, c.Seconds)
	}
	data, err := api.Profile(ctx, name, selector, time.Duration(c.Seconds)*time.Second)
	switch client.Code(err) {
	case "no_samples":
		return &hint{err, "The profile watches calls and makes none: call the function meanwhile, or give --seconds."}
	case "profiling":
		return &hint{err, "Try again in some seconds."}
	}
	if err != nil {
		return err
	}
	if c.Output == "-" {
		_, err := std.Out.Write(data)
		return err
	}
	if c.Output != "" {
		if err := os.WriteFile(c.Output, data, 0o644); err != nil {
			return fmt.Errorf("write the profile: %w", err)
		}
	}
	p, err := profile.Parse(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("read the profile: %w", err)
	}
	hot := hottest(p)
	if c.JSON {
		return printJSON(std, wire.List[hotFunction]{Items: hot})
	}
	return c.print(std.Out, p, hot)
}

// subject reads the function and, where one is given, its version.
func (c *profileCommand) subject() (name, selector string, err error) {
	if !strings.Contains(c.Function, "@") {
		name, err := functionArg(c.Function)
		return string(name), "", err
	}
	ref, err := function.ParseRef(c.Function)
	if err != nil {
		return "", "", &usageError{err.Error()}
	}
	return string(ref.Name), strings.TrimPrefix(ref.String(), string(ref.Name)+"@"), nil
}

// place is a function in the author's file.
type place struct{ name, file string }

// hottest adds the samples up by function, the one with the most time of its own first.
func hottest(p *profile.Profile) []hotFunction {
	rows := map[place]*hotFunction{}
	lines := map[place]map[int64]int64{}
	of := func(l profile.Line) (place, *hotFunction) {
		at := place{l.Function.Name, l.Function.Filename}
		if rows[at] == nil {
			rows[at] = &hotFunction{Function: at.name, File: at.file, Line: l.Function.StartLine}
			lines[at] = map[int64]int64{}
		}
		return at, rows[at]
	}
	var all float64
	for _, s := range p.Sample {
		count, spent := s.Value[0], float64(s.Value[1])/1e9
		all += spent
		seen := map[place]bool{}
		for depth, l := range s.Location {
			if len(l.Line) == 0 {
				continue
			}
			at, row := of(l.Line[0])
			if !seen[at] { // recursion counts once
				seen[at] = true
				row.Total += spent
			}
			if depth == 0 {
				row.Self += spent
				row.Samples += count
				lines[at][l.Line[0].Line] += s.Value[1]
			}
		}
	}
	hot := make([]hotFunction, 0, len(rows))
	for at, row := range rows {
		var most int64
		for line, spent := range lines[at] {
			if spent > most || spent == most && line < row.Line {
				most, row.Line = spent, line
			}
		}
		if all > 0 {
			row.Share = row.Self / all
		}
		hot = append(hot, *row)
	}
	slices.SortFunc(hot, func(a, b hotFunction) int {
		return cmp.Or(cmp.Compare(b.Self, a.Self), cmp.Compare(b.Total, a.Total), cmp.Compare(a.Function, b.Function))
	})
	return hot
}

func (c *profileCommand) print(w io.Writer, p *profile.Profile, hot []hotFunction) error {
	var samples int64
	for _, row := range hot {
		samples += row.Samples
	}
	fmt.Fprintf(w, "%d samples in %s\n", samples, time.Duration(p.DurationNanos).Round(100*time.Millisecond))
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "SELF\tSHARE\tTOTAL\tFUNCTION\tWHERE")
	for _, row := range hot[:min(len(hot), max(c.Top, 0))] {
		fmt.Fprintf(tw, "%s\t%.1f %%\t%s\t%s\t%s:%d\n", seconds(row.Self), 100*row.Share, seconds(row.Total), plain(row.Function), plain(row.File), row.Line)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if c.Output != "" {
		_, err := fmt.Fprintf(w, "written to %s; look into it with: go tool pprof -http : %s\n", c.Output, c.Output)
		return err
	}
	return nil
}
