package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"hadron/runtime/tenant/oidc/oidctest"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// startWithIssuer runs a server that trusts a fake issuer, with the admin's token.
func startWithIssuer(t *testing.T, grants ...string) (*process, *oidctest.Issuer) {
	t.Helper()
	issuer := oidctest.Start(t)
	dir := t.TempDir()
	secret := filepath.Join(dir, "oidc-secret")
	if err := os.WriteFile(secret, []byte(issuer.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--oidc.issuer", issuer.URL, "--oidc.client-id", issuer.ClientID, "--oidc.client-secret-file", secret}
	for _, g := range grants {
		args = append(args, "--oidc.grants", g)
	}
	p := startServer(t, dir, args...)
	p.adopt(dir)
	return p, issuer
}

// A person signs in, sees the team that the provider's groups open, and signs out.
func TestSignInStory(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	p, issuer := startWithIssuer(t, "group:sre=admin:growth")
	issuer.Lock()
	issuer.Ask = true
	issuer.Unlock()
	for _, f := range []string{"growth/signup/greeting", "pay/core/charge"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: greetings, Message: "the first"}, nil)
	}
	run := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		ctx, cancel := context.WithTimeout(ctx, leisure*time.Minute)
		defer cancel()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	visible := func(css string) chromedp.Action[chromedp.Void] { return chromedp.WaitVisible(chromedp.CSS(css)) }
	click := func(css string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(css)) }

	run("open", chromedp.EmulateViewport(1440, 900), chromedp.Navigate(p.url+"/"), visible("[data-provider]"))
	shots(t, ctx, "sign-in")
	run("go to the provider", click("[data-provider]"), visible("#continue"))
	run("come back", click("#continue"), visible(`[data-function="growth/signup/greeting"]`))
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil || strings.Contains(text, "pay/core/charge") || !strings.Contains(text, "Sign out") {
		t.Errorf("the overview: %v %s", err, text)
	}
	cookies, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.cookie"))
	if err != nil || cookies != "" {
		t.Errorf("a script reads %q, %v", cookies, err)
	}
	run("make a token", click(`a[href="/tokens"]`), chromedp.Click(chromedp.Search(`//button[contains(., "New token")]`)), visible(`input[name="name"]`),
		typeIn(`input[name="name"]`, "ci"), chromedp.Click(chromedp.Search(`//button[contains(., "Make it")]`)), visible("[data-secret]"))
	secret, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("[data-secret]").innerText`))
	if err != nil || !strings.HasPrefix(secret, "hdn_") {
		t.Errorf("the token: %q %v", secret, err)
	}
	run("keep it", chromedp.Click(chromedp.Search(`//button[contains(., "Done")]`)), visible(`[data-token="ci"]`))
	shots(t, ctx, "tokens")
	run("look at the audit log", click(`a[href="/audit"]`), visible(`[data-change="token_created"]`), visible(`[data-change="deployed"]`))
	shots(t, ctx, "audit")
	run("sign out", chromedp.Click(chromedp.Search(`//button[contains(., "Sign out")]`)), visible("[data-provider]"))
	run("come back to it", chromedp.Navigate(p.url+"/audit"), visible("[data-provider]"))
}

// session is a browser without a screen.
type session struct {
	t    *testing.T
	p    *process
	http *http.Client
}

func (p *process) browse() *session {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &session{t: p.t, p: p, http: &http.Client{Jar: jar}}
}

