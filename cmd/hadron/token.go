package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Create a token and print it, this once."`
	List   tokenListCommand   `cmd:"" help:"List the tokens that you administer."`
	Revoke tokenRevokeCommand `cmd:"" help:"End a token."`
}

type tokenCreateCommand struct {
	server  `embed:""`
	Name    string `arg:"" help:"Name of the token, such as ci; it is its team's own."`
	Role    string `required:"" enum:"viewer,invoker,deployer,admin" help:"What it may do: viewer, invoker, deployer or admin."`
	Scope   string `help:"Where: a team or team/project. Default: everywhere." placeholder:"TEAM[/PROJECT]"`
	Expires string `help:"How long it lasts, such as 30d. Default and maximum are the server's."`
	Replace bool   `help:"Take the place of the token of this name, which ends."`
}

func (c *tokenCreateCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	made, err := api.CreateToken(ctx, wire.CreateToken{Name: c.Name, Role: c.Role, Scope: c.Scope, Expires: c.Expires, Replace: c.Replace})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, made)
	}
	// The token alone goes to standard output, so that a script can keep it.
	fmt.Fprintf(std.Err, "token %s, %s of %s, until %s. It is shown this once:\n", tokenID(made.Token), made.Token.Role, scopeText(made.Token.Scope), until(made.Token))
	_, err = fmt.Fprintln(std.Out, made.Secret)
	return err
}

type tokenListCommand struct {
	server `embed:""`
}

func (c *tokenListCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	list, err := api.Tokens(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, list)
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintln(std.Out, "No tokens yet. Make one with: hadron token create ci --role deployer --scope TEAM")
		return err
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "TOKEN\tROLE\tSCOPE\tEXPIRES\tLAST USED\tCREATED")
	for _, t := range list.Items {
		used := "never"
		if t.UsedAt != nil {
			used = ago(*t.UsedAt, "")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", tokenID(t), t.Role, scopeText(t.Scope), until(t), used, ago(t.CreatedAt, t.CreatedBy))
	}
	return tw.Flush()
}

type tokenRevokeCommand struct {
	server `embed:""`
	Name   string `arg:"" help:"Name of the token, or team/name."`
}

func (c *tokenRevokeCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	team, name := client.SplitTokenID(c.Name)
	if err := api.RevokeToken(ctx, team, name); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, map[string]string{"revoked": c.Name})
	}
	_, err = fmt.Fprintf(std.Out, "%s is revoked\n", c.Name)
	return err
}

func tokenID(t wire.Token) string {
	if t.Team != "" {
		return t.Team + "/" + t.Name
	}
	return t.Name
}

func scopeText(scope string) string {
	if scope == "" {
		return "everything"
	}
	return scope
}

func until(t wire.Token) string {
	switch {
	case t.ExpiresAt == nil:
		return "never"
	case t.Expired:
		return "expired " + t.ExpiresAt.Format("2006-01-02")
	}
	return t.ExpiresAt.Format("2006-01-02")
}
