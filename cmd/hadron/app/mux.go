package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"hadron/collector/contract"
	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// handlers are what the shared listener dispatches to.
type handlers struct {
	functions  http.Handler // /fn/…
	api        http.Handler // /api/v1/…
	prometheus http.Handler // /prometheus/…
	metrics    http.Handler // /metrics
	web        http.Handler // everything else
}

// mux dispatches by the escaped path ahead of any ServeMux, whose cleaning would
// change the bytes of a function's path.
func (a *App) mux(h handlers) http.Handler {
	prometheus := a.guard(someone, http.StripPrefix("/prometheus", h.prometheus))
	metrics := a.guard(overall, h.metrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		switch {
		case strings.HasPrefix(path, "/fn/") && asCode(r):
			problem(w, http.StatusForbidden, "forbidden", "what functions answer does not run on Hadron's own origin; serve them with --functions-listen for that")
		case strings.HasPrefix(path, "/fn/"):
			h.functions.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/api/"):
			h.api.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/prometheus/"):
			prometheus.ServeHTTP(w, r)
		case path == "/metrics":
			metrics.ServeHTTP(w, r)
		case path == "/healthz":
			a.healthz(w, r)
		case path == "/readyz":
			a.readyz(w, r)
		default:
			h.web.ServeHTTP(w, r)
		}
	})
}

// asCode reports whether a browser would run the answer as code of this origin,
// which is Hadron's: as a script of one of its pages, or as a worker. A function's
// own pages are sandboxed there and ask for nothing of the kind.
func asCode(r *http.Request) bool {
	if len(r.Header["Service-Worker"]) > 0 {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "script", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet":
		return r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	return false
}

// functionsMux serves /fn alone, on the listener of its own.
func (a *App) functionsMux(functions http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.EscapedPath(); {
		case strings.HasPrefix(path, "/fn/"):
			functions.ServeHTTP(w, r)
		case path == "/healthz":
			a.healthz(w, r)
		case path == "/readyz":
			a.readyz(w, r)
		default:
			problem(w, http.StatusNotFound, "not_found", "this listener serves functions under /fn/ only")
		}
	})
}

// healthz says that the process answers.
func (a *App) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz says whether this process should get traffic.
func (a *App) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case a.draining.Load():
		problem(w, http.StatusServiceUnavailable, "draining", "the server is shutting down")
	case !a.ready.Load():
		problem(w, http.StatusServiceUnavailable, "starting", "the server is not ready yet; try again in a second")
	default:
		a.healthz(w, nil)
	}
}

// Who may read something, and who may read everything: what /prometheus shows is
// limited to the caller's teams, /metrics is the process's own.
func someone(who access.Principal) bool { return access.Touches(who, access.Read, access.Everything) }
func overall(who access.Principal) bool { return access.CanIn(who, access.Read, access.Everything) }

type principalKey struct{}

// visible are the parts of the installation whose series a guarded request may read.
func visible(r *http.Request) []access.Scope {
	who, _ := r.Context().Value(principalKey{}).(access.Principal)
	return who.Grants.Scopes(access.Read)
}

// sender is whose series a guarded request may write: an admin of everything all of them, who deploys
// for a team that team's.
func sender(r *http.Request) contract.Sender {
	who, _ := r.Context().Value(principalKey{}).(access.Principal)
	if access.CanIn(who, access.Administer, access.Everything) {
		return contract.Operator
	}
	return contract.SenderOf(who.Grants.Scopes(access.Deploy))
}

// guard lets through whom allowed lets through, and says who it is. A server without tokens is for this machine's people only, so a page of
// another site is refused: by its Host where it points its name here, and by its
// Origin where it would write samples.
func (a *App) guard(allowed func(access.Principal) bool, next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.cfg.Dev && !access.LoopbackHost(r.Host) {
			problem(w, http.StatusForbidden, "forbidden", "a server with --dev answers on loopback only")
			return
		}
		if err := origin.Check(r); err != nil {
			problem(w, http.StatusForbidden, "forbidden", "a page of another site cannot write here")
			return
		}
		who, err := a.apiCaller(r)
		switch {
		case errors.Is(err, tenant.ErrCSRF):
			problem(w, http.StatusForbidden, "csrf", err.Error())
		case errors.Is(err, api.ErrNoToken) || errors.Is(err, tenant.ErrUnauthenticated):
			w.Header().Set("WWW-Authenticate", `Bearer realm="hadron"`)
			problem(w, http.StatusUnauthorized, "unauthorized", unauthorized(err))
		case err != nil:
			a.log.WarnContext(r.Context(), "token not looked up", slog.Any("error", err))
			problem(w, http.StatusServiceUnavailable, "overloaded", "tokens cannot be checked now; try again")
		case !allowed(who):
			problem(w, http.StatusForbidden, "forbidden", "this needs a viewer's token, of the whole installation where it is not of one team")
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, who)))
		}
	})
}

func unauthorized(err error) string {
	var expired *tenant.ExpiredError
	if errors.As(err, &expired) {
		return err.Error()
	}
	return "give a token: Authorization: Bearer hdn_…"
}

func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", wire.ProblemType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(wire.Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail})
}
