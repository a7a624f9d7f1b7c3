package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
)

// Prefix is the path under which every route lies.
const Prefix = "/api/v1"

const (
	functionPath = Prefix + "/functions/{team}/{project}/{name}"
	teamPath     = Prefix + "/teams/{team}"
	projectPath  = teamPath + "/projects/{project}"
)

// scope says what a route's action is asked for.
type scope string

const (
	ofFunction scope = "function" // the function that the path names
	ofScope    scope = "scope"    // the {team}, or the {team} and {project}, that the path names
	ofEach     scope = "each"     // each item of the answer: the handler leaves out what the caller may not see
	ofSystem   scope = "system"   // the whole installation
	ofNobody   scope = "open"     // anyone: published documents only
)

// route is one operation. New panics at a route without action, so that none can
// be left unguarded.
type route struct {
	method, path, id string
	summary, detail  string
	tag              string
	action           access.Action
	scope            scope
	body             any            // a value of the type that the request's body holds
	status           int            // of success
	also             map[int]string // further answers that are no problem
	produces         string         // media type of an answer that is not JSON
}

// call is what a handler knows of its request beside its input.
type call struct {
	principal access.Principal
	name      function.Name // of routes under functionPath
	scope     access.Scope  // of routes of a team or project
	w         http.ResponseWriter
	r         *http.Request
}

// may reports whether the caller may do this to the function.
func (c *call) may(action access.Action, name function.Name) bool {
	return access.Can(c.principal, action, name)
}

type humaContext = huma.Context

// callContext carries the call through huma, and lets rewrite correct a status.
type callContext struct {
	humaContext
	ctx    context.Context
	status int
}

type callKey struct{}

func (c *callContext) Context() context.Context { return c.ctx }
func (c *callContext) Unwrap() huma.Context     { return c.humaContext }

func (c *callContext) SetStatus(status int) {
	if c.status != 0 {
		status = c.status
	}
	c.humaContext.SetStatus(status)
}

// add makes a route: documented, guarded, its errors translated.
func add[I, O any](a *api, rt route, handle func(context.Context, *call, *I) (*O, error)) {
	if (rt.action == "") != (rt.scope == ofNobody) {
		panic("route " + rt.id + " says nobody's action")
	}
	op := huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path,
		Summary: rt.summary, Description: rt.detail, Tags: []string{rt.tag},
		DefaultStatus: rt.status,
		Responses:     a.responses(rt),
		Extensions:    map[string]any{"x-hadron-action": string(rt.action), "x-hadron-scope": string(rt.scope)},
		Middlewares:   huma.Middlewares{a.guard(rt)},
	}
	switch {
	case rt.scope == ofFunction:
		op.Parameters = nameParams("team", "project", "name")
	case rt.scope == ofScope && strings.Contains(rt.path, "{project}"):
		op.Parameters = nameParams("team", "project")
	case rt.scope == ofScope:
		op.Parameters = nameParams("team")
	}
	if rt.scope != ofNobody {
		op.Security = []map[string][]string{{"token": {}}}
	}
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := ctx.Value(callKey{}).(*call)
		out, err := handle(ctx, c, in)
		if err != nil {
			return nil, a.refusal(ctx, rt, err)
		}
		return out, nil
	})
	a.documentBody(rt)
	for status := range rt.also { // the same body under another status
		op.Responses[strconv.Itoa(status)].Content = op.Responses[strconv.Itoa(rt.status)].Content
	}
}

// refusal translates a handler's error, and logs it where the client learns nothing.
func (a *api) refusal(ctx context.Context, rt route, err error) error {
	p := a.translate(err)
	if p.Status == http.StatusInternalServerError && ctx.Err() == nil {
		a.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("operation", rt.id), slog.Any("error", p.cause))
	}
	return p
}

// guard lets a request through to its handler once it is known who asks, what
// for, and that they may. The order of the answers: 401, 400 for a malformed
// name, 403.
func (a *api) guard(rt route) func(huma.Context, func(huma.Context)) {
	return func(hctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hctx)
		c := &call{r: r, w: w}
		if refused := a.admit(rt, c); refused != nil {
			writeProblem(w, refused)
			return
		}
		ctx := access.WithOrigin(hctx.Context(), a.origin(r))
		next(&callContext{humaContext: hctx, ctx: context.WithValue(ctx, callKey{}, c)})
	}
}

