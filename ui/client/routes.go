package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hadron/ui/wire"
)

// FunctionFilter selects functions.
type FunctionFilter struct {
	Page
	Team    string
	Project string // with Team
	Query   string // found in name, owner or description
}

// Functions lists functions by name.
func (c *Client) Functions(ctx context.Context, f FunctionFilter) (wire.List[wire.Function], error) {
	q := f.values()
	set(q, "team", f.Team)
	set(q, "project", f.Project)
	set(q, "q", f.Query)
	return get[wire.List[wire.Function]](ctx, c, "/functions", q)
}

// Function gets one function.
func (c *Client) Function(ctx context.Context, name string) (wire.Function, error) {
	return get[wire.Function](ctx, c, of(name), nil)
}

// Delete deletes a function.
func (c *Client) Delete(ctx context.Context, name string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: of(name)}, nil)
	return err
}

// Register registers a version and points alias at it; an empty alias leaves
// aliases alone, but for live of a function's first version.
func (c *Client) Register(ctx context.Context, name, alias string, body wire.Register) (wire.Registered, error) {
	q := url.Values{}
	set(q, "alias", alias)
	var out wire.Registered
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "versions"), query: q, body: body}, &out)
	return out, err
}

// Versions lists versions, newest first.
func (c *Client) Versions(ctx context.Context, name string, p Page) (wire.List[wire.Version], error) {
	return get[wire.List[wire.Version]](ctx, c, of(name, "versions"), p.values())
}

// Version gets a version by number, digest or alias, with its manifest.
func (c *Client) Version(ctx context.Context, name, selector string) (wire.Version, error) {
	return get[wire.Version](ctx, c, of(name, "versions", selector), nil)
}

// Source gets the source of a version as it was uploaded.
func (c *Client) Source(ctx context.Context, name, selector string) (string, error) {
	return get[string](ctx, c, of(name, "versions", selector, "source"), nil)
}

// Upload gets what a version was registered with.
func (c *Client) Upload(ctx context.Context, name, selector string) (wire.Upload, error) {
	return get[wire.Upload](ctx, c, of(name, "versions", selector, "upload"), nil)
}

// Alias gets an alias and its ETag.
func (c *Client) Alias(ctx context.Context, name, alias string) (wire.Alias, string, error) {
	return c.alias(ctx, request{method: http.MethodGet, path: of(name, "aliases", alias)})
}

// PutOptions are conditions on PutAlias; the zero value has none.
type PutOptions struct {
	IfMatch  string // an alias that has another ETag by now is left alone: the problem's code is stale
	Override string // why a freeze of the team does not hold; admins only
}

// PutAlias points an alias at versions and returns its new ETag.
func (c *Client) PutAlias(ctx context.Context, name, alias string, body wire.PutAlias, o PutOptions) (wire.Alias, string, error) {
	r := request{method: http.MethodPut, path: of(name, "aliases", alias), body: body, query: url.Values{}}
	set(r.query, "override", o.Override)
	if o.IfMatch != "" {
		r.header = http.Header{"If-Match": {o.IfMatch}}
	}
	return c.alias(ctx, r)
}

func (c *Client) alias(ctx context.Context, r request) (wire.Alias, string, error) {
	var out wire.Alias
	header, err := c.call(ctx, r, &out)
	if err != nil {
		return out, "", err
	}
	return out, header.Get("ETag"), nil
}

// Rollback points live at a version, at the one before where version is 0.
func (c *Client) Rollback(ctx context.Context, name string, version int) (wire.RolledBack, error) {
	var out wire.RolledBack
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "rollback"), body: wire.Rollback{Version: version}}, &out)
	return out, err
}

// Release lets a quarantined version run again: a number, digest or alias.
func (c *Client) Release(ctx context.Context, name, selector string) (wire.Released, error) {
	var out wire.Released
	_, err := c.call(ctx, request{method: http.MethodPost, path: of(name, "versions", selector, "release")}, &out)
	return out, err
}

// Operability gets what was generated for a function.
func (c *Client) Operability(ctx context.Context, name string) (wire.Operability, error) {
	return get[wire.Operability](ctx, c, of(name, "operability"), nil)
}

// Dashboard gets the model of a function's dashboard.
func (c *Client) Dashboard(ctx context.Context, name string) (wire.DashboardModel, error) {
	return get[wire.DashboardModel](ctx, c, of(name, "dashboard"), nil)
}

// Health gets how a function is doing.
func (c *Client) Health(ctx context.Context, name string) (wire.Health, error) {
	return get[wire.Health](ctx, c, of(name, "health"), nil)
}

// Healths gets how all functions are doing.
func (c *Client) Healths(ctx context.Context) (wire.List[wire.Health], error) {
	return get[wire.List[wire.Health]](ctx, c, "/health", nil)
}

// Errors lists a function's groups of errors.
func (c *Client) Errors(ctx context.Context, name string) (wire.List[wire.ErrorGroup], error) {
	return get[wire.List[wire.ErrorGroup]](ctx, c, of(name, "errors"), nil)
}

// TraceFilter says which traces to list. Zero fields do not filter.
type TraceFilter struct {
	Errors  bool
	Min     time.Duration
	Since   string // a time (RFC 3339) or an age such as 15m
	Until   string
	Request string
	Limit   int
}

// Traces lists a function's calls whose trace is kept, newest first.
func (c *Client) Traces(ctx context.Context, name string, f TraceFilter) (wire.List[wire.Trace], error) {
	v := url.Values{}
	if f.Errors {
		v.Set("error", "true")
	}
	if f.Min > 0 {
		v.Set("min", f.Min.String())
	}
	if f.Since != "" {
		v.Set("since", f.Since)
	}
	if f.Until != "" {
		v.Set("until", f.Until)
	}
	if f.Request != "" {
		v.Set("request", f.Request)
	}
	if f.Limit > 0 {
		v.Set("limit", strconv.Itoa(f.Limit))
	}
	return get[wire.List[wire.Trace]](ctx, c, of(name, "traces"), v)
}

// Trace gets the spans of one trace in which the function was called.
func (c *Client) Trace(ctx context.Context, name, id string) (wire.TraceDetail, error) {
	return get[wire.TraceDetail](ctx, c, of(name, "traces", id), nil)
}

// Deployments lists what changed of a function, or of all where name is empty,
// newest first.
func (c *Client) Deployments(ctx context.Context, name string, p Page) (wire.List[wire.Deployment], error) {
	path := "/deployments"
	if name != "" {
		path = of(name, "deployments")
	}
	return get[wire.List[wire.Deployment]](ctx, c, path, p.values())
}

// Alerts lists alerts.
func (c *Client) Alerts(ctx context.Context) (wire.List[wire.Alert], error) {
	return get[wire.List[wire.Alert]](ctx, c, "/alerts", nil)
}

// System gets how the installation is doing.
func (c *Client) System(ctx context.Context) (wire.System, error) {
	return get[wire.System](ctx, c, "/system", nil)
}

// ManifestSchema gets the JSON Schema of hadron.yaml.
func (c *Client) ManifestSchema(ctx context.Context) (string, error) {
	return get[string](ctx, c, "/manifest.schema.json", nil)
}

// PipelineSchema gets the JSON Schema of hadron.pipeline.yaml.
func (c *Client) PipelineSchema(ctx context.Context) (string, error) {
	return get[string](ctx, c, "/pipeline.schema.json", nil)
}

// OpenAPI gets the API's description.
func (c *Client) OpenAPI(ctx context.Context) (string, error) {
	return get[string](ctx, c, "/openapi.json", nil)
}
