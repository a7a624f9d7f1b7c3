package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// Sessions is how people sign in with a browser. Errors: those of package tenant.
type Sessions interface {
	SignInWithToken(r *http.Request, token string) (*http.Cookie, error)
	StartSignIn(r *http.Request, next string) (location string, cookie *http.Cookie, err error)
	FinishSignIn(r *http.Request) (next string, cookies []*http.Cookie, err error)
	SignOut(r *http.Request) (*http.Cookie, error)
	HasProvider() bool
	CSRF(r *http.Request) string
	Kind(r *http.Request) string
}

func (a *api) addSessions() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/session", id: "getSession", tag: "sessions",
		summary: "Get who asks", detail: "It answers nobody too: with how to sign in. csrf goes with each request by cookie that changes something, as Hadron-Csrf.",
		scope: ofNobody,
	}, a.getSession)
	add(a, route{
		method: http.MethodPost, path: Prefix + "/session", id: "createSession", tag: "sessions",
		summary: "Sign in with a token", detail: "Sets the session's cookie. The session ends with the token at the latest.",
		scope: ofNobody, body: wire.SignIn{}, status: http.StatusNoContent,
	}, a.createSession)
	add(a, route{
		method: http.MethodDelete, path: Prefix + "/session", id: "endSession", tag: "sessions",
		summary: "Sign out", detail: "Ends the session of the request's cookie.", scope: ofNobody, status: http.StatusNoContent,
	}, a.endSession)
	add(a, route{
		method: http.MethodGet, path: Prefix + "/signin", id: "startSignIn", tag: "sessions",
		summary: "Sign in with the identity provider", detail: "Sends the browser there: 302.", scope: ofNobody, status: http.StatusFound,
	}, a.startSignIn)
	add(a, route{
		method: http.MethodGet, path: tenant.CallbackPath, id: "finishSignIn", tag: "sessions",
		summary: "Come back from the identity provider", detail: "Sets the session's cookie and sends the browser to the page it asked for: 302.",
		scope: ofNobody, status: http.StatusFound,
	}, a.finishSignIn)
}

func (a *api) getSession(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Session], error) {
	out := wire.Session{Grants: []wire.Grant{}, Provider: a.cfg.Sessions != nil && a.cfg.Sessions.HasProvider()}
	who, err := a.cfg.Authenticate(c.r)
	if err != nil {
		if !errors.Is(err, ErrNoToken) && !errors.Is(err, tenant.ErrUnauthenticated) {
			return nil, err
		}
		return ok(out)
	}
	out.Name, out.ExpiresAt = who.Name, timeOrNone(who.Until)
	for g := range who.Grants.All() {
		out.Grants = append(out.Grants, wire.Grant{Role: string(g.Role), Scope: string(g.Scope)})
	}
	if a.cfg.Sessions != nil {
		out.Kind, out.CSRF = a.cfg.Sessions.Kind(c.r), a.cfg.Sessions.CSRF(c.r)
	}
	return ok(out)
}

func (a *api) createSession(ctx context.Context, c *call, _ *empty) (*cookieOut, error) {
	if err := available(a.cfg.Sessions != nil); err != nil {
		return nil, err
	}
	var body wire.SignIn
	if err := decode(c, smallBody, &body); err != nil {
		return nil, err
	}
	cookie, err := a.cfg.Sessions.SignInWithToken(c.r, body.Token)
	if err != nil {
		if errors.Is(err, tenant.ErrUnauthenticated) {
			return nil, a.unauthorized(ctx, err)
		}
		return nil, err
	}
	return &cookieOut{SetCookie: []http.Cookie{*cookie}}, nil
}

type cookieOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func (a *api) endSession(_ context.Context, c *call, _ *empty) (*cookieOut, error) {
	if err := available(a.cfg.Sessions != nil); err != nil {
		return nil, err
	}
	cookie, err := a.cfg.Sessions.SignOut(c.r)
	if err != nil {
		return nil, err
	}
	return &cookieOut{SetCookie: []http.Cookie{*cookie}}, nil
}

type redirectOut struct {
	Status    int
	Location  string        `header:"Location"`
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

type signInIn struct {
	Next string `query:"next" maxLength:"500" doc:"The page to show afterwards: a path of this server."`
}

func (a *api) startSignIn(ctx context.Context, c *call, in *signInIn) (*redirectOut, error) {
	if err := available(a.cfg.Sessions != nil); err != nil {
		return nil, err
	}
	to, cookie, err := a.cfg.Sessions.StartSignIn(c.r, in.Next)
	if err != nil {
		return a.signInFailed(ctx, err, nil), nil
	}
	return &redirectOut{Status: http.StatusFound, Location: to, SetCookie: []http.Cookie{*cookie}}, nil
}

func (a *api) finishSignIn(ctx context.Context, c *call, _ *empty) (*redirectOut, error) {
	if err := available(a.cfg.Sessions != nil); err != nil {
		return nil, err
	}
	next, cookies, err := a.cfg.Sessions.FinishSignIn(c.r)
	if err != nil {
		return a.signInFailed(ctx, err, cookies), nil
	}
	out := &redirectOut{Status: http.StatusFound, Location: next}
	for _, cookie := range cookies {
		out.SetCookie = append(out.SetCookie, *cookie)
	}
	return out, nil
}

// signInFailed sends a browser, which would show a problem as text, to the page
// that says what it means.
func (a *api) signInFailed(ctx context.Context, err error, cookies []*http.Cookie) *redirectOut {
	code := "internal"
	for known, name := range map[error]string{
		tenant.ErrNoProvider: "no_provider", tenant.ErrProvider: "provider_unavailable", tenant.ErrRefused: "signin_refused", tenant.ErrNoGrants: "no_grants",
	} {
		if errors.Is(err, known) {
			code = name
		}
	}
	level := slog.LevelWarn
	if errors.Is(err, tenant.ErrNoProvider) {
		level = slog.LevelDebug // it says nothing of the server, and anybody can ask
	}
	a.log.LogAttrs(ctx, level, "sign-in failed", slog.String("code", code), slog.Any("error", err))
	out := &redirectOut{Status: http.StatusFound, Location: "/?signin=" + url.QueryEscape(code)}
	for _, cookie := range cookies {
		out.SetCookie = append(out.SetCookie, *cookie)
	}
	return out
}

// origin says where a request's change comes from.
func (a *api) origin(r *http.Request) access.Origin {
	o := access.Origin{Kind: access.ByToken, Agent: r.UserAgent()}
	if a.cfg.Dev {
		o.Kind = access.ByDev
	}
	if a.cfg.Sessions != nil {
		o.Kind = a.cfg.Sessions.Kind(r)
	}
	o.Address = access.ClientAddress(r, a.cfg.TrustedProxies)
	return o
}
