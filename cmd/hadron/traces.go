package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type tracesCommand struct {
	server   `embed:""`
	Function string        `arg:"" optional:"" help:"team/project/name; default: the function in this folder."`
	Trace    string        `arg:"" optional:"" help:"Id of the trace to show."`
	Errors   bool          `help:"Only calls that failed."`
	Min      time.Duration `help:"Only calls that took at least this, such as 300ms."`
	Since    string        `help:"Only calls that began after this: a time (RFC 3339) or an age such as 15m."`
	Until    string        `help:"Only calls that began before this."`
	Request  string        `help:"Only the call of this request id."`
	Limit    int           `short:"n" default:"20" help:"At most this many calls, the newest."`
}

func (c *tracesCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	if c.Trace != "" {
		t, err := api.Trace(ctx, string(name), c.Trace)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(std, t)
		}
		return printTrace(std.Out, t)
	}
	list, err := api.Traces(ctx, string(name), client.TraceFilter{Errors: c.Errors, Min: c.Min, Since: c.Since, Until: c.Until, Request: c.Request, Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, list)
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintf(std.Out, "No traces of %s match. Kept are calls that were sampled, failed or were slow.\n", name)
		return err
	}
	return printTraces(std.Out, list.Items)
}

func printTraces(w io.Writer, calls []wire.Trace) error {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "TIME\tTOOK\tSTATUS\tVERSION\tQUEUE\tINIT\tRUN\tFETCHES\tKEPT\tTRACE")
	for _, t := range calls {
		status := "–"
		if t.Status != 0 {
			status = fmt.Sprint(t.Status)
		}
		if t.Error {
			status += " " + t.Code
		}
		init := "–"
		if t.Cold {
			init = seconds(t.Init)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t@%d\t%s\t%s\t%s\t%d\t%s\t%s\n", t.Time.Local().Format(time.StampMilli), seconds(t.Duration),
			status, t.Version, seconds(t.Queue), init, seconds(t.Run), t.Fetches, t.Why, t.ID)
	}
	return tw.Flush()
}

// waterfallWidth is how many characters the whole time of a trace takes.
const waterfallWidth = 40

func printTrace(w io.Writer, t wire.TraceDetail) error {
	var began, ended time.Time
	for _, s := range t.Spans {
		if began.IsZero() || s.Time.Before(began) {
			began = s.Time
		}
		if end := s.Time.Add(length(s)); end.After(ended) {
			ended = end
		}
	}
	whole := max(ended.Sub(began), time.Nanosecond)
	depth := map[string]int{}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range nested(t.Spans, depth) {
		from := int(int64(waterfallWidth) * int64(s.Time.Sub(began)) / int64(whole))
		from = min(max(from, 0), waterfallWidth-1)
		wide := max(1, int(int64(waterfallWidth)*int64(length(s))/int64(whole)))
		wide = min(wide, waterfallWidth-from)
		bar := strings.Repeat(" ", from) + strings.Repeat("█", wide) + strings.Repeat(" ", waterfallWidth-from-wide)
		failed := ""
		if s.Error != "" {
			failed = "✕ " + plain(strings.ReplaceAll(s.Error, "\n", " "))
		}
		fmt.Fprintf(tw, "%s%s\t│%s│\t%s\t%s\n", strings.Repeat("  ", depth[s.ID]), plain(s.Name), bar, seconds(s.Duration), failed)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if t.Hidden > 0 {
		_, err := fmt.Fprintf(w, "%d more calls of this trace are of functions that you may not read.\n", t.Hidden)
		return err
	}
	return nil
}

func length(s wire.Span) time.Duration { return time.Duration(s.Duration * float64(time.Second)) }

// nested puts each span behind its parent, and notes how deep it lies. Spans whose
// parent is not there come first, as roots; what claims to be its own ancestor is
// shown last.
func nested(spans []wire.Span, depth map[string]int) []wire.Span {
	children, known := map[string][]wire.Span{}, map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	for _, s := range spans {
		parent := s.Parent
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	out, seen := make([]wire.Span, 0, len(spans)), map[string]bool{}
	var walk func(parent string, deep int)
	walk = func(parent string, deep int) {
		for _, s := range children[parent] {
			if seen[s.ID] {
				continue
			}
			seen[s.ID] = true
			depth[s.ID] = deep
			out = append(out, s)
			walk(s.ID, deep+1)
		}
	}
	walk("", 0)
	for _, s := range spans {
		if !seen[s.ID] {
			out = append(out, s)
		}
	}
	return out
}
