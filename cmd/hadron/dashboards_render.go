package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type dashboardsRenderCommand struct {
	server       `embed:""`
	Paths        []string      `arg:"" optional:"" help:"Folders of functions, each with a hadron.yaml that names it. Without any: all functions of the server."`
	Format       string        `default:"grafana" enum:"grafana,provisioning,configmap,grafana-operator,perses" help:"grafana, provisioning, configmap, grafana-operator or perses."`
	Output       string        `short:"o" default:"dashboards-out" help:"Folder to write to; - prints all files."`
	Namespace    string        `default:"monitoring" help:"Namespace of Kubernetes resources, and project of Perses."`
	ExternalURL  string        `default:"http://127.0.0.1:8080" help:"Base of links to Hadron, where no server is asked."`
	Installation string        `default:"local" help:"Name of the installation in tags and uids, where no server is asked."`
	Interval     time.Duration `default:"15s" help:"Between samples, where no server is asked."`
	Extensions   []string      `help:"Extension files to apply." type:"existingfile" placeholder:"FILE"`
}

func (c *dashboardsRenderCommand) Run(ctx context.Context, std stdio) error {
	extensions, err := c.extensions()
	if err != nil {
		return err
	}
	specs, err := c.specs(ctx)
	if err != nil {
		return err
	}
	if len(specs) == 0 {
		return errors.New("there are no functions to render dashboards of")
	}
	place := dashgen.Place{Installation: specs[0].Installation, ExternalURL: specs[0].ExternalURL}
	boards := []dashgen.Dashboard{dashgen.ForFolder(place, ""), dashgen.ForPlatform(place)}
	seen := map[dashgen.Folder]bool{}
	for _, s := range specs {
		s.Extensions = extensions
		boards = append(boards, dashgen.ForFunction(s))
		for _, folder := range []dashgen.Folder{dashgen.Folder(s.Function.Name.Team()), dashgen.FolderOf(s.Function.Name)} {
			if !seen[folder] {
				seen[folder] = true
				boards = append(boards, dashgen.ForFolder(place, folder))
			}
		}
	}
	files, err := dashgen.Render(dashgen.Format(c.Format), boards, dashgen.RenderOptions{
		DatasourceURL: specs[0].ExternalURL + "/prometheus", Namespace: c.Namespace, Interval: specs[0].Interval.String(),
	})
	if err != nil {
		return err
	}
	return c.write(std, files)
}

func (c *dashboardsRenderCommand) extensions() (dashgen.Extensions, error) {
	var list []dashgen.Extension
	for _, file := range c.Extensions {
		text, err := os.ReadFile(file)
		if err != nil {
			return dashgen.Extensions{}, err
		}
		// Whether its expressions are PromQL, a server says: hadron dashboards preview.
		e, err := dashgen.ParseExtension(filepath.Base(file), text, nil)
		if err != nil {
			return dashgen.Extensions{}, err
		}
		list = append(list, e)
	}
	return dashgen.NewExtensions(list), nil
}

// specs are what dashboards are drawn from: folders on this disk, or all of a server.
func (c *dashboardsRenderCommand) specs(ctx context.Context) ([]dashgen.Spec, error) {
	if len(c.Paths) == 0 {
		return c.ofServer(ctx)
	}
	var out []dashgen.Spec
	for _, path := range c.Paths {
		p, err := project.Load(path)
		if err != nil {
			return nil, err
		}
		if p.Manifest.Name == "" {
			return nil, fmt.Errorf("%s: hadron.yaml names no function: add name: team/project/name", path)
		}
		out = append(out, dashgen.Spec{
			Function: function.Function{Name: function.Name(p.Manifest.Name), Spec: p.Manifest}, Installation: c.Installation,
			ExternalURL: c.ExternalURL, Interval: c.Interval,
		})
	}
	return out, nil
}

func (c *dashboardsRenderCommand) ofServer(ctx context.Context) ([]dashgen.Spec, error) {
	api, err := c.client()
	if err != nil {
		return nil, err
	}
	all, err := api.Dashboards(ctx)
	if err != nil {
		return nil, err
	}
	functions, err := client.All(func(after string) (wire.List[wire.Function], error) {
		return api.Functions(ctx, client.FunctionFilter{Page: client.Page{Cursor: after}})
	})
	if err != nil {
		return nil, err
	}
	var out []dashgen.Spec
	for _, f := range functions {
		selector := "live"
		if f.Live == nil || len(f.Live.Weights) != 1 { // between two versions the newest one's manifest is taken
			selector = fmt.Sprint(f.Latest)
		}
		v, err := api.Version(ctx, f.Function, selector)
		if err != nil {
			return nil, err
		}
		manifest, err := function.ParseManifest(v.Manifest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Function, err)
		}
		out = append(out, dashgen.Spec{
			Function: function.Function{Name: function.Name(f.Function), Spec: manifest}, Installation: all.Installation,
			ExternalURL: api.URL(), Interval: time.Duration(all.Interval * float64(time.Second)),
		})
	}
	return out, nil
}

func (c *dashboardsRenderCommand) write(std stdio, files []dashgen.File) error {
	if c.Output == "-" {
		for _, f := range files {
			if _, err := fmt.Fprintf(std.Out, "# %s\n%s", f.Path, f.Data); err != nil {
				return err
			}
		}
		return nil
	}
	if err := os.MkdirAll(c.Output, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(c.Output) // no link in it leads out of it
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
		if err := root.MkdirAll(filepath.ToSlash(filepath.Dir(f.Path)), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(f.Path, f.Data, 0o644); err != nil {
			return err
		}
	}
	if c.JSON {
		slices.Sort(paths)
		return printJSON(std, map[string]any{"folder": c.Output, "files": paths})
	}
	_, err = fmt.Fprintf(std.Out, "%d files for %s in %s\n", len(files), c.Format, c.Output)
	return err
}
