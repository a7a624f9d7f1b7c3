package tenant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"hadron/runtime/access"
)

const (
	sessionPrefix = "hds_"
	sessionCookie = "hadron_session"
	signInCookie  = "hadron_signin"
	hostPrefix    = "__Host-" // a browser takes such a cookie from this very host over https only

	// CSRFHeader carries what Session says as csrf, on every request by cookie that
	// changes something or calls a function.
	CSRFHeader = "Hadron-Csrf"
)

var (
	// ErrNobody is returned where a request carries neither token nor session.
	ErrNobody = errors.New("neither token nor session")
	// ErrCSRF is returned for a request by cookie that does not prove that a page of
	// Hadron's own sent it.
	ErrCSRF = errors.New("a request by cookie must carry the header " + CSRFHeader + " with the csrf of GET /api/v1/session")
	// ErrNoSession is returned where no session of that hash is kept.
	ErrNoSession = errors.New("no such session")
)

// Session is a browser that is signed in, as it is kept: without its cookie.
type Session struct {
	Hash      string // of the cookie: SHA-256 in hex
	User      string
	Claims    Claims // of a provider's; what they allow is looked up at each use
	TokenHash string // of the token signed in with: the session ends with it. Else empty
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // about
}

// SessionStore keeps sessions, by hash.
type SessionStore interface {
	// PutSession adds a session. It drops those that are over, and the user's oldest
	// beyond most.
	PutSession(ctx context.Context, s Session, most int, idle time.Duration) error
	// SessionByHash returns ErrNoSession where there is none.
	SessionByHash(ctx context.Context, hash string) (Session, error)
	// DeleteSession ends a session, if there is one.
	DeleteSession(ctx context.Context, hash string) error
	// UseSessions writes when sessions were used last, by hash.
	UseSessions(ctx context.Context, at map[string]time.Time) error
}

// Identify returns who a request comes from: by the Hadron token in its
// Authorization, else by its session's cookie. Errors: ErrNobody,
// ErrUnauthenticated, an *ExpiredError, and ErrCSRF where a cookie comes with an
// unsafe method and without its CSRFHeader.
func (t *Tenants) Identify(r *http.Request) (access.Principal, error) {
	token, cookie := t.credentials(r)
	switch {
	case t.cfg.Dev || token != "":
		return t.Authenticate(r.Context(), token)
	case cookie == "":
		return access.Principal{}, ErrNobody
	case !safe(r.Method) && !proven(r, cookie):
		return access.Principal{}, ErrCSRF
	}
	return t.bySession(r.Context(), cookie)
}

// IdentifyCaller is Identify for calls of functions, where a cookie alone says
// nothing, whatever the method: a link on any page would send it along.
func (t *Tenants) IdentifyCaller(r *http.Request) (access.Principal, error) {
	token, cookie := t.credentials(r)
	if !t.cfg.Dev && token == "" && (cookie == "" || !proven(r, cookie)) {
		return access.Principal{}, ErrNobody
	}
	return t.Identify(r)
}

// Kind says how the author of a request is known; it is of the audit log.
func (t *Tenants) Kind(r *http.Request) string {
	switch token, _ := t.credentials(r); {
	case t.cfg.Dev:
		return access.ByDev
	case token != "":
		return access.ByToken
	}
	return access.BySession
}

func (t *Tenants) credentials(r *http.Request) (token, cookie string) {
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(given), ""
	}
	if c, err := r.Cookie(t.cookieName(r, sessionCookie)); err == nil && strings.HasPrefix(c.Value, sessionPrefix) && len(c.Value) <= maxToken {
		return "", c.Value
	}
	return "", ""
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || method == http.MethodTrace
}

// csrfOf is what proves a page's own request: only who can read the session's
// answers knows it, and it says nothing of the cookie.
func csrfOf(cookie string) string {
	sum := sha256.Sum256([]byte("csrf\x00" + cookie))
	return encoding.EncodeToString(sum[:])
}

func proven(r *http.Request, cookie string) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get(CSRFHeader)), []byte(csrfOf(cookie))) == 1
}