// do sends a request with the cookies that a browser would; header is pairs.
func (s *session) do(method, path, body string, header ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.p.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

func (s *session) want(status int, method, path, body string, header ...string) string {
	s.t.Helper()
	got, text := s.do(method, path, body, header...)
	if got != status {
		s.t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	return text
}

const reveals = `export default (request) => Response.json({ cookie: request.headers.get("cookie"), csrf: request.headers.get("hadron-csrf"), auth: request.headers.get("authorization") })`

// A signed-in browser may do what its person may, as long as Hadron's own page
// asks; the cookie reaches no function, and changes are the person's in the log.
func TestBrowserSession(t *testing.T) {
	t.Parallel()
	p, _ := startWithIssuer(t, "group:sre=deployer:growth")
	for _, f := range []string{"growth/signup/greeting", "pay/core/charge"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: reveals, Manifest: []byte(`{"access":"private"}`)}, nil)
	}
	s := p.browse()
	s.want(http.StatusUnauthorized, http.MethodGet, "/api/v1/functions", "")
	s.want(http.StatusOK, http.MethodGet, "/api/v1/signin?next=/audit", "") // to the issuer, and back
	var me wire.Session
	decodeInto(t, s.want(http.StatusOK, http.MethodGet, "/api/v1/session", ""), &me)
	if me.Name != "ada@example.com" || me.Kind != "session" || len(me.Grants) != 1 || me.Grants[0] != (wire.Grant{Role: "deployer", Scope: "growth"}) || me.CSRF == "" || me.ExpiresAt == nil {
		t.Fatalf("%+v", me)
	}
	const base = "/api/v1/functions/growth/signup/greeting"
	s.want(http.StatusOK, http.MethodGet, base, "")
	s.want(http.StatusNotFound, http.MethodGet, "/api/v1/functions/pay/core/charge", "")
	put := `{"weights":[{"version":1,"weight":1}]}`
	if text := s.want(http.StatusForbidden, http.MethodPut, base+"/aliases/next", put); !strings.Contains(text, `"csrf"`) {
		t.Errorf("without csrf: %s", text)
	}
	s.want(http.StatusForbidden, http.MethodPut, base+"/aliases/next", put, "Hadron-Csrf", "guessed")
	s.want(http.StatusForbidden, http.MethodPut, base+"/aliases/next", put, "Hadron-Csrf", me.CSRF, "Origin", "https://evil.example")
	s.want(http.StatusForbidden, http.MethodPut, base+"/aliases/next", put, "Hadron-Csrf", me.CSRF, "Sec-Fetch-Site", "cross-site")
	s.want(http.StatusOK, http.MethodPut, base+"/aliases/next", put, "Hadron-Csrf", me.CSRF, "Origin", p.url, "Sec-Fetch-Site", "same-origin", "User-Agent", "Firefox")
	s.want(http.StatusForbidden, http.MethodPost, "/prometheus/api/v1/query", "query=up", "Content-Type", "application/x-www-form-urlencoded")
	s.want(http.StatusOK, http.MethodPost, "/prometheus/api/v1/query", "query=up", "Content-Type", "application/x-www-form-urlencoded", "Hadron-Csrf", me.CSRF)

	s.want(http.StatusUnauthorized, http.MethodGet, "/fn/growth/signup/greeting", "") // as any link would
	told := s.want(http.StatusOK, http.MethodGet, "/fn/growth/signup/greeting", "", "Hadron-Csrf", me.CSRF, "X-Mine", "1")
	if told != `{"cookie":null,"csrf":null,"auth":null}` {
		t.Errorf("the function sees %s", told)
	}
	s.want(http.StatusForbidden, http.MethodGet, "/fn/pay/core/charge", "", "Hadron-Csrf", me.CSRF)

	var log wire.List[wire.Change]
	decodeInto(t, s.want(http.StatusOK, http.MethodGet, "/api/v1/changes?function=growth/signup/greeting", ""), &log)
	if len(log.Items) != 2 || log.Items[0].Author != "ada@example.com" || log.Items[0].Origin != "session" || log.Items[0].Address != "127.0.0.1" ||
		log.Items[0].Agent != "Firefox" || log.Items[0].Kind != "repointed" || log.Items[1].Author != "admin" || log.Items[1].Address != "" {
		t.Errorf("the log: %+v", log.Items)
	}

	s.websocket()
	s.want(http.StatusForbidden, http.MethodDelete, "/api/v1/session", "")
	s.want(http.StatusNoContent, http.MethodDelete, "/api/v1/session", "", "Hadron-Csrf", me.CSRF)
	s.want(http.StatusUnauthorized, http.MethodGet, base, "")
}

