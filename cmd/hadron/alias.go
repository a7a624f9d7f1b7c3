package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type aliasCommand struct {
	server   `embed:""`
	Function string   `arg:"" help:"team/project/name@alias; without @ it is live."`
	Weights  []string `arg:"" optional:"" help:"Where to point it: a version (7), or shares (6=95 7=5). Default: show it."`
	Override string   `help:"Why a freeze of the team does not hold; admins only, recorded."`
}

func (c *aliasCommand) Run(ctx context.Context, std stdio) error {
	ref, err := function.ParseRef(c.Function)
	if err != nil {
		return &usageError{err.Error()}
	}
	if ref.Alias == "" {
		return &usageError{fmt.Sprintf("%s is no alias", ref)}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	var alias wire.Alias
	if len(c.Weights) == 0 {
		alias, _, err = api.Alias(ctx, string(ref.Name), ref.Alias)
	} else {
		var put wire.PutAlias
		if put.Weights, err = parseWeights(c.Weights); err != nil {
			return err
		}
		alias, _, err = api.PutAlias(ctx, string(ref.Name), ref.Alias, put, client.PutOptions{Override: c.Override})
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, alias)
	}
	_, err = fmt.Fprintf(std.Out, "%s → %s\n", ref, weights(alias.Weights))
	return err
}

func parseWeights(args []string) ([]wire.Weight, error) {
	var out []wire.Weight
	for _, a := range args {
		version, weight, shared := strings.Cut(strings.TrimPrefix(a, "@"), "=")
		if !shared {
			weight = "100"
		}
		v, err1 := strconv.Atoi(version)
		w, err2 := strconv.Atoi(weight)
		if err1 != nil || err2 != nil || (!shared && len(args) > 1) {
			return nil, &usageError{fmt.Sprintf("%q: write one version (7), or shares (6=95 7=5)", a)}
		}
		out = append(out, wire.Weight{Version: v, Weight: w})
	}
	return out, nil
}

type rollbackCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: the function in this folder."`
	To       int    `help:"Version to go back to; default: the one that was live before."`
}

func (c *rollbackCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	got, err := api.Rollback(ctx, string(name), c.To)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, got)
	}
	_, err = fmt.Fprintf(std.Out, "%s → %s, was @%d\n", name, weights(got.Weights), got.From)
	return err
}

type deleteCommand struct {
	server   `embed:""`
	Function string `arg:"" help:"team/project/name"`
	Yes      bool   `help:"Do it; without this the command only says what would go."`
}

func (c *deleteCommand) Run(ctx context.Context, std stdio) error {
	name, err := function.ParseName(c.Function)
	if err != nil {
		return &usageError{err.Error()}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	f, err := api.Function(ctx, string(name))
	if err != nil {
		return err
	}
	if !c.Yes {
		return &usageError{fmt.Sprintf("this would delete %s with all versions up to @%d, its dashboard and its alerts; its URL answers 404 at once.\n  To do it: hadron delete %s --yes", name, f.Latest, name)}
	}
	if err := api.Delete(ctx, string(name)); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(std, map[string]string{"deleted": string(name)})
	}
	_, err = fmt.Fprintf(std.Out, "deleted %s\n", name)
	return err
}
