package tenant_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/storage/sql/sqltest"
)

// browser is one that may be signed in.
type browser struct {
	t      *testing.T
	ts     *tenant.Tenants
	cookie *http.Cookie
}

func (b browser) request(method string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	if b.cookie != nil {
		r.AddCookie(&http.Cookie{Name: b.cookie.Name, Value: b.cookie.Value})
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (b browser) csrf() string { return b.ts.CSRF(b.request(http.MethodGet)) }

func signIn(t *testing.T, ts *tenant.Tenants, token string) browser {
	t.Helper()
	c, err := ts.SignInWithToken(httptest.NewRequest(http.MethodPost, "/", nil), token)
	if err != nil {
		t.Fatal(err)
	}
	return browser{t, ts, c}
}

func (b browser) is(name string) {
	b.t.Helper()
	if p, err := b.ts.Identify(b.request(http.MethodGet)); err != nil || p.Name != name {
		b.t.Errorf("%+v %v, want %s", p, err, name)
	}
}

func (b browser) isOut() {
	b.t.Helper()
	p, err := b.ts.Identify(b.request(http.MethodGet))
	if !errors.Is(err, tenant.ErrUnauthenticated) || p != (access.Principal{}) {
		b.t.Errorf("still %+v %v", p, err)
	}
}

func TestSessions(t *testing.T) {
	var now clock
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	cfg := tenant.Config{
		DataDir: t.TempDir(), Store: db.Tokens(), Sessions: db.Sessions(), Now: now.now,
		SessionIdle: time.Hour, SessionLife: 3 * time.Hour, MaxSessions: 2, ExternalURL: "https://hadron.example",
	}
	ts := open(t, cfg)
	token := issue(t, ts, tenant.Request{Name: "ada", Role: access.Admin, Expiry: 10 * time.Hour})
	b := signIn(t, ts, token)
	if c := b.cookie; c.Name != "__Host-hadron_session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	b.is("token:ada")
	for _, f := range []string{path, path + "-wal"} {
		if data, err := os.ReadFile(f); err != nil || bytes.Contains(data, []byte(b.cookie.Value)) {
			t.Errorf("%s holds the cookie, or %v", f, err)
		}
	}
	now.set(50 * time.Minute)
	b.is("token:ada")
	now.set(100 * time.Minute) // its use is in memory only, and counts
	b.is("token:ada")
	if err := ts.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ts = open(t, cfg) // a restart ends nobody's session
	b.ts = ts
	now.set(150 * time.Minute)
	b.is("token:ada")
	now.set(180 * time.Minute)
	b.isOut() // used or not

	b = signIn(t, ts, token)
	now.set(241 * time.Minute)
	b.isOut() // not used for an hour

	first := signIn(t, ts, token)
	now.set(242 * time.Minute)
	second, third := signIn(t, ts, token), signIn(t, ts, token)
	first.isOut() // it made room
	second.is("token:ada")
	if _, err := ts.SignOut(second.request(http.MethodDelete)); !errors.Is(err, tenant.ErrCSRF) {
		t.Errorf("signed out by a page of another site: %v", err)
	}
	gone, err := ts.SignOut(second.request(http.MethodDelete, tenant.CSRFHeader, second.csrf()))
	if err != nil || gone.MaxAge >= 0 || gone.Name != "__Host-hadron_session" {
		t.Errorf("%+v %v", gone, err)
	}
	second.isOut()
	third.is("token:ada")
	if err := ts.Revoke(t.Context(), admin, "", "ada"); err != nil {
		t.Fatal(err)
	}
	third.isOut() // with its token
	if _, err := ts.SignInWithToken(httptest.NewRequest(http.MethodPost, "/", nil), token); !errors.Is(err, tenant.ErrUnauthenticated) {
		t.Errorf("signed in with a revoked token: %v", err)
	}
}

// What a cookie alone may do: read. The rest needs a word that only a page of
// Hadron's own knows, and that is of this session.
func TestCookiesAloneChangeNothing(t *testing.T) {
	db := sqltest.MustOpen(t)
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: db.Tokens(), Sessions: db.Sessions()})
	token := issue(t, ts, tenant.Request{Name: "ada", Role: access.Admin})
	b, other := signIn(t, ts, token), signIn(t, ts, token)
	if b.cookie.Name != "hadron_session" || b.cookie.Secure || b.csrf() == "" || b.csrf() == other.csrf() {
		t.Errorf("%+v", b.cookie)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, "REPORT"} {
		for _, r := range []*http.Request{
			b.request(method), b.request(method, tenant.CSRFHeader, ""), b.request(method, tenant.CSRFHeader, "x"), b.request(method, tenant.CSRFHeader, other.csrf()),
		} {
			if p, err := ts.Identify(r); !errors.Is(err, tenant.ErrCSRF) || p.Name != "" {
				t.Errorf("%s with %q: %+v %v", method, r.Header.Get(tenant.CSRFHeader), p, err)
			}
			if p, err := ts.IdentifyCaller(r); !errors.Is(err, tenant.ErrNobody) {
				t.Errorf("a call by %s: %+v %v", method, p, err)
			}
		}
		if p, err := ts.Identify(b.request(method, tenant.CSRFHeader, b.csrf())); err != nil || p.Name != "token:ada" {
			t.Errorf("%s: %+v %v", method, p, err)
		}
	}
	if _, err := ts.IdentifyCaller(b.request(http.MethodGet)); !errors.Is(err, tenant.ErrNobody) {
		t.Errorf("a link calls a function: %v", err)
	}
	if p, err := ts.IdentifyCaller(b.request(http.MethodGet, tenant.CSRFHeader, b.csrf())); err != nil || p.Name != "token:ada" {
		t.Errorf("a page calls a function: %+v %v", p, err)
	}
	if p, err := ts.Identify(b.request(http.MethodGet, "Authorization", "Bearer hdn_wrong")); !errors.Is(err, tenant.ErrUnauthenticated) {
		t.Errorf("a wrong token beside a good cookie: %+v %v", p, err)
	}
	if _, err := ts.Identify(httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, tenant.ErrNobody) {
		t.Errorf("nobody: %v", err)
	}
}

func TestRules(t *testing.T) {
	for _, text := range []string{"", "sre=admin", "group:=admin", "group:sre=", "group:sre=root", "group:sre=admin:a/b/c", "email:ada=viewer", "email:a*@x=viewer", "email:*@=viewer"} {
		if _, err := tenant.ParseRules([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	rules, err := tenant.ParseRules([]string{"group:cn=sre,dc=x=deployer:pay/core", "email:*@example.com=viewer"})
	if err != nil || rules[0].Group != "cn=sre,dc=x" || rules[0].Grant != (access.Grant{Role: access.Deployer, Scope: "pay/core"}) || rules[1].Email != "*@example.com" {
		t.Errorf("%+v %v", rules, err)
	}
}
