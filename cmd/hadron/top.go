package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"hadron/ui/client"
	"hadron/ui/wire"
)

// topSorts are the orders of the overview, as the key s goes through them.
var topSorts = []string{"worst", "rate", "errors", "p99", "p50", "inflight", "budget", "deployed", "name"}

type topCommand struct {
	server `embed:""`
	Sort   string `default:"worst" enum:"worst,rate,errors,p99,p50,inflight,budget,deployed,name" help:"Order: worst, rate, errors, p99, p50, inflight, budget, deployed or name."`
	Query  string `short:"q" help:"Only functions with these words in name, state, reason, author or version."`
	State  string `help:"Only these states, with commas: failing,degraded,unknown,healthy,idle."`
	Scope  string `help:"Only this team, team/project or function."`
	Limit  int    `short:"n" default:"50" help:"At most this many functions, where it prints once."`
	Once   bool   `help:"Print once, also on a terminal."`
}

// topList is the overview at one moment, as --json prints it.
type topList struct {
	Summary wire.Summary  `json:"summary"`
	Total   int           `json:"total"` // functions that fit
	Items   []wire.Health `json:"items"`
}

// Run shows the overview until q is pressed, or prints it once where nobody could press it.
func (c *topCommand) Run(ctx context.Context, std stdio) error {
	if c.Limit < 1 || c.Limit > 500 {
		return &usageError{"--limit is from 1 to 500"}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	look := topLook{sort: c.Sort, query: c.Query, state: c.State, scope: c.Scope}
	if c.JSON || c.Once || !std.Terminal || std.Screen == nil {
		return c.once(ctx, std, api, look)
	}
	screen, err := std.Screen()
	if err != nil {
		return fmt.Errorf("use the terminal: %w", err)
	}
	t := &top{api: api, std: std, screen: screen, look: look, keys: keysOf(std.In)}
	return errors.Join(t.run(ctx), screen.Close())
}

// onceWait bounds how long the answer to a subscription is waited for.
const onceWait = 15 * time.Second

func (c *topCommand) once(ctx context.Context, std stdio, api *client.Client, look topLook) error {
	ctx, cancel := context.WithTimeoutCause(ctx, onceWait, errors.New("the server did not answer in time"))
	defer cancel()
	page, summary := look.topics(c.Limit)
	live, err := api.Live(ctx, summary, page)
	if err != nil {
		return err
	}
	defer func() { _ = live.Close() }()
	state := newTopState(page, summary)
	for !state.whole() {
		m, err := live.Next(ctx)
		if err != nil {
			return err
		}
		if err := state.apply(m); err != nil {
			return err
		}
	}
	list := topList{Summary: *state.summary, Total: state.total, Items: state.rows(look.sort)}
	if c.JSON {
		return printJSON(std, list)
	}
	if len(list.Items) == 0 {
		_, err := fmt.Fprintln(std.Out, "No function fits.")
		return err
	}
	for _, line := range topLines(list, plainStyle, 0) {
		if _, err := fmt.Fprintln(std.Out, line); err != nil {
			return err
		}
	}
	return nil
}

// topLook is what is looked at.
type topLook struct{ sort, query, state, scope string }

// topics are the page that is looked at, and the counts above it.
func (l topLook) topics(limit int) (page, summary string) {
	v := url.Values{"limit": {strconv.Itoa(limit)}}
	counts := url.Values{}
	for name, value := range map[string]string{"q": l.query, "scope": l.scope} {
		if value != "" {
			v.Set(name, value)
			counts.Set(name, value)
		}
	}
	if l.state != "" {
		v.Set("state", l.state)
	}
	if l.sort != "worst" {
		v.Set("sort", l.sort)
	}
	return wire.TopicOverview + "?" + v.Encode(), wire.TopicSummary + "?" + counts.Encode()
}

// topState is what the server has told of two topics.
type topState struct {
	page, counts string
	items        map[string]wire.Health
	total        int
	heard        bool
	summary      *wire.Summary
}

func newTopState(page, counts string) *topState {
	return &topState{page: page, counts: counts, items: map[string]wire.Health{}}
}

// whole reports whether both topics were answered.
func (s *topState) whole() bool { return s.heard && s.summary != nil }

// apply takes a message; one of another topic is of an older look.
func (s *topState) apply(m client.Message) error {
	switch {
	case m.Type == wire.TypeError && (m.Topic == s.page || m.Topic == s.counts):
		return &hint{fmt.Errorf("%s (%s)", m.Detail, m.Code), "See hadron top --help for what can be looked at."}
	case m.Topic == s.counts && len(m.Items) > 0:
		all, err := client.Decode[wire.Summary](m)
		if err != nil {
			return err
		}
		s.summary = &all[0]
	case m.Topic == s.page:
		healths, err := client.Decode[wire.Health](m)
		if err != nil {
			return err
		}
		if m.Type == wire.TypeSnapshot {
			clear(s.items)
		}
		for _, name := range m.Removed {
			delete(s.items, name)
		}
		for _, h := range healths {
			s.items[h.Function] = h
		}
		s.heard, s.total = true, m.Total
	}
	return nil
}
