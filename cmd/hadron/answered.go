package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"hadron/ui/wire"
)

// answered prints what a server answered: as JSON where that is asked for, else in words.
func answered[T any](std stdio, asJSON bool, v T, words func(stdio, T) error) error {
	if asJSON {
		return printJSON(std, v)
	}
	return words(std, v)
}

// tabled prints a list: as JSON, as a table, or the sentence that it is empty.
func tabled[T any](std stdio, asJSON bool, list wire.List[T], empty string, header []string, row func(T) []string) error {
	return answered(std, asJSON, list, func(std stdio, list wire.List[T]) error {
		if len(list.Items) == 0 {
			_, err := fmt.Fprintln(std.Out, empty)
			return err
		}
		tw := columns(std)
		fmt.Fprintln(tw, strings.Join(header, "\t"))
		for _, item := range list.Items {
			fmt.Fprintln(tw, strings.Join(row(item), "\t"))
		}
		return tw.Flush()
	})
}

// columns lines up what is parted by tabs.
func columns(std stdio) *tabwriter.Writer { return tabwriter.NewWriter(std.Out, 0, 0, 3, ' ', 0) }
