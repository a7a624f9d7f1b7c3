package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type versionsCommand struct {
	List versionListCommand `cmd:"" default:"withargs" help:"List a function's versions, newest first."`
	Show versionShowCommand `cmd:"" help:"Show one version with its manifest."`
	Diff versionDiffCommand `cmd:"" help:"Show what changed from one version to another."`
}

type versionListCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: the function in this folder."`
}

func (c *versionListCommand) Run(ctx context.Context, std stdio) error {
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
	fmt.Fprintln(tw, "VERSION\tALIASES\tDIGEST\tSIZE\tREGISTERED\tCOMMIT\tMESSAGE")
	for _, v := range versions {
		aliases := strings.Join(v.Aliases, " ")
		if v.RemovedAt != nil {
			aliases = "(removed)"
		}
		fmt.Fprintf(tw, "@%d\t%s\t%s\t%.1f kB\t%s\t%s\t%s\n", v.Version, aliases, clipDigest(v.Digest), float64(v.Size)/1000, ago(v.CreatedAt, v.Author), commitText(v.Origin), plain(v.Message))
	}
	return tw.Flush()
}

// commitText is a commit in short, with "+" where the working tree held more.
func commitText(o *wire.Origin) string {
	if o == nil || o.Commit == "" {
		return "–"
	}
	text := o.Commit[:min(len(o.Commit), 10)]
	if o.Dirty {
		text += "+"
	}
	return text
}

type versionShowCommand struct {
	server   `embed:""`
	Function string `arg:"" help:"team/project/name"`
	Version  string `arg:"" help:"A number, a digest or an alias."`
}

func (c *versionShowCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	v, err := api.Version(ctx, string(name), strings.TrimPrefix(c.Version, "@"))
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, v)
	}
	line := func(key, value string) { fmt.Fprintf(std.Out, "  %-11s %s\n", key, value) }
	fmt.Fprintf(std.Out, "%s@%d\n", v.Function, v.Version)
	line("digest", v.Digest)
	line("registered", ago(v.CreatedAt, v.Author))
	line("aliases", dash(strings.Join(v.Aliases, " ")))
	line("size", fmt.Sprintf("%.1f kB", float64(v.Size)/1000))
	line("message", dash(v.Message))
	line("commit", commitText(v.Origin))
	if v.Origin != nil {
		line("tool", dash(v.Origin.Tool))
	}
	if v.RemovedAt != nil {
		line("removed", ago(*v.RemovedAt, "retention"))
	}
	line("manifest", string(v.Manifest))
	return nil
}

type versionDiffCommand struct {
	server   `embed:""`
	Function string `arg:"" help:"team/project/name"`
	From     string `arg:"" help:"A number, a digest or an alias."`
	To       string `arg:"" optional:"" default:"live" help:"The same; default: live."`
}

func (c *versionDiffCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	d, err := api.Diff(ctx, string(name), strings.TrimPrefix(c.From, "@"), strings.TrimPrefix(c.To, "@"))
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, d)
	}
	return printDiff(std.Out, d)
}

func printDiff(w io.Writer, d wire.VersionDiff) error {
	if len(d.Files) == 0 {
		_, err := fmt.Fprintf(w, "@%d and @%d are the same\n", d.From, d.To)
		return err
	}
	for _, f := range d.Files {
		if f.Diff == "" {
			fmt.Fprintf(w, "%s %s (not shown: too large)\n", f.State, plain(f.Path))
			continue
		}
		for line := range strings.Lines(f.Diff) {
			fmt.Fprintln(w, plain(strings.TrimSuffix(line, "\n")))
		}
	}
	if d.Cut {
		fmt.Fprintln(w, "There is more than is shown.")
	}
	return nil
}
