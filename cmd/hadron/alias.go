package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

type aliasCommand struct {
	server       `embed:""`
	Function     string   `arg:"" help:"team/project/name@alias; without @ it is live."`
	Weights      []string `arg:"" optional:"" help:"Where to point it: a version (7), or shares (6=95 7=5). Default: show it."`
	StickyHeader string   `placeholder:"NAME" help:"Header that a visitor is recognised by, so that he meets one version."`
	StickyCookie string   `placeholder:"NAME" help:"Cookie that a visitor is recognised by; with a header, both together."`
	StickyIssue  bool     `help:"Give the cookie to who comes without it while traffic is split."`
	NotSticky    bool     `help:"Pick a version for each call anew. Without any of these four the alias stays as sticky as it is."`
	Override     string   `help:"Why a freeze of the team does not hold; admins only, recorded."`
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
	weightsGiven, err := parseWeights(c.Weights)
	if err != nil {
		return err
	}
	sticky := wire.Sticky{Header: c.StickyHeader, Cookie: c.StickyCookie, Issue: c.StickyIssue}
	if c.NotSticky && sticky != (wire.Sticky{}) {
		return &usageError{"--not-sticky goes with none of the other --sticky flags"}
	}
	alias, etag, err := api.Alias(ctx, string(ref.Name), ref.Alias)
	if err != nil && (len(weightsGiven) == 0 || !isNotFound(err)) {
		return err
	}
	if len(weightsGiven) > 0 || c.NotSticky || sticky != (wire.Sticky{}) {
		put := wire.PutAlias{Weights: alias.Weights, Sticky: alias.Sticky}
		if len(weightsGiven) > 0 {
			put.Weights = weightsGiven
		}
		switch {
		case c.NotSticky:
			put.Sticky = nil
		case sticky != (wire.Sticky{}):
			put.Sticky = &sticky
		}
		// What is kept was read before: somebody else's change since must not be undone.
		alias, _, err = api.PutAlias(ctx, string(ref.Name), ref.Alias, put, client.PutOptions{IfMatch: etag, Override: c.Override})
		if err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(std, alias)
	}
	_, err = fmt.Fprintf(std.Out, "%s → %s%s\n", ref, weights(alias.Weights), stickiness(alias.Sticky))
	return err
}

func isNotFound(err error) bool {
	var refused *client.Problem
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

// stickiness is what a reader is told of it: nothing where there is none.
func stickiness(s *wire.Sticky) string {
	if s == nil {
		return ""
	}
	var by []string
	if s.Header != "" {
		by = append(by, "header "+s.Header)
	}
	if s.Cookie != "" {
		by = append(by, "cookie "+s.Cookie)
	}
	if s.Issue {
		return ", sticky by " + strings.Join(by, " and ") + " (issued)"
	}
	return ", sticky by " + strings.Join(by, " and ")
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
	was := fmt.Sprintf("was @%d", got.From)
	if got.From == got.Version {
		was = "all calls again"
	}
	_, err = fmt.Fprintf(std.Out, "%s → %s, %s\n", name, weights(got.Weights), was)
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
