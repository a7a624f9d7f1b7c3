package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type versionsCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: the function in this folder."`
}

func (c *versionsCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	versions, err := client.All(func(after string) (wire.List[wire.Version], error) {
		return api.Versions(ctx, string(name), client.Page{Cursor: after})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, wire.List[wire.Version]{Items: versions})
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "VERSION\tALIASES\tDIGEST\tSIZE\tREGISTERED\tMESSAGE")
	for _, v := range versions {
		fmt.Fprintf(tw, "@%d\t%s\t%s\t%.1f kB\t%s\t%s\n", v.Version, strings.Join(v.Aliases, " "), clipDigest(v.Digest), float64(v.Size)/1000, ago(v.CreatedAt, v.Author), plain(v.Message))
	}
	return tw.Flush()
}