func (t *Tenants) bySession(ctx context.Context, cookie string) (access.Principal, error) {
	if t.cfg.Sessions == nil {
		return access.Principal{}, ErrUnauthenticated
	}
	sum := sha256.Sum256([]byte(cookie))
	p, drops, ok := t.cache.get(sum)
	if !ok {
		s, err := t.cfg.Sessions.SessionByHash(ctx, hex.EncodeToString(sum[:]))
		if errors.Is(err, ErrNoSession) {
			return access.Principal{}, &ExpiredError{Session: true}
		}
		if err != nil {
			return access.Principal{}, fmt.Errorf("look up session: %w", err)
		}
		used := s.UsedAt
		if since := t.cache.lastUsed(sum); since.After(used) {
			used = since
		}
		if !t.cfg.Now().Before(used.Add(t.cfg.SessionIdle)) {
			return access.Principal{}, &ExpiredError{Session: true, At: used.Add(t.cfg.SessionIdle)}
		}
		if p, err = t.principalOf(ctx, s); err != nil {
			return access.Principal{}, err
		}
		t.cache.put(sum, p, drops)
	}
	if !t.cfg.Now().Before(p.Until) {
		return access.Principal{}, &ExpiredError{Session: true, At: p.Until}
	}
	return p, nil
}

// principalOf is who a session is now: its token's, as long as that lives, or what
// the rules of today make of its claims.
func (t *Tenants) principalOf(ctx context.Context, s Session) (access.Principal, error) {
	if s.TokenHash == "" {
		return access.Principal{Name: s.User, Grants: granted(t.cfg.Rules, s.Claims), Until: s.ExpiresAt}, nil
	}
	b, err := hex.DecodeString(s.TokenHash)
	if err != nil || len(b) != sha256.Size {
		return access.Principal{}, fmt.Errorf("read session: its token's hash is damaged")
	}
	p, err := t.bySum(ctx, [sha256.Size]byte(b))
	if errors.Is(err, ErrUnauthenticated) {
		return access.Principal{}, &ExpiredError{Session: true}
	}
	if err != nil {
		return access.Principal{}, err
	}
	if p.Until.IsZero() || s.ExpiresAt.Before(p.Until) {
		p.Until = s.ExpiresAt
	}
	return p, nil
}

// begin starts a session and returns its cookie.
func (t *Tenants) begin(ctx context.Context, r *http.Request, s Session) (*http.Cookie, error) {
	if t.cfg.Sessions == nil {
		return nil, fmt.Errorf("%w: this server keeps no sessions", ErrInvalid)
	}
	cookie, sum := generate(sessionPrefix)
	s.Hash = hex.EncodeToString(sum[:])
	s.CreatedAt = t.now()
	s.UsedAt, s.ExpiresAt = s.CreatedAt, s.CreatedAt.Add(t.cfg.SessionLife)
	if err := t.cfg.Sessions.PutSession(ctx, s, t.cfg.MaxSessions, t.cfg.SessionIdle); err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	t.cache.clear() // of the oldest, which made room
	t.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "signed in", slog.String("user", s.User))
	return t.cookie(r, sessionCookie, cookie, t.cfg.SessionLife), nil
}

// SignInWithToken begins a session that lives no longer than the token. Errors are
// those of Authenticate.
func (t *Tenants) SignInWithToken(r *http.Request, token string) (*http.Cookie, error) {
	who, err := t.Authenticate(r.Context(), token)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(token))
	return t.begin(r.Context(), r, Session{User: who.Name, TokenHash: hex.EncodeToString(sum[:])})
}

// SignOut ends the request's session, if it has one, and returns the cookie that
// takes its own away.
func (t *Tenants) SignOut(r *http.Request) (*http.Cookie, error) {
	gone := t.cookie(r, sessionCookie, "", 0)
	_, cookie := t.credentials(r)
	if cookie == "" || t.cfg.Sessions == nil {
		return gone, nil
	}
	if !proven(r, cookie) {
		return nil, ErrCSRF
	}
	sum := sha256.Sum256([]byte(cookie))
	err := t.cfg.Sessions.DeleteSession(r.Context(), hex.EncodeToString(sum[:]))
	t.cache.clear()
	if err != nil {
		return nil, fmt.Errorf("end session: %w", err)
	}
	return gone, nil
}

// CSRF returns what requests of the session must carry in CSRFHeader; empty where
// the request is no session's.
func (t *Tenants) CSRF(r *http.Request) string {
	if _, cookie := t.credentials(r); cookie != "" && !t.cfg.Dev {
		return csrfOf(cookie)
	}
	return ""
}

func (t *Tenants) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(t.cfg.ExternalURL, "https://")
}

// cookieName has the prefix that keeps other hosts and plain http out, where
// browsers take it. One name only is looked at: a page of a sibling host can set
// the other.
func (t *Tenants) cookieName(r *http.Request, name string) string {
	if t.secure(r) {
		return hostPrefix + name
	}
	return name
}

// cookie makes one of Hadron's; a life of 0 takes it away.
func (t *Tenants) cookie(r *http.Request, name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: t.cookieName(r, name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: t.secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if life == 0 {
		c.MaxAge = -1
	}
	return c
}
