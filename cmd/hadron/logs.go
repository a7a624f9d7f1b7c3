package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

type logsCommand struct {
	server   `embed:""`
	Function string `arg:"" optional:"" help:"team/project/name; default: the function in this folder."`
	Follow   bool   `short:"f" help:"Go on printing as lines come."`
	Level    string `default:"" enum:",debug,info,warn,error" help:"Least level to print: debug, info, warn or error."`
	Since    string `help:"Only lines after this: a time (RFC 3339) or an age such as 15m."`
	Until    string `help:"Only lines before this; not with --follow."`
	Version  int    `help:"Only lines of this version."`
	Query    string `short:"q" help:"Only lines that hold this text."`
	Request  string `help:"Only lines of this request id."`
	Limit    int    `short:"n" default:"100" help:"At most this many lines, the newest."`
}

func (c *logsCommand) Run(ctx context.Context, std stdio) error {
	name, err := functionArg(c.Function)
	if err != nil {
		return err
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	err = api.Logs(ctx, string(name), client.LogFilter{
		Follow: c.Follow, Level: c.Level, Since: c.Since, Until: c.Until, Query: c.Query, Request: c.Request, Version: c.Version, Limit: c.Limit,
	}, func(r wire.LogRecord) error {
		if c.JSON {
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.Out, "%s\n", line)
			return err
		}
		return printRecord(std.Out, r)
	})
	if c.Follow && errors.Is(err, context.Canceled) {
		return nil // whoever follows ends it so
	}
	return err
}

func printRecord(w io.Writer, r wire.LogRecord) error {
	text := strings.ReplaceAll(r.Message, "\n", "\n    ")
	fields := ""
	if len(r.Fields) > 0 {
		fields = "  " + string(r.Fields)
	}
	_, err := fmt.Fprintf(w, "%s %-5s @%d  %s%s\n", r.Time.Local().Format(time.StampMilli), r.Level, r.Version, plain(text), fields)
	return err
}

// plain removes what could steer a terminal: a function's text is not ours.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return -1
		}
		return r
	}, s)
}
