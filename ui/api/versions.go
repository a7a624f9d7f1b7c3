package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

const versionPath = functionPath + "/versions/{version}"

func (a *api) addVersions() {
	add(a, route{
		method: http.MethodPost, path: functionPath + "/versions", id: "registerVersion", tag: "versions",
		summary: "Register a version",
		detail: "Builds the source and stores it as an immutable version. The same source and manifest again answer 200 and make nothing new. " +
			"The first version points live at itself; a later one points the alias given as ?alias= at itself, or none. " +
			"Where its objectives are others than those in effect, backtestUrl is where a POST says what they would have done. " +
			"Where the manifest or the body names a delivery, a deployment begins instead and brings it to the alias: rollout is in the answer. " +
			"Refusals: 422 source_invalid, no_handler or manifest_invalid, 400 name_invalid, 413 body_too_large; they leave nothing behind.",
		action: access.Deploy, scope: ofFunction, body: wire.Register{},
		status: http.StatusCreated, also: map[int]string{http.StatusOK: "The same source and manifest were there already"},
	}, a.register)
	add(a, route{
		method: http.MethodGet, path: functionPath + "/versions", id: "listVersions", tag: "versions",
		summary: "List versions", detail: "Newest first, without their manifests. Those whose source retention removed are listed with removedAt.",
		action: access.Read, scope: ofFunction,
	}, a.listVersions)
	add(a, route{
		method: http.MethodGet, path: versionPath, id: "getVersion", tag: "versions",
		summary: "Get a version", detail: "With its manifest, defaults filled in.",
		action: access.Read, scope: ofFunction,
	}, a.getVersion)
	add(a, route{
		method: http.MethodGet, path: versionPath + "/source", id: "getSource", tag: "versions",
		summary: "Get the source of a version", detail: "As it was uploaded.",
		action: access.ReadSource, scope: ofFunction, produces: textPlain,
	}, a.getSource)
	add(a, route{
		method: http.MethodGet, path: versionPath + "/upload", id: "getUpload", tag: "versions",
		summary: "Get what a version was registered with",
		detail:  "Source, source map and manifest as they were uploaded: registered again, on any server, they have the same digest.",
		action:  access.ReadSource, scope: ofFunction,
	}, a.getUpload)
}

const textPlain = "text/plain; charset=utf-8"

type registerIn struct {
	Alias string `query:"alias" maxLength:"63" doc:"The alias to point at the version, usually live."`
}

type registerOut struct {
	Status   int
	Location string `header:"Location"`
	Body     wire.Registered
}

func (a *api) register(ctx context.Context, c *call, in *registerIn) (*registerOut, error) {
	if err := enter(ctx, a.uploads); err != nil {
		return nil, err
	}
	defer func() { <-a.uploads }()
	var body wire.Register
	if err := decode(c, a.cfg.MaxUpload, &body); err != nil {
		return nil, err
	}
	if a.cfg.Teams != nil {
		if err := a.cfg.Teams.Enter(c.principal, tenant.ProjectOf(c.name)); err != nil {
			return nil, err
		}
	}
	return a.registered(ctx, c, in.Alias, body)
}

// registered registers a version and brings it to the alias, whoever made its module.
func (a *api) registered(ctx context.Context, c *call, alias string, body wire.Register) (*registerOut, error) {
	way, err := a.way(ctx, c, alias, body)
	if err != nil {
		return nil, err
	}
	asked := registry.Registration{
		By: c.principal.Name, Name: c.name, Source: body.Source, SourceMap: body.SourceMap,
		Manifest: body.Manifest, Message: body.Message, Alias: way.direct,
	}
	if body.Origin != nil {
		asked.Origin = function.Origin(*body.Origin)
	}
	done, err := a.cfg.Registry.Register(ctx, asked)
	if err != nil {
		return nil, err
	}
	rollout, err := a.roll(ctx, c, way, done)
	if err != nil {
		return nil, err
	}
	out := &registerOut{
		Status:   http.StatusOK,
		Location: fmt.Sprintf("%s%s/functions/%s/versions/%d", a.cfg.ExternalURL, Prefix, c.name, done.Version.ID.Version),
		Body: wire.Registered{
			Function: string(c.name), Version: done.Version.ID.Version, Digest: done.Version.Digest,
			URL: a.functionURL(c.name), Created: done.Created, Previous: done.Previous, Rollout: rollout,
			BacktestURL: a.backtestURL(way.before, done.Version),
		},
	}
	if done.Created {
		out.Status = http.StatusCreated
	}
	if live, there := done.Function.Alias(function.Live); there {
		out.Body.Live = live.Whole() == done.Version.ID.Version
	}
	// The version exists by now: a part that cannot say what it made says so in
	// the receipt and does not turn it into a failure.
	out.Body.Operability = a.receipt(ctx, done.Function)
	return out, nil
}

