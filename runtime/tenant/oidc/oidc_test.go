package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/runtime/tenant/oidc"
	"hadron/runtime/tenant/oidc/oidctest"
	"hadron/storage/sql/sqltest"
)

const external = "http://hadron.example"

// world is an issuer with a Hadron that trusts it.
type world struct {
	t       *testing.T
	issuer  *oidctest.Issuer
	tenants *tenant.Tenants
	now     atomic.Int64 // seconds beside the real time
}

func open(t *testing.T, rules ...string) *world {
	t.Helper()
	w := &world{t: t, issuer: oidctest.Start(t)}
	now := func() time.Time { return time.Now().Add(time.Duration(w.now.Load()) * time.Second) }
	p, err := oidc.New(oidc.Config{Issuer: w.issuer.URL, ClientID: w.issuer.ClientID, ClientSecret: w.issuer.Secret, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := tenant.ParseRules(rules)
	if err != nil {
		t.Fatal(err)
	}
	db := sqltest.MustOpen(t)
	w.tenants, err = tenant.New(tenant.Config{
		DataDir: t.TempDir(), Store: db.Tokens(), Sessions: db.Sessions(), ExternalURL: external, Provider: p, Rules: parsed, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// start begins a sign-in and goes to the issuer; it returns the address that the
// browser is sent back to.
func (w *world) start(next string) (*url.URL, *http.Cookie) {
	w.t.Helper()
	to, cookie, err := w.tenants.StartSignIn(httptest.NewRequest(http.MethodGet, "/api/v1/signin", nil), next)
	if err != nil {
		w.t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(to)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		w.t.Fatalf("%s: %v", res.Status, err)
	}
	return back, cookie
}

// finish comes back, and returns who is signed in then.
func (w *world) finish(back *url.URL, cookie *http.Cookie) (access.Principal, string, error) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, back.RequestURI(), nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	next, cookies, err := w.tenants.FinishSignIn(r)
	if err != nil {
		if len(cookies) != 1 || cookies[0].MaxAge >= 0 {
			w.t.Errorf("the attempt's cookie stays: %v", cookies)
		}
		return access.Principal{}, "", err
	}
	session := cookies[1]
	if !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || session.Path != "/" || session.Domain != "" {
		w.t.Errorf("%+v", session)
	}
	asks := httptest.NewRequest(http.MethodGet, "/", nil)
	asks.AddCookie(session)
	who, err := w.tenants.Identify(asks)
	return who, next, err
}

func TestSignIn(t *testing.T) {
	w := open(t, "group:sre=admin:pay", "email:*@example.com=viewer", "group:other=admin")
	back, cookie := w.start("/f/a/b/c?x=1")
	if back.Path != tenant.CallbackPath || back.Host != "hadron.example" {
		t.Errorf("back to %s", back)
	}
	who, next, err := w.finish(back, cookie)
	if err != nil || who.Name != "ada@example.com" || who.Grants != "viewer: admin:pay" || next != "/f/a/b/c?x=1" || who.Until.IsZero() {
		t.Errorf("%+v %q %v", who, next, err)
	}
	if _, _, err := w.finish(back, cookie); !errors.Is(err, tenant.ErrRefused) {
		t.Errorf("the same code again: %v", err)
	}
	w.issuer.Rotate(t)
	if who, _, err := w.finish(w.start("/")); err != nil || who.Name != "ada@example.com" {
		t.Errorf("after the issuer took a new key: %+v %v", who, err)
	}
}

// Whatever does not hold is refused, and nobody is signed in.
func TestSignInRefuses(t *testing.T) {
	w := open(t, "email:ada@example.com=viewer")
	claim := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	for what, bend := range map[string]func(map[string]any){
		"another sign-in's nonce": claim("nonce", "another"),
		"no nonce":                func(c map[string]any) { delete(c, "nonce") },
		"expired":                 claim("exp", time.Now().Add(-time.Hour).Unix()),
		"another audience":        claim("aud", "grafana"),
		"another issuer":          claim("iss", "https://evil.example"),
	} {
		w.issuer.Lock()
		w.issuer.Change = bend
		w.issuer.Unlock()
		if who, _, err := w.finish(w.start("/")); !errors.Is(err, tenant.ErrRefused) {
			t.Errorf("%s: %+v %v", what, who, err)
		}
	}
	w.issuer.Lock()
	w.issuer.Change = claim("email_verified", false)
	w.issuer.Unlock()
	if who, _, err := w.finish(w.start("/")); !errors.Is(err, tenant.ErrNoGrants) {
		t.Errorf("an address that nobody verified: %+v %v", who, err)
	}
	w.issuer.Lock()
	w.issuer.Change, w.issuer.Forge = nil, true
	w.issuer.Unlock()
	if who, _, err := w.finish(w.start("/")); !errors.Is(err, tenant.ErrRefused) {
		t.Errorf("a forged signature: %+v %v", who, err)
	}
	w.issuer.Lock()
	w.issuer.Forge = false
	w.issuer.Unlock()

	back, cookie := w.start("/")
	_, other := w.start("/")
	bent := func(name, value string) *url.URL {
		u := *back
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return &u
	}
	for what, c := range map[string]struct {
		back   *url.URL
		cookie *http.Cookie
	}{
		"no cookie":           {back, nil},
		"another's cookie":    {back, other},
		"another state":       {bent("state", "x"), cookie},
		"another code":        {bent("code", "x"), cookie},
		"the issuer says no":  {bent("error", "access_denied"), cookie},
		"a code of elsewhere": {bent("code", ""), cookie},
	} {
		if who, _, err := w.finish(c.back, c.cookie); !errors.Is(err, tenant.ErrRefused) {
			t.Errorf("%s: %+v %v", what, who, err)
		}
	}
	// A code that was caught on the way is of no use with the verifier of another attempt.
	theirs, ourCookie := w.start("/")
	code := back.Query().Get("code")
	q := theirs.Query()
	q.Set("code", code)
	theirs.RawQuery = q.Encode()
	if who, _, err := w.finish(theirs, ourCookie); !errors.Is(err, tenant.ErrRefused) {
		t.Errorf("a stolen code: %+v %v", who, err)
	}
}

func TestNextStaysHere(t *testing.T) {
	w := open(t, "group:sre=viewer")
	for next, want := range map[string]string{
		"/audit": "/audit", "": "/", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "/fn/a/b/c": "/",
		"/%2f/evil.example": "/", "javascript:alert(1)": "/", "audit": "/", "/" + strings.Repeat("x", 600): "/",
	} {
		back, cookie := w.start(next)
		if _, got, err := w.finish(back, cookie); err != nil || got != want {
			t.Errorf("%q goes on to %q, %v", next, got, err)
		}
	}
}

// A dead issuer stops nothing, is not asked without end, and is found again.
func TestIssuerThatIsDown(t *testing.T) {
	w := open(t, "group:sre=viewer")
	w.issuer.Lock()
	w.issuer.Down = true
	w.issuer.Unlock()
	begin := func() error {
		_, _, err := w.tenants.StartSignIn(httptest.NewRequest(http.MethodGet, "/", nil), "/")
		return err
	}
	for range 3 {
		if err := begin(); !errors.Is(err, tenant.ErrProvider) {
			t.Fatalf("%v", err)
		}
	}
	w.issuer.Lock()
	w.issuer.Down = false
	w.issuer.Unlock()
	if err := begin(); !errors.Is(err, tenant.ErrProvider) {
		t.Errorf("asked again at once: %v", err)
	}
	w.now.Store(120)
	if err := begin(); err != nil {
		t.Errorf("after a while: %v", err)
	}
	w.issuer.Lock()
	w.issuer.Down = true
	w.issuer.Unlock()
	w.now.Store(7200)
	if err := begin(); err != nil {
		t.Errorf("what was found is forgotten: %v", err)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []oidc.Config{
		{Issuer: "http://issuer.example", ClientID: "x"}, {Issuer: "https://issuer.example"}, {Issuer: "issuer", ClientID: "x"}, {Issuer: "https://a:b@issuer.example", ClientID: "x"},
	} {
		if _, err := oidc.New(c); err == nil {
			t.Errorf("taken: %+v", c)
		}
	}
}
