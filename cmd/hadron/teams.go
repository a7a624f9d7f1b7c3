package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"hadron/runtime/tenant"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type teamsCommand struct {
	List   teamListCommand   `cmd:"" default:"withargs" help:"List teams with what they use of their quotas."`
	Show   teamShowCommand   `cmd:"" help:"Show a team's settings, quotas and projects."`
	Create teamCreateCommand `cmd:"" help:"Create a team."`
	Set    teamSetCommand    `cmd:"" help:"Change settings of a team; what is not given stays."`
	Delete teamDeleteCommand `cmd:"" help:"Delete an empty team."`

	freezeCommands `embed:""`
}

type projectsCommand struct {
	List   projectListCommand   `cmd:"" default:"withargs" help:"List a team's projects with what they use of their quotas."`
	Show   projectShowCommand   `cmd:"" help:"Show a project's settings and quotas."`
	Create projectCreateCommand `cmd:"" help:"Create a project."`
	Set    projectSetCommand    `cmd:"" help:"Change settings of a project; what is not given stays."`
	Delete projectDeleteCommand `cmd:"" help:"Delete an empty project."`
}

// teamArg and projectArg are arguments that name one.
type (
	teamArg struct {
		Team string `arg:"" help:"Name of the team."`
	}
	projectArg struct {
		Project string `arg:"" help:"team/project"`
	}
)

func (a teamArg) scope() (string, error)    { return scopeArg(a.Team, false) }
func (a projectArg) scope() (string, error) { return scopeArg(a.Project, true) }

func scopeArg(text string, project bool) (string, error) {
	s, err := tenant.ParseScope(text)
	switch {
	case err != nil:
		return "", &usageError{err.Error()}
	case project && !s.IsProject():
		return "", &usageError{fmt.Sprintf("%q is a team; write the project as team/project", text)}
	case !project && s.IsProject():
		return "", &usageError{fmt.Sprintf("%q is a project; see hadron projects --help", text)}
	}
	return text, nil
}

type teamListCommand struct {
	server `embed:""`
}

func (c *teamListCommand) Run(ctx context.Context, std stdio) error {
	return listTeams(std, c.server, "No teams yet. Create one: hadron teams create NAME", func(api *client.Client, after string) (wire.List[wire.Team], error) {
		return api.Teams(ctx, client.Page{Cursor: after})
	})
}

type projectListCommand struct {
	server  `embed:""`
	teamArg `embed:""`
}

func (c *projectListCommand) Run(ctx context.Context, std stdio) error {
	team, err := c.scope()
	if err != nil {
		return err
	}
	return listTeams(std, c.server, "No projects yet. Create one: hadron projects create "+team+"/NAME", func(api *client.Client, after string) (wire.List[wire.Team], error) {
		return api.Projects(ctx, team, client.Page{Cursor: after})
	})
}

func listTeams(std stdio, s server, none string, page func(*client.Client, string) (wire.List[wire.Team], error)) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	teams, err := client.All(func(after string) (wire.List[wire.Team], error) { return page(api, after) })
	if err != nil {
		return err
	}
	if s.JSON {
		return printJSON(std, wire.List[wire.Team]{Items: teams})
	}
	if len(teams) == 0 {
		_, err := fmt.Fprintln(std.Out, none)
		return err
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "NAME\tOWNERS\tFUNCTIONS\tVERSIONS\tREQ/S\tAT ONCE\tSECRETS\tMEMORY")
	for _, t := range teams {
		row := []string{scopeOf(t), dash(strings.Join(t.Settings.Owners, ", "))}
		for _, name := range []string{"functions", "versions", "requests", "concurrency", "secrets", "memory"} {
			row = append(row, useText(t, name))
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

type teamShowCommand struct {
	server  `embed:""`
	teamArg `embed:""`
}

func (c *teamShowCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return showTeam(ctx, std, c.server, scope)
}

type projectShowCommand struct {
	server     `embed:""`
	projectArg `embed:""`
}

func (c *projectShowCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return showTeam(ctx, std, c.server, scope)
}

func showTeam(ctx context.Context, std stdio, s server, scope string) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	t, _, err := api.Team(ctx, scope)
	if err != nil {
		return err
	}
	if s.JSON {
		return printJSON(std, t)
	}
	printTeam(std.Out, t)
	return nil
}

type teamCreateCommand struct {
	server        `embed:""`
	teamArg       `embed:""`
	settingsFlags `embed:""`
	Memory        *string `help:"Quota of memory of the team's worker, such as 512MiB; 0: the server's." placeholder:"SIZE"`
}

func (c *teamCreateCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return createTeam(ctx, std, c.server, scope, c.settingsFlags, c.Memory)
}

type projectCreateCommand struct {
	server        `embed:""`
	projectArg    `embed:""`
	settingsFlags `embed:""`
}

func (c *projectCreateCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return createTeam(ctx, std, c.server, scope, c.settingsFlags, nil)
}

func createTeam(ctx context.Context, std stdio, s server, scope string, flags settingsFlags, memory *string) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	var settings wire.TeamSettings
	if err := flags.apply(&settings); err != nil {
		return err
	}
	applyMemory(memory, &settings)
	t, _, err := api.CreateTeam(ctx, scope, settings)
	if err != nil {
		return err
	}
	if s.JSON {
		return printJSON(std, t)
	}
	fmt.Fprint(std.Out, "created ")
	printTeam(std.Out, t)
	return nil
}

type teamSetCommand struct {
	server        `embed:""`
	teamArg       `embed:""`
	settingsFlags `embed:""`
	Memory        *string `help:"Quota of memory of the team's worker, such as 512MiB; 0: the server's." placeholder:"SIZE"`
}

func (c *teamSetCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return setTeam(ctx, std, c.server, scope, c.settingsFlags, c.Memory)
}

type projectSetCommand struct {
	server        `embed:""`
	projectArg    `embed:""`
	settingsFlags `embed:""`
}

func (c *projectSetCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return setTeam(ctx, std, c.server, scope, c.settingsFlags, nil)
}

func setTeam(ctx context.Context, std stdio, s server, scope string, flags settingsFlags, memory *string) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	t, etag, err := api.Team(ctx, scope)
	if err != nil {
		return err
	}
	if err := flags.apply(&t.Settings); err != nil {
		return err
	}
	applyMemory(memory, &t.Settings)
	// What somebody else set since is not overwritten by what was read before.
	if t, _, err = api.PutTeam(ctx, scope, t.Settings, etag); err != nil {
		return err
	}
	if s.JSON {
		return printJSON(std, t)
	}
	printTeam(std.Out, t)
	return nil
}

type teamDeleteCommand struct {
	server  `embed:""`
	teamArg `embed:""`
}

func (c *teamDeleteCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return deleteTeam(ctx, std, c.server, scope)
}

type projectDeleteCommand struct {
	server     `embed:""`
	projectArg `embed:""`
}

func (c *projectDeleteCommand) Run(ctx context.Context, std stdio) error {
	scope, err := c.scope()
	if err != nil {
		return err
	}
	return deleteTeam(ctx, std, c.server, scope)
}

func deleteTeam(ctx context.Context, std stdio, s server, scope string) error {
	api, err := s.client()
	if err != nil {
		return err
	}
	if err := api.DeleteTeam(ctx, scope); err != nil {
		return err
	}
	if s.JSON {
		return printJSON(std, map[string]string{"deleted": scope})
	}
	_, err = fmt.Fprintf(std.Out, "deleted %s\n", scope)
	return err
}