// enter takes a slot, waiting for one no longer than the client does.
func enter(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *api) listVersions(ctx context.Context, c *call, in *page) (*jsonOut[wire.List[wire.Version]], error) {
	before, err := cursorNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	limit := in.limit()
	versions, err := a.cfg.Registry.Versions(ctx, c.name, int(before), min(limit+1, registry.MaxPage))
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Version]{Items: []wire.Version{}}
	if len(versions) > limit || len(versions) == registry.MaxPage {
		versions = versions[:min(limit, len(versions))]
		out.Next = strconv.Itoa(versions[len(versions)-1].ID.Version)
	}
	for _, v := range versions {
		out.Items = append(out.Items, versionOf(fn, v))
	}
	return ok(out)
}

// cursorNumber reads the cursor of lists that count down; 0 for none.
func cursorNumber(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n < 1 {
		return 0, badCursor()
	}
	return n, nil
}

type versionIn struct {
	Version string `path:"version" maxLength:"80" doc:"A version number, sha256: and at least 12 hex digits, or an alias."`
}

func (a *api) getVersion(ctx context.Context, c *call, in *versionIn) (*jsonOut[wire.Version], error) {
	v, err := a.version(ctx, c.name, in.Version)
	if err != nil {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	out := versionOf(fn, v)
	if out.Manifest, err = json.Marshal(v.Manifest); err != nil {
		return nil, fmt.Errorf("encode manifest of %s: %w", v.ID, err)
	}
	return ok(out)
}

func (a *api) version(ctx context.Context, name function.Name, selector string) (function.Version, error) {
	ref, err := function.ParseSelector(name, selector)
	if err != nil {
		var bad *function.NameError
		if errors.As(err, &bad) {
			return function.Version{}, refuse(http.StatusBadRequest, "invalid_request", "%s", bad.Problem)
		}
		return function.Version{}, err
	}
	return a.cfg.Registry.Resolve(ctx, ref)
}

func (a *api) getSource(ctx context.Context, c *call, in *versionIn) (*textOut, error) {
	v, err := a.version(ctx, c.name, in.Version)
	if err != nil {
		return nil, err
	}
	up, err := a.cfg.Registry.Source(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return &textOut{ContentType: textPlain, Body: []byte(up.Source)}, nil
}

func (a *api) getUpload(ctx context.Context, c *call, in *versionIn) (*jsonOut[wire.Upload], error) {
	v, err := a.version(ctx, c.name, in.Version)
	if err != nil {
		return nil, err
	}
	up, err := a.cfg.Registry.Source(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return ok(wire.Upload{Digest: v.Digest, Source: up.Source, SourceMap: up.SourceMap, Manifest: up.Manifest})
}

func versionOf(fn function.Function, v function.Version) wire.Version {
	out := wire.Version{
		Function: string(v.ID.Name), Version: v.ID.Version, Digest: v.Digest, Author: v.Author,
		Message: v.Message, Size: v.Size, Aliases: []string{}, CreatedAt: v.CreatedAt,
	}
	if v.Origin != nil {
		origin := wire.Origin(*v.Origin)
		out.Origin = &origin
	}
	if !v.RemovedAt.IsZero() {
		out.RemovedAt = &v.RemovedAt
	}
	for _, alias := range fn.Aliases {
		for _, w := range alias.Weights {
			if w.Version == v.ID.Version && w.Weight > 0 {
				out.Aliases = append(out.Aliases, alias.Name)
			}
		}
	}
	return out
}
