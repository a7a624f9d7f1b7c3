package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

const defaultProfile = 5 // seconds

func (a *api) addProfile() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/profile", id: "getProfile", tag: "functions",
		summary: "Profile a function",
		detail: "Watches for some seconds where the function's JavaScript spends its time and answers a gzipped profile for pprof, " +
			"which names the author's functions, files and lines. It calls nothing: a function that nobody calls is refused with no_samples. " +
			"One profile is taken at a time, a second one is refused with profiling.",
		action: access.ReadSource, scope: ofFunction, produces: pprofType,
	}, a.getProfile)
}

// pprofType is the media type of Go's own profiles.
const pprofType = "application/octet-stream"

type profileIn struct {
	Seconds int    `query:"seconds" minimum:"1" maximum:"60" doc:"How long to watch; 5 unless given."`
	Version string `query:"version" maxLength:"128" doc:"Only this version: a number, a digest or an alias. All that run unless given."`
}

type profileOut struct {
	Disposition string `header:"Content-Disposition"`
	Body        func(huma.Context)
}

func (a *api) getProfile(ctx context.Context, c *call, in *profileIn) (*profileOut, error) {
	data, err := a.takeProfile(ctx, c, in)
	if err != nil {
		return nil, err
	}
	return &profileOut{
		Disposition: fmt.Sprintf("attachment; filename=%q", strings.ReplaceAll(string(c.name), "/", ".")+".pprof"),
		Body: func(hctx huma.Context) {
			hctx.SetHeader("Content-Type", pprofType)
			_, _ = hctx.BodyWriter().Write(data) // a client that has left needs none
		},
	}, nil
}

// takeProfile watches a function.
func (a *api) takeProfile(ctx context.Context, c *call, in *profileIn) ([]byte, error) {
	if err := available(a.cfg.Profile != nil); err != nil {
		return nil, err
	}
	id := function.ID{Name: c.name}
	if in.Version != "" {
		v, err := a.version(ctx, c.name, in.Version)
		if err != nil {
			return nil, err
		}
		id = v.ID
	} else if _, err := a.cfg.Registry.Get(ctx, c.name); err != nil {
		return nil, err
	}
	if in.Seconds == 0 {
		in.Seconds = defaultProfile
	}
	ctx, stop := a.untilStopping(ctx)
	defer stop()
	data, err := a.cfg.Profile(ctx, id, time.Duration(in.Seconds)*time.Second)
	switch {
	case errors.Is(err, invocation.ErrProfiling):
		return nil, refuse(http.StatusConflict, "profiling", "Another profile is being taken; there is one at a time.").with("Retry-After", "5")
	case errors.Is(err, invocation.ErrNoSamples):
		return nil, refuse(http.StatusConflict, "no_samples", "%s ran no JavaScript that could be seen in %d s: call it while it is profiled, or watch for longer.", c.name, in.Seconds)
	case err != nil:
		return nil, err
	}
	return data, nil
}