// websocket connects by cookie: only with this server's Origin.
func (s *session) websocket() {
	s.t.Helper()
	for origin, want := range map[string]int{"": http.StatusForbidden, "https://evil.example": http.StatusForbidden, s.p.url: http.StatusSwitchingProtocols} {
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.p.url+"/api/v1/live", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": origin,
		} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		res, err := s.http.Do(req)
		if err != nil {
			s.t.Fatal(err)
		}
		if res.StatusCode != want {
			s.t.Errorf("a websocket from %q: %s", origin, res.Status)
		}
		_ = res.Body.Close()
	}
}

// A server whose issuer is dead starts, serves those with tokens, and says what is wrong.
func TestDeadIssuer(t *testing.T) {
	t.Parallel()
	p, issuer := startWithIssuer(t, "group:sre=viewer")
	issuer.Lock()
	issuer.Down = true
	issuer.Unlock()
	s := p.browse()
	s.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.want(http.StatusFound, http.MethodGet, "/api/v1/signin", "")
	var system wire.System
	p.want(http.StatusOK, http.MethodGet, "/api/v1/system", nil, &system)
	if text := sprint(system.Parts); system.State != wire.PartDegraded || !strings.Contains(text, "sign-in degraded") {
		t.Errorf("%s %s", system.State, text)
	}
	s.want(http.StatusNoContent, http.MethodPost, "/api/v1/session", `{"token":"`+p.token+`"}`)
	s.want(http.StatusOK, http.MethodGet, "/api/v1/functions", "")
	s.want(http.StatusUnauthorized, http.MethodPost, "/api/v1/session", `{"token":"hdn_wrong"}`)
}

// What a token may do is what its session may, and both end together; its expiry
// and revocation close the websocket.
func TestTokensByAPI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir)
	p.adopt(dir)
	admin := p.client(p.token)
	made, err := admin.CreateToken(t.Context(), wire.CreateToken{Name: "lead", Role: "admin", Scope: "growth", Expires: "30d"})
	if err != nil || made.Secret == "" || made.Token.CreatedBy != "admin" || made.Token.ExpiresAt == nil {
		t.Fatalf("%+v %v", made, err)
	}
	lead := p.client(made.Secret)
	ci, err := lead.CreateToken(t.Context(), wire.CreateToken{Name: "ci", Role: "deployer", Scope: "growth/signup"})
	if err != nil || ci.Token.CreatedBy != "token:growth/lead" {
		t.Fatalf("%+v %v", ci, err)
	}
	for what, c := range map[string]struct {
		by   *client.Client
		body wire.CreateToken
		code string
	}{
		"above":      {lead, wire.CreateToken{Name: "x", Role: "viewer"}, "above_grants"},
		"elsewhere":  {lead, wire.CreateToken{Name: "x", Role: "viewer", Scope: "pay"}, "above_grants"},
		"no admin":   {p.client(ci.Secret), wire.CreateToken{Name: "x", Role: "viewer", Scope: "growth/signup"}, "forbidden"},
		"twice":      {lead, wire.CreateToken{Name: "ci", Role: "viewer", Scope: "growth"}, "token_exists"},
		"a role":     {lead, wire.CreateToken{Name: "x", Role: "root", Scope: "growth"}, "token_invalid"},
		"a scope":    {lead, wire.CreateToken{Name: "x", Role: "viewer", Scope: "growth/a/b"}, "token_invalid"},
		"a time":     {lead, wire.CreateToken{Name: "x", Role: "viewer", Scope: "growth", Expires: "10y"}, "token_invalid"},
		"a long one": {lead, wire.CreateToken{Name: "x", Role: "viewer", Scope: "growth", Expires: "400d"}, "token_invalid"},
	} {
		if _, err := c.by.CreateToken(t.Context(), c.body); client.Code(err) != c.code {
			t.Errorf("%s: %v", what, err)
		}
	}
	list, err := lead.Tokens(t.Context())
	if err != nil || len(list.Items) != 2 || list.Items[0].Name != "ci" {
		t.Errorf("%+v %v", list, err)
	}
	live, err := p.client(ci.Secret).Live(t.Context(), "overview")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := lead.RevokeToken(t.Context(), "", "ci"); err != nil { // of the one team it administers
		t.Fatal(err)
	}
	if _, err := p.client(ci.Secret).Functions(t.Context(), client.FunctionFilter{}); client.Code(err) != "unauthorized" {
		t.Errorf("revoked: %v", err)
	}
	if err := lead.RevokeToken(t.Context(), "", "lead-of-nobody"); client.Code(err) != "token_not_found" {
		t.Errorf("no such token: %v", err)
	}
	changes, err := lead.Changes(t.Context(), client.ChangeFilter{Kind: "token_revoked"})
	if err != nil || len(changes.Items) != 1 || changes.Items[0].Subject != "token:growth/ci" || changes.Items[0].Author != "token:growth/lead" || changes.Items[0].Agent == "" {
		t.Errorf("%+v %v", changes, err)
	}
}

