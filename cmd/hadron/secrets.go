package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"hadron/runtime/tenant"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type secretsCommand struct {
	List   secretListCommand   `cmd:"" default:"withargs" help:"List the secrets of a team or project, without values."`
	Set    secretSetCommand    `cmd:"" help:"Set or rotate a secret. The value is read from standard input, or asked for."`
	Delete secretDeleteCommand `cmd:"" help:"Delete a secret."`
	Rekey  secretRekeyCommand  `cmd:"" help:"Seal all secrets with the server's current key."`
}

type scopeOfSecrets struct {
	Scope string `arg:"" help:"team, or team/project."`
}

func (a scopeOfSecrets) check() error {
	if _, err := tenant.ParseScope(a.Scope); err != nil {
		return &usageError{err.Error()}
	}
	return nil
}

type secretListCommand struct {
	server         `embed:""`
	scopeOfSecrets `embed:""`
}

func (c *secretListCommand) Run(ctx context.Context, std stdio) error {
	if err := c.check(); err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	list, err := client.All(func(after string) (wire.List[wire.Secret], error) {
		return api.Secrets(ctx, c.Scope, client.Page{Cursor: after})
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, wire.List[wire.Secret]{Items: list})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(std.Out, "%s has no secrets of its own. Set one: hadron secrets set %s NAME\n", c.Scope, c.Scope)
		return err
	}
	tw := tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "NAME\tVERSION\tSET")
	for _, s := range list {
		fmt.Fprintf(tw, "%s\t%d\t%s\n", s.Name, s.Version, ago(s.UpdatedAt, s.UpdatedBy))
	}
	return tw.Flush()
}

type secretSetCommand struct {
	server         `embed:""`
	scopeOfSecrets `embed:""`
	Name           string `arg:"" help:"Name of the secret, as the manifest lists it."`
}

func (c *secretSetCommand) Run(ctx context.Context, std stdio) error {
	if err := c.check(); err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	value, err := readSecret(std, c.Scope, c.Name)
	if err != nil {
		return err
	}
	s, err := api.PutSecret(ctx, c.Scope, c.Name, value)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, s)
	}
	if s.Version == 1 {
		_, err = fmt.Fprintf(std.Out, "set %s of %s; functions that list it under secrets get it in env\n", s.Name, s.Scope)
	} else {
		_, err = fmt.Fprintf(std.Out, "rotated %s of %s, now version %d; functions that list it have it with their next VM\n", s.Name, s.Scope, s.Version)
	}
	return err
}

// readSecret asks for a value without showing it, or reads it where standard input
// is no terminal; the newline at its end is not part of it.
func readSecret(std stdio, scope, name string) (string, error) {
	if f, ok := std.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(std.Err, "Value of %s of %s (it is not shown): ", name, scope)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(std.Err)
		if err != nil {
			return "", fmt.Errorf("read the value: %w", err)
		}
		return string(b), nil
	}
	b, err := io.ReadAll(io.LimitReader(std.In, tenant.MaxSecret+3))
	if err != nil {
		return "", fmt.Errorf("read the value: %w", err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if value == "" {
		return "", errors.New("the value is empty: pipe it in, as in printf %s \"$VALUE\" | hadron secrets set " + scope + " " + name)
	}
	return value, nil
}

type secretDeleteCommand struct {
	server         `embed:""`
	scopeOfSecrets `embed:""`
	Name           string `arg:"" help:"Name of the secret."`
	Force          bool   `help:"Also where functions list it; they go without."`
}

func (c *secretDeleteCommand) Run(ctx context.Context, std stdio) error {
	if err := c.check(); err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	if err := api.DeleteSecret(ctx, c.Scope, c.Name, c.Force); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, map[string]string{"deleted": c.Name, "scope": c.Scope})
	}
	_, err = fmt.Fprintf(std.Out, "deleted %s of %s\n", c.Name, c.Scope)
	return err
}

type secretRekeyCommand struct {
	server `embed:""`
}

func (c *secretRekeyCommand) Run(ctx context.Context, std stdio) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	done, err := api.Rekey(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, done)
	}
	_, err = fmt.Fprintf(std.Out, "%d secrets sealed anew; all are sealed with key %s now, and secrets.old_key_files can go\n", done.Moved, done.KeyID)
	return err
}
