package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"hadron/ui/wire"
)

// EndedIncidents lists those that are over, newest first: of a team, team/project or
// function, or, where that is empty, of all.
func (c *Client) EndedIncidents(ctx context.Context, scope string, p Page) (wire.List[wire.Incident], error) {
	q := p.values()
	q.Set("state", "ended")
	set(q, "scope", scope)
	return get[wire.List[wire.Incident]](ctx, c, "/incidents", q)
}

// Incidents lists open incidents, or, of a function, those that are over too.
func (c *Client) Incidents(ctx context.Context, name string, p Page) (wire.List[wire.Incident], error) {
	if name == "" {
		return get[wire.List[wire.Incident]](ctx, c, "/incidents", nil)
	}
	return get[wire.List[wire.Incident]](ctx, c, of(name, "incidents"), p.values())
}

// Acknowledge says that somebody has a function's open incident of an objective.
func (c *Client) Acknowledge(ctx context.Context, name, slo, note string) (wire.Incident, error) {
	var out wire.Incident
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "incidents", slo, "acknowledge"), body: wire.Acknowledge{Note: note}}, &out)
	return out, err
}

// Silences lists those that hold or are to hold; with over, those that are over too.
func (c *Client) Silences(ctx context.Context, over bool) (wire.List[wire.Silence], error) {
	q := url.Values{}
	if over {
		q.Set("over", "true")
	}
	return get[wire.List[wire.Silence]](ctx, c, "/silences", q)
}

// CreateSilence silences a scope.
func (c *Client) CreateSilence(ctx context.Context, s wire.CreateSilence) (wire.Silence, error) {
	var out wire.Silence
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/silences", body: s}, &out)
	return out, err
}

// EndSilence ends a silence.
func (c *Client) EndSilence(ctx context.Context, id int64) (wire.Silence, error) {
	var out wire.Silence
	_, err := c.call(ctx, request{method: http.MethodDelete, path: "/silences/" + strconv.FormatInt(id, 10)}, &out)
	return out, err
}

// TestAlerts asks for a test of how a function is told of.
func (c *Client) TestAlerts(ctx context.Context, name, class string) (wire.AlertTest, error) {
	var out wire.AlertTest
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "alerts", "test"), body: wire.AskAlertTest{Class: class}}, &out)
	return out, err
}

// AlertTest is how the last test of a function goes, or went.
func (c *Client) AlertTest(ctx context.Context, name string) (wire.AlertTest, error) {
	return get[wire.AlertTest](ctx, c, of(name, "alerts", "test"), nil)
}
