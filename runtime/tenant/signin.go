package tenant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Provider of identities: an OIDC issuer. Errors wrap ErrProvider where it cannot
// be reached now, and ErrRefused where it says no, or what it says does not hold.
type Provider interface {
	// AuthURL is where a browser goes to sign in.
	AuthURL(ctx context.Context, a Attempt) (string, error)
	// Exchange turns the code that the browser came back with into who it is.
	Exchange(ctx context.Context, code string, a Attempt) (Claims, error)
}

// Attempt is one sign-in on its way.
type Attempt struct {
	State    string // comes back with the browser
	Nonce    string // comes back in the id token
	Verifier string // of PKCE
	Redirect string // where the browser comes back to
}

var (
	// ErrProvider is wrapped where the provider cannot be reached.
	ErrProvider = errors.New("the identity provider cannot be reached now; try again, or sign in with a token")
	// ErrRefused is wrapped where a sign-in does not hold.
	ErrRefused = errors.New("the sign-in was refused; start it anew")
	// ErrNoGrants is returned for somebody whom no rule knows.
	ErrNoGrants = errors.New("this account is known, but nothing here is open to it; ask an operator to add it to oidc.grants")
	// ErrNoProvider is returned where none is configured.
	ErrNoProvider = errors.New("this server has no identity provider; sign in with a token")
)

// CallbackPath is where browsers come back to, below Config.ExternalURL.
const CallbackPath = "/api/v1/signin/callback"

// attemptTime is how long somebody may take at the provider.
const attemptTime = 10 * time.Minute

// attempt derives a sign-in from the one secret that its cookie holds, so that
// the server keeps nothing for those who never come back.
func (t *Tenants) attempt(secret string) Attempt {
	derive := func(what string) string {
		sum := sha256.Sum256([]byte(what + "\x00" + secret))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return Attempt{
		State: derive("state"), Nonce: derive("nonce"), Verifier: derive("verifier"),
		Redirect: strings.TrimRight(t.cfg.ExternalURL, "/") + CallbackPath,
	}
}

// HasProvider reports whether people can sign in with an identity provider.
func (t *Tenants) HasProvider() bool { return t.cfg.Provider != nil }

// StartSignIn returns where to send the browser, with the cookie that it must come
// back with. next is the page to show afterwards. Errors: ErrNoProvider, ErrProvider.
func (t *Tenants) StartSignIn(r *http.Request, next string) (string, *http.Cookie, error) {
	if t.cfg.Provider == nil {
		return "", nil, ErrNoProvider
	}
	secret, _ := generate("")
	to, err := t.cfg.Provider.AuthURL(r.Context(), t.attempt(secret))
	if err != nil {
		return "", nil, fmt.Errorf("start sign-in: %w", err)
	}
	kept := secret + "." + base64.RawURLEncoding.EncodeToString([]byte(ownPage(next)))
	return to, t.cookie(r, signInCookie, kept, attemptTime), nil
}

// FinishSignIn takes a browser that comes back from the provider. It returns the
// page to show, and the cookies: of the session, and that the attempt is over. The
// latter is there after an error too. Errors: ErrNoProvider, ErrProvider,
// ErrRefused, ErrNoGrants.
func (t *Tenants) FinishSignIn(r *http.Request) (next string, cookies []*http.Cookie, err error) {
	over := []*http.Cookie{t.cookie(r, signInCookie, "", 0)}
	if t.cfg.Provider == nil {
		return "", over, ErrNoProvider
	}
	c, err := r.Cookie(t.cookieName(r, signInCookie))
	if err != nil {
		return "", over, fmt.Errorf("%w: it took longer than %s, or was begun in another browser", ErrRefused, attemptTime)
	}
	secret, page, _ := strings.Cut(c.Value, ".")
	a, q := t.attempt(secret), r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.State)) != 1 {
		return "", over, fmt.Errorf("%w: it does not belong to what this browser began", ErrRefused)
	}
	if said := q.Get("error"); said != "" {
		return "", over, fmt.Errorf("%w: the provider said %.40q", ErrRefused, said)
	}
	claims, err := t.cfg.Provider.Exchange(r.Context(), q.Get("code"), a)
	if err != nil {
		return "", over, fmt.Errorf("finish sign-in: %w", err)
	}
	claims = claims.within(t.cfg.Rules)
	user, err := claims.user()
	if err != nil {
		return "", over, err
	}
	if granted(t.cfg.Rules, claims) == "" {
		t.cfg.Logger.LogAttrs(r.Context(), slog.LevelWarn, "sign-in without rights", slog.String("user", user))
		return "", over, ErrNoGrants
	}
	session, err := t.begin(r.Context(), r, Session{User: user, Claims: claims})
	if err != nil {
		return "", over, err
	}
	text, _ := base64.RawURLEncoding.DecodeString(page) // none is the first page
	return ownPage(string(text)), append(over, session), nil
}

// ownPage is a path of this server's own, the first page for anything else: an
// address of another host, in whatever disguise, is none.
func ownPage(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > 500 || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(u.Path, "/fn/") || strings.HasPrefix(u.Path, "/api/") {
		return "/"
	}
	return u.String()
}
