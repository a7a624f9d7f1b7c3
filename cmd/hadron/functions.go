package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type functionsCommand struct {
	server `embed:""`
	Team   string `help:"Only this team's."`
	Query  string `short:"q" help:"Only names that hold this text."`
}

// functionRow is one function with its health, as --json prints it.
type functionRow struct {
	wire.Function
	Health *wire.Health `json:"health,omitempty"`
}

func (c *functionsCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	functions, err := client.All(func(after string) (wire.List[wire.Function], error) {
		return api.Functions(ctx, client.FunctionFilter{Team: c.Team, Query: c.Query, Page: client.Page{Cursor: after}})
	})
	if err != nil {
		return err
	}
	healths, err := api.Healths(ctx)
	if err != nil {
		return err
	}
	byName := make(map[string]*wire.Health, len(healths.Items))
	for i := range healths.Items {
		byName[healths.Items[i].Function] = &healths.Items[i]
	}
	rows := make([]functionRow, len(functions))
	for i, f := range functions {
		rows[i] = functionRow{f, byName[f.Function]}
	}
	if c.JSON {
		return printJSON(std, wire.List[functionRow]{Items: rows})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(std.Out, "No functions yet. Start one with: hadron init hello && hadron deploy hello")
		return err
	}
	return printFunctions(std.Out, rows)
}

func printFunctions(w io.Writer, rows []functionRow) error {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "STATE\tFUNCTION\tREQ/S\tERRORS\tP99\tLIVE\tDEPLOYED")
	for _, r := range rows {
		state, rate, errs, p99 := "? unknown", "–", "–", "–"
		if h := r.Health; h != nil {
			state = stateSign(h.State) + " " + h.State
			rate = fmt.Sprintf("%.4g", h.Rate)
			if h.ErrorRatio != nil {
				errs = fmt.Sprintf("%.4g %%", *h.ErrorRatio*100)
			}
			if h.P99 != nil {
				p99 = seconds(*h.P99)
			}
		}
		live := "–"
		if r.Live != nil {
			live = weights(r.Live.Weights)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", state, r.Function.Function, rate, errs, p99, live, ago(r.UpdatedAt, r.UpdatedBy))
	}
	return tw.Flush()
}

func stateSign(state string) string {
	switch state {
	case "healthy":
		return "✓"
	case "degraded":
		return "!"
	case "failing":
		return "✕"
	case "idle":
		return "–"
	}
	return "?"
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.2f ms", s*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", s)
}

func ago(t time.Time, by string) string {
	age := time.Since(t)
	var text string
	switch {
	case age < time.Minute:
		text = fmt.Sprintf("%d s ago", int(age.Seconds()))
	case age < time.Hour:
		text = fmt.Sprintf("%d min ago", int(age.Minutes()))
	case age < 48*time.Hour:
		text = fmt.Sprintf("%d h ago", int(age.Hours()))
	default:
		text = fmt.Sprintf("%d d ago", int(age.Hours()/24))
	}
	if by != "" {
		text += ", " + by
	}
	return text
}