func (p *process) client(token string) *client.Client {
	p.t.Helper()
	c, err := client.New(p.url, token)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// hadron login keeps a token that all verbs use, for that server only.
func TestLogin(t *testing.T) {
	dir, home := t.TempDir(), t.TempDir()
	p := startServer(t, dir)
	p.adopt(dir)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("HADRON_SERVER", "")
	t.Setenv("HADRON_TOKEN", "")
	hadron := func(in string, args ...string) (int, string) {
		var out strings.Builder
		code := run(t.Context(), stdio{In: strings.NewReader(in), Out: &out, Err: &out}, args)
		return code, out.String()
	}
	if code, out := hadron("hdn_wrong-token-000000000000\n", "login", p.url); code != exitRefused || !strings.Contains(out, "unauthorized") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := hadron("", "login", p.url); code != exitUsage {
		t.Errorf("%d %s", code, out)
	}
	code, out := hadron(p.token+"\n", "login", p.url)
	if code != exitOK || !strings.Contains(out, "as admin (admin of everything)") || strings.Contains(out, p.token) {
		t.Fatalf("%d %s", code, out)
	}
	path := filepath.Join(home, "hadron", "login.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if code, out := hadron("", "functions"); code != exitOK {
		t.Errorf("%d %s", code, out)
	}
	if code, out := hadron("", "token", "create", "ci", "--role", "deployer", "--scope", "growth"); code != exitOK || !strings.Contains(out, "hdn_") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := hadron("", "token", "list"); code != exitOK || !strings.Contains(out, "growth/ci") || !strings.Contains(out, "never") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := hadron("", "token", "revoke", "growth/ci"); code != exitOK {
		t.Errorf("%d %s", code, out)
	}
	if code, out := hadron("", "audit", "--team", "growth"); code != exitOK || !strings.Contains(out, "revoked the token") || !strings.Contains(out, "127.0.0.1") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := hadron("", "functions", "--token", "hdn_another-000000000000000000"); code != exitRefused {
		t.Errorf("--token does not win: %d %s", code, out)
	}
	other := startServer(t, t.TempDir())
	if code, out := hadron("", "functions", "--server", other.url); code != exitRefused || !strings.Contains(out, "unauthorized") {
		t.Errorf("a token went to another server: %d %s", code, out)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := hadron("", "functions"); code != exitFailed || !strings.Contains(out, "chmod 600") {
		t.Errorf("%d %s", code, out)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := hadron("", "logout"); code != exitOK {
		t.Errorf("%d %s", code, out)
	}
	if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), p.token) {
		t.Errorf("%s %v", b, err)
	}
}

func decodeInto(t *testing.T, text string, out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), out); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