func (a *api) admit(rt route, c *call) *problem {
	if rt.scope == ofNobody {
		return nil
	}
	var err error
	if c.principal, err = a.cfg.Authenticate(c.r); err != nil {
		return a.unauthorized(c.r.Context(), err)
	}
	switch rt.scope {
	case ofFunction:
		if c.name, err = pathName(c.r); err != nil {
			return a.translate(err)
		}
		return c.permit(rt.action, access.Can(c.principal, rt.action, c.name), string(c.name),
			access.Scope(c.name.Team()+"/"+c.name.Project()), a.translate(fmt.Errorf("%s: %w", c.name, registry.ErrNotFound)))
	case ofScope:
		if c.scope, err = pathScope(c.r); err != nil {
			return a.translate(err)
		}
		return c.permit(rt.action, access.CanIn(c.principal, rt.action, c.scope), string(c.scope), c.scope,
			refuse(http.StatusNotFound, "not_found", "There is no %s.", c.scope))
	case ofEach:
		return c.permit(rt.action, access.Touches(c.principal, rt.action, access.Everything), "anything here", access.Everything, nil)
	case ofSystem, ofNobody:
	}
	return c.permit(rt.action, access.CanIn(c.principal, rt.action, access.Everything), "the whole installation", access.Everything, nil)
}

func (a *api) unauthorized(ctx context.Context, err error) *problem {
	const send = "Send a token of this server as \"Authorization: Bearer hdn_…\"; the first one is in the server's data directory."
	var expired *tenant.ExpiredError
	switch {
	case errors.As(err, &expired):
		return refuse(http.StatusUnauthorized, "unauthorized", "%s.", capital(expired.Error())).
			with("Www-Authenticate", `Bearer realm="hadron", error="invalid_token"`)
	case errors.Is(err, tenant.ErrCSRF):
		return a.translate(err)
	case errors.Is(err, ErrNoToken):
		return refuse(http.StatusUnauthorized, "unauthorized", send).with("Www-Authenticate", `Bearer realm="hadron"`)
	case errors.Is(err, tenant.ErrUnauthenticated):
		return refuse(http.StatusUnauthorized, "unauthorized", "This token is not, or no longer, valid here. "+send).
			with("Www-Authenticate", `Bearer realm="hadron", error="invalid_token"`)
	}
	a.log.LogAttrs(ctx, slog.LevelError, "authentication failed", slog.Any("error", err))
	return a.translate(err)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// permit refuses what is not allowed: as forbidden to those who may do something
// there, and as missing to others, who must not learn what another team has.
func (c *call) permit(action access.Action, allowed bool, on string, scope access.Scope, missing *problem) *problem {
	if allowed {
		return nil
	}
	if missing != nil && !c.knows(scope) {
		return missing
	}
	return refuse(http.StatusForbidden, "forbidden", "%s, as %s, may not %s on %s.", c.principal.Name, c.principal.Grants, actionWords[action], on)
}

// of is the team or project that the path names.
func (c *call) of() tenant.Scope { return tenant.Scope(c.scope) }

// knows reports whether the caller may do anything in the scope, and so may know
// that it is there.
func (c *call) knows(scope access.Scope) bool {
	return slices.ContainsFunc([]access.Action{access.Read, access.Invoke}, func(action access.Action) bool { // every role has one of them
		return access.Touches(c.principal, action, scope)
	})
}

var actionWords = map[access.Action]string{
	access.Read:       "read",
	access.ReadSource: "read source and logs",
	access.Invoke:     "call functions",
	access.Deploy:     "deploy",
	access.Administer: "administer",
}

// pathScope reads the team, or the project, that the path names. Its error is a
// *problem.
func pathScope(r *http.Request) (access.Scope, error) {
	text := r.PathValue("team")
	if project := r.PathValue("project"); project != "" {
		text += "/" + project
	}
	scope, err := access.ParseScope(text)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "name_invalid", "%s.", err.Error())
	}
	return scope, nil
}

// pathName reads the function that the path names. Its error is a *function.NameError.
func pathName(r *http.Request) (function.Name, error) {
	return function.ParseName(r.PathValue("team") + "/" + r.PathValue("project") + "/" + r.PathValue("name"))
}

// responses documents what a route can answer.
func (a *api) responses(rt route) map[string]*huma.Response {
	problems := &huma.Response{
		Description: "A refusal; its code says which.",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: a.problemSchema}},
	}
	out := map[string]*huma.Response{"default": problems}
	for status, text := range rt.also {
		out[strconv.Itoa(status)] = &huma.Response{Description: text}
	}
	if rt.produces != "" {
		out[strconv.Itoa(http.StatusOK)] = &huma.Response{
			Description: "OK",
			Content:     map[string]*huma.MediaType{rt.produces: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}
	}
	return out
}
