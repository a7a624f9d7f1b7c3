package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hadron/runtime/function"
	"hadron/ui/wire"
)

type releaseCommand struct {
	server   `embed:""`
	Function string `arg:"" help:"team/project/name@version; without @ all quarantined versions of the function."`
}

func (c *releaseCommand) Run(ctx context.Context, std stdio) error {
	ref, err := function.ParseRef(c.Function)
	if err != nil {
		return &usageError{err.Error()}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	var selectors []string
	if _, selector, chosen := strings.Cut(c.Function, "@"); chosen {
		selectors = []string{selector}
	} else {
		op, err := api.Operability(ctx, string(ref.Name))
		if err != nil {
			return err
		}
		for _, q := range op.Quarantined {
			selectors = append(selectors, strconv.Itoa(q.Version))
		}
	}
	done := []wire.Released{}
	for _, selector := range selectors {
		one, err := api.Release(ctx, string(ref.Name), selector)
		if err != nil {
			return err
		}
		done = append(done, one)
	}
	if c.JSON {
		return printJSON(std, wire.List[wire.Released]{Items: done})
	}
	if len(done) == 0 {
		_, err = fmt.Fprintf(std.Out, "no version of %s is quarantined\n", ref.Name)
		return err
	}
	for _, one := range done {
		text := "%s@%d runs again; if it ends its worker once more, it is quarantined again\n"
		if !one.Released {
			text = "%s@%d was not quarantined\n"
		}
		if _, err = fmt.Fprintf(std.Out, text, one.Function, one.Version); err != nil {
			return err
		}
	}
	return nil
}
