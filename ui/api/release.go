package api

import (
	"context"
	"log/slog"
	"net/http"

	"hadron/runtime/access"
	"hadron/ui/wire"
)

func (a *api) addRelease() {
	add(a, route{
		method: http.MethodPost, path: versionPath + "/release", id: "releaseVersion", tag: "versions",
		summary: "Release a version from quarantine",
		detail: "A version that ended the workers it ran in is not run until its next trial; this lets it run with the others at once. " +
			"released says whether anything was held against it. One that ends its worker again is quarantined again.",
		action: access.Deploy, scope: ofFunction, status: http.StatusOK,
	}, a.release)
}

func (a *api) release(ctx context.Context, c *call, in *versionIn) (*jsonOut[wire.Released], error) {
	if err := available(a.cfg.Release != nil); err != nil {
		return nil, err
	}
	v, err := a.version(ctx, c.name, in.Version)
	if err != nil {
		return nil, err
	}
	released, err := a.cfg.Release(ctx, v.ID, c.principal.Name)
	if err != nil {
		return nil, err
	}
	out := wire.Released{Function: string(c.name), Version: v.ID.Version, Released: released}
	a.log.LogAttrs(ctx, slog.LevelInfo, "quarantine released",
		slog.String("version", v.ID.String()), slog.String("by", c.principal.Name), slog.Bool("released", out.Released))
	return ok(out)
}
