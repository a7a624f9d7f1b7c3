package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"hadron/ui/client"
)

type auditCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"Only this function's changes: team/project/name."`
	Team     string `help:"Only this team's."`
	Author   string `help:"Only by this one: ada@example.com, token:growth/ci."`
	Kind     string `help:"Only of this kind: deployed, rolled_back, token_created, …"`
	Since    string `help:"Only since this time or duration, such as 1d."`
	Limit    int    `short:"n" default:"50" help:"How many, the newest."`
}

func (c *auditCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	list, err := api.Changes(ctx, client.ChangeFilter{
		Function: c.Function, Team: c.Team, Author: c.Author, Kind: c.Kind, Since: c.Since, Page: client.Page{Limit: c.Limit},
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, list)
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintln(std.Out, "Nothing has changed that you may see.")
		return err
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "TIME\tWHO\tDID\tTO\tFROM\tMESSAGE")
	for _, ch := range list.Items {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", ch.Time.Local().Format("2006-01-02 15:04:05"), ch.Author, ch.Did,
			firstOf(ch.Function, ch.Subject), firstOf(ch.Address, ch.Origin), ch.Message)
	}
	return tw.Flush()
}
