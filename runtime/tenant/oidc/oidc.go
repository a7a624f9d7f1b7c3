// Package oidc signs people in with an OpenID Connect issuer: the code flow with
// PKCE, state and nonce. It is the door of go-oidc and oauth2.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
)

const (
	timeout      = 10 * time.Second // of one call of the issuer
	maxAnswer    = 1 << 20          // bytes of one
	refresh      = time.Hour        // after which the issuer is asked anew where its endpoints are
	firstBackoff = time.Second      // after a discovery that failed, doubled up to
	maxBackoff   = time.Minute
	maxGroups    = 1000 // of one person; the first are looked at
)

// Config of a Provider. Issuer and ClientID are required.
type Config struct {
	Issuer       string // https, or http on loopback
	ClientID     string
	ClientSecret string   // empty for a public client
	Scopes       []string // beside openid; default email, profile
	GroupsClaim  string   // holds the groups; default "groups"
	Now          func() time.Time
	Transport    http.RoundTripper // http.DefaultTransport unless given
}

// Provider is one issuer. It is asked where its endpoints are when somebody signs
// in, not before: a server starts without it.
type Provider struct {
	cfg    Config
	client *http.Client

	mu      sync.Mutex
	found   *oidc.Provider
	at      time.Time // of the last discovery that worked
	wait    time.Duration
	retryAt time.Time
	failure error
}

var _ tenant.Provider = (*Provider)(nil)

// New checks the settings; nothing is asked of the issuer yet.
func New(cfg Config) (*Provider, error) {
	u, err := url.Parse(cfg.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !access.LoopbackHost(u.Host)) {
		return nil, errors.New("oidc.issuer must be an https address, as the issuer writes it (http on loopback only)")
	}
	if cfg.ClientID == "" {
		return nil, errors.New("oidc.issuer needs oidc.client_id beside it")
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{"email", "profile"}
	}
	if !slices.Contains(cfg.Scopes, oidc.ScopeOpenID) {
		cfg.Scopes = append([]string{oidc.ScopeOpenID}, cfg.Scopes...)
	}
	if cfg.GroupsClaim == "" {
		cfg.GroupsClaim = "groups"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	return &Provider{cfg: cfg, client: &http.Client{Timeout: timeout, Transport: bounded{cfg.Transport}}}, nil
}

// AuthURL implements tenant.Provider.
func (p *Provider) AuthURL(ctx context.Context, a tenant.Attempt) (string, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	return p.oauth(found, a).AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), nil
}

// Exchange implements tenant.Provider.
func (p *Provider) Exchange(ctx context.Context, code string, a tenant.Attempt) (tenant.Claims, error) {
	if code == "" {
		return tenant.Claims{}, fmt.Errorf("%w: the browser came back without a code", tenant.ErrRefused)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return tenant.Claims{}, err
	}
	ctx, cancel := context.WithTimeout(p.with(ctx), timeout)
	defer cancel()
	token, err := p.oauth(found, a).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		var said *oauth2.RetrieveError
		if errors.As(err, &said) && said.Response != nil && said.Response.StatusCode < http.StatusInternalServerError {
			return tenant.Claims{}, fmt.Errorf("%w: the provider did not take the code (%.40q)", tenant.ErrRefused, said.ErrorCode)
		}
		return tenant.Claims{}, fmt.Errorf("%w: %w", tenant.ErrProvider, hidden(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return tenant.Claims{}, fmt.Errorf("%w: the provider sent no id token", tenant.ErrRefused)
	}
	id, err := found.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Now}).Verify(ctx, raw)
	if err != nil {
		return tenant.Claims{}, fmt.Errorf("%w: %w", tenant.ErrRefused, err)
	}
	if id.Nonce != a.Nonce {
		return tenant.Claims{}, fmt.Errorf("%w: the id token is another sign-in's", tenant.ErrRefused)
	}
	return p.claims(id)
}

// claims reads what is used of an id token. An address that the provider has not
// verified is left out: anybody could claim it.
func (p *Provider) claims(id *oidc.IDToken) (tenant.Claims, error) {
	var all map[string]any
	if err := id.Claims(&all); err != nil {
		return tenant.Claims{}, fmt.Errorf("%w: the id token's claims cannot be read", tenant.ErrRefused)
	}
	out := tenant.Claims{Issuer: id.Issuer, Subject: id.Subject}
	if verified, _ := all["email_verified"].(bool); verified {
		out.Email, _ = all["email"].(string)
	}
	out.Username, _ = all["preferred_username"].(string)
	switch groups := all[p.cfg.GroupsClaim].(type) {
	case string:
		out.Groups = []string{groups}
	case []any:
		for _, g := range groups[:min(len(groups), maxGroups)] {
			if name, ok := g.(string); ok {
				out.Groups = append(out.Groups, name)
			}
		}
	}
	return out, nil
}

func (p *Provider) oauth(found *oidc.Provider, a tenant.Attempt) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: found.Endpoint(),
		RedirectURL: a.Redirect, Scopes: p.cfg.Scopes,
	}
}

// with gives calls below ctx the bounded client.
func (p *Provider) with(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.client)
}

// discover asks the issuer where its endpoints are, at most once at a time, and
// after a failure not before a while has passed. What was found before serves on
// while the issuer does not answer.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Now()
	if p.found != nil && now.Sub(p.at) < refresh || now.Before(p.retryAt) {
		return p.known()
	}
	// Not the request's own context: a browser that leaves would fail it for all.
	ctx, cancel := context.WithTimeout(p.with(context.WithoutCancel(ctx)), timeout)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.cfg.Issuer)
	if err != nil {
		p.wait = min(max(2*p.wait, firstBackoff), maxBackoff)
		p.retryAt = now.Add(p.wait)
		p.failure = fmt.Errorf("%w (%w)", tenant.ErrProvider, hidden(err))
		return p.known()
	}
	p.found, p.at, p.wait, p.retryAt, p.failure = found, now, 0, time.Time{}, nil
	return found, nil
}

func (p *Provider) known() (*oidc.Provider, error) {
	if p.found != nil {
		return p.found, nil
	}
	return nil, p.failure
}

// Problem is why the issuer could not be asked last; empty where it could, or was
// not asked yet.
func (p *Provider) Problem() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		return ""
	}
	return p.failure.Error()
}

// hidden takes the address out of an error: of the token endpoint's it could hold
// what nobody else may read.
func hidden(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && said.Response != nil {
		return errors.New("it answered " + said.Response.Status)
	}
	return err
}

// bounded cuts answers that are too long.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}
