package tenant_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/storage/sql/sqltest"
)

var (
	admin     = access.Principal{Name: "admin", Grants: access.Granted(access.Admin, access.Everything)}
	tokenText = regexp.MustCompile(`hdn_[a-z2-7]{52}`)
)

func open(t testing.TB, cfg tenant.Config) *tenant.Tenants {
	t.Helper()
	ts, err := tenant.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func wantPrincipal(t testing.TB, ts *tenant.Tenants, token string, want access.Principal) {
	t.Helper()
	if got, err := ts.Authenticate(t.Context(), token); err != nil || got != want {
		t.Errorf("got %+v %v, want %+v", got, err, want)
	}
}

func wantNobody(t testing.TB, ts *tenant.Tenants, token string) {
	t.Helper()
	if got, err := ts.Authenticate(t.Context(), token); !errors.Is(err, tenant.ErrUnauthenticated) || got != (access.Principal{}) {
		t.Errorf("%q: got %+v %v", token, got, err)
	}
}

func TestDevNeedsNoToken(t *testing.T) {
	dir := t.TempDir()
	ts := open(t, tenant.Config{Dev: true, DataDir: dir})
	for _, token := range []string{"", "hdn_x", "nonsense"} {
		wantPrincipal(t, ts, token, access.Principal{Name: "dev", Grants: access.Granted(access.Admin, access.Everything)})
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("made %v", files)
	}
}

func TestAdminTokenIsWrittenOnceWithoutTerminal(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	cfg := tenant.Config{DataDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	ts := open(t, cfg)
	path := filepath.Join(dir, "admin-token")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(b))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 || !tokenText.MatchString(token) {
		t.Errorf("%v %v %q", info, err, token)
	}
	wantPrincipal(t, ts, token, admin)
	wantPrincipal(t, open(t, cfg), token, admin)
	for _, wrong := range []string{"", "hdn_", token + "a", token[:len(token)-1], strings.ToUpper(token), "Bearer " + token, "hdn_" + strings.Repeat("x", 1<<20)} {
		wantNobody(t, ts, wrong)
	}
	if strings.Contains(log.String(), token) || !strings.Contains(log.String(), path) {
		t.Errorf("log: %s", log.String())
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left %v", files)
	}
}

func TestShownAdminTokenStaysValid(t *testing.T) {
	dir := t.TempDir()
	var terminal, again bytes.Buffer
	ts := open(t, tenant.Config{DataDir: dir, Terminal: &terminal})
	token := tokenText.FindString(terminal.String())
	wantPrincipal(t, ts, token, admin)
	path := filepath.Join(dir, "admin-token.sha256")
	b, err := os.ReadFile(path)
	if info, serr := os.Stat(path); err != nil || serr != nil || info.Mode().Perm() != 0o600 || strings.Contains(string(b), token) {
		t.Errorf("%s %v %v", b, err, serr)
	}
	wantPrincipal(t, open(t, tenant.Config{DataDir: dir, Terminal: &again}), token, admin)
	wantPrincipal(t, open(t, tenant.Config{DataDir: dir}), token, admin) // then under a service manager
	if again.Len() != 0 {
		t.Errorf("shown again: %s", &again)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	ts = open(t, tenant.Config{DataDir: dir, Terminal: &again})
	wantNobody(t, ts, token)
	wantPrincipal(t, ts, tokenText.FindString(again.String()), admin)
}

func TestTerminalThatFailsLeavesNoToken(t *testing.T) {
	dir := t.TempDir()
	if _, err := tenant.New(tenant.Config{DataDir: dir, Terminal: broken{}}); err == nil {
		t.Error("started with a token that nobody saw")
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left %v", files)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestAdminTokenFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hdn_chosen-by-the-operator\n")
	ts := open(t, tenant.Config{AdminTokenFile: path, DataDir: dir})
	wantPrincipal(t, ts, "hdn_chosen-by-the-operator", admin)
	for _, text := range []string{"", "secret-without-prefix-000000", "hdn_short", "hdn_two-of-them-000000000 hdn_x", "hdn_" + strings.Repeat("x", 300)} {
		write(text)
		if _, err := tenant.New(tenant.Config{AdminTokenFile: path}); err == nil || (text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if _, err := tenant.New(tenant.Config{AdminTokenFile: filepath.Join(dir, "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if _, err := tenant.New(tenant.Config{DataDir: filepath.Join(dir, "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no data directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "admin-token.sha256"), []byte("zz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := tenant.New(tenant.Config{DataDir: dir}); err == nil {
		t.Error("a damaged hash was taken")
	}
}

// issue makes a token as the admin.
func issue(t testing.TB, ts *tenant.Tenants, r tenant.Request) string {
	t.Helper()
	token, made, err := ts.Issue(t.Context(), admin, r)
	if err != nil || made.Name != r.Name || made.CreatedBy != "admin" || made.ExpiresAt.IsZero() {
		t.Fatalf("%+v %v", made, err)
	}
	return token
}

func TestIssuedTokens(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	cfg := tenant.Config{DataDir: t.TempDir(), Store: db.Tokens()}
	ts := open(t, cfg)
	token := issue(t, ts, tenant.Request{Name: "grafana", Role: access.Viewer})
	ci := issue(t, ts, tenant.Request{Name: "ci", Role: access.Deployer, Scope: "shop/web"})
	for range 2 { // looked up, then remembered
		wantHolder(t, ts, token, "token:grafana", "viewer:")
		wantHolder(t, ts, ci, "token:shop/ci", "deployer:shop/web")
	}
	list, err := ts.Tokens(ctx, admin)
	if err != nil || len(list) != 2 || list[0].Name != "grafana" || list[1].ID() != "shop/ci" || list[1].Role != access.Deployer || list[1].CreatedAt.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
	for _, f := range []string{path, path + "-wal"} {
		if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte(token)) {
			t.Errorf("%s holds the token, or %v", f, err)
		}
	}
	wantHolder(t, open(t, cfg), token, "token:grafana", "viewer:") // after a restart

	if _, _, err := ts.Issue(ctx, admin, tenant.Request{Name: "grafana", Role: access.Admin}); !errors.Is(err, tenant.ErrTokenExists) {
		t.Errorf("the same name: %v", err)
	}
	wantHolder(t, ts, token, "token:grafana", "viewer:")
	next := issue(t, ts, tenant.Request{Name: "grafana", Role: access.Deployer, Replace: true})
	wantNobody(t, ts, token)
	wantHolder(t, ts, next, "token:grafana", "deployer:")
	if err := ts.Revoke(ctx, admin, "", "grafana"); err != nil {
		t.Fatal(err)
	}
	wantNobody(t, ts, next)
	if err := ts.Revoke(ctx, admin, "", "grafana"); !errors.Is(err, tenant.ErrNoToken) {
		t.Errorf("revoked twice: %v", err)
	}
	own, err := ts.IssueOwn(ctx, "datasource", access.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	wantPrincipal(t, ts, own, access.Principal{Name: "token:datasource", Grants: "viewer:"}) // without end
}

func wantHolder(t testing.TB, ts *tenant.Tenants, token, name string, grants access.Grants) {
	t.Helper()
	if p, err := ts.Authenticate(t.Context(), token); err != nil || p.Name != name || p.Grants != grants || p.Until.IsZero() {
		t.Errorf("got %+v %v, want %s with %s", p, err, name, grants)
	}
}

// A team's admin manages its team's tokens: no other's are shown, taken or ended,
// and none is allowed more than the admin.
func TestTeamsManageTheirOwnTokens(t *testing.T) {
	ctx := t.Context()
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: sqltest.MustOpen(t).Tokens(), MaxTokens: 3})
	shop := access.Principal{Name: "sue", Grants: access.Granted(access.Admin, "shop")}
	web := access.Principal{Name: "wes", Grants: access.Granted(access.Admin, "shop/web")}
	other := issue(t, ts, tenant.Request{Name: "ci", Role: access.Deployer, Scope: "pay"})
	overall := issue(t, ts, tenant.Request{Name: "ci", Role: access.Deployer})
	for _, r := range []tenant.Request{{Name: "ci", Role: access.Admin, Scope: "shop"}, {Name: "web", Role: access.Viewer, Scope: "shop/web"}} {
		if _, _, err := ts.Issue(ctx, shop, r); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for _, c := range []struct {
		by access.Principal
		r  tenant.Request
	}{
		{shop, tenant.Request{Name: "x", Role: access.Viewer}},
		{shop, tenant.Request{Name: "x", Role: access.Viewer, Scope: "pay"}},
		{shop, tenant.Request{Name: "x", Role: access.Viewer, Scope: "shopping"}},
		{web, tenant.Request{Name: "x", Role: access.Viewer, Scope: "shop"}},
		{access.Principal{Name: "dee", Grants: access.Granted(access.Deployer, access.Everything)}, tenant.Request{Name: "x", Role: access.Viewer, Scope: "shop"}},
	} {
		if _, _, err := ts.Issue(ctx, c.by, c.r); !errors.Is(err, tenant.ErrAbove) {
			t.Errorf("%s made %+v: %v", c.by.Name, c.r, err)
		}
	}
	ids := func(by access.Principal) (out []string) {
		list, err := ts.Tokens(ctx, by)
		if err != nil {
			t.Fatal(err)
		}
		for _, tok := range list {
			out = append(out, tok.ID())
		}
		return out
	}
	if got := ids(shop); !slices.Equal(got, []string{"shop/ci", "shop/web"}) {
		t.Errorf("shop sees %q", got)
	}
	if got := ids(web); !slices.Equal(got, []string{"shop/web"}) {
		t.Errorf("web sees %q", got)
	}
	for _, team := range []string{"pay", ""} {
		if err := ts.Revoke(ctx, shop, team, "ci"); !errors.Is(err, tenant.ErrNoToken) {
			t.Errorf("shop ended the ci of %q: %v", team, err)
		}
	}
	wantHolder(t, ts, other, "token:pay/ci", "deployer:pay")
	wantHolder(t, ts, overall, "token:ci", "deployer:")

	if _, _, err := ts.Issue(ctx, web, tenant.Request{Name: "third", Role: access.Viewer, Scope: "shop/web"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ts.Issue(ctx, shop, tenant.Request{Name: "fourth", Role: access.Viewer, Scope: "shop"}); !errors.Is(err, tenant.ErrTooManyTokens) {
		t.Errorf("one too many: %v", err)
	}
	if _, _, err := ts.Issue(ctx, shop, tenant.Request{Name: "ci", Role: access.Viewer, Scope: "shop", Replace: true}); err != nil {
		t.Errorf("in place of another: %v", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: sqltest.MustOpen(t).Tokens(), MaxTokenExpiry: 30 * 24 * time.Hour})
	for what, r := range map[string]tenant.Request{
		"no name":  {Role: access.Viewer},
		"name":     {Name: "a b", Role: access.Viewer},
		"long":     {Name: "a", Role: access.Viewer, Expiry: 31 * 24 * time.Hour},
		"short":    {Name: "a", Role: access.Viewer, Expiry: time.Second},
		"negative": {Name: "a", Role: access.Viewer, Expiry: -time.Hour},
	} {
		if token, _, err := ts.Issue(t.Context(), admin, r); !errors.Is(err, tenant.ErrInvalid) || token != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, r := range map[string]tenant.Request{
		"role":  {Name: "a", Role: "root"},
		"scope": {Name: "a", Role: access.Viewer, Scope: "shop/"},
		"deep":  {Name: "a", Role: access.Viewer, Scope: "shop/web/cart"},
	} {
		if token, _, err := ts.Issue(t.Context(), admin, r); err == nil || token != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	without := open(t, tenant.Config{DataDir: t.TempDir()})
	if _, _, err := without.Issue(t.Context(), admin, tenant.Request{Name: "a", Role: access.Viewer}); !errors.Is(err, tenant.ErrInvalid) {
		t.Errorf("without store: %v", err)
	}
	wantNobody(t, without, "hdn_something-that-is-unknown")
}

// clock is a time that tests set.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) set(after time.Duration) { c.at.Store(int64(after)) }

// A token that another node revoked lives on for half a minute at most.
func TestRememberedTokensExpire(t *testing.T) {
	var now clock
	store := sqltest.MustOpen(t).Tokens()
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: store, Now: now.now})
	token := issue(t, ts, tenant.Request{Name: "ci", Role: access.Viewer})
	wantHolder(t, ts, token, "token:ci", "viewer:")
	if err := store.DeleteToken(t.Context(), "", "ci", "somebody"); err != nil {
		t.Fatal(err)
	}
	now.set(29 * time.Second)
	wantHolder(t, ts, token, "token:ci", "viewer:")
	now.set(30 * time.Second)
	wantNobody(t, ts, token)
}

// An expired token is refused by saying so, remembered or not.
func TestExpiredTokensSaySo(t *testing.T) {
	var now clock
	db := sqltest.MustOpen(t)
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: db.Tokens(), Now: now.now})
	token := issue(t, ts, tenant.Request{Name: "ci", Role: access.Viewer, Expiry: time.Hour})
	now.set(time.Hour - time.Millisecond)
	wantHolder(t, ts, token, "token:ci", "viewer:")
	now.set(time.Hour)
	for range 2 {
		wantNobody(t, ts, token)
		_, err := ts.Authenticate(t.Context(), token)
		var expired *tenant.ExpiredError
		if !errors.As(err, &expired) || err.Error() != "this token expired on 1970-01-01 at 01:00 UTC; make a new one with hadron token create" {
			t.Errorf("%v", err)
		}
	}
	now.set(32 * 24 * time.Hour) // another token of the team clears it away
	issue(t, ts, tenant.Request{Name: "next", Role: access.Viewer})
	if list, err := ts.Tokens(t.Context(), admin); err != nil || len(list) != 1 || list[0].Name != "next" {
		t.Errorf("%+v %v", list, err)
	}
}

// When a token was used last is written when Hadron stops, and never on the way of
// a call.
func TestLastUseIsKept(t *testing.T) {
	var now clock
	store := sqltest.MustOpen(t).Tokens()
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: store, Now: now.now})
	ts.Start(t.Context())
	used, unused := issue(t, ts, tenant.Request{Name: "used", Role: access.Viewer}), issue(t, ts, tenant.Request{Name: "unused", Role: access.Viewer})
	now.set(time.Minute)
	wantHolder(t, ts, used, "token:used", "viewer:")
	now.set(2 * time.Minute)
	wantHolder(t, ts, used, "token:used", "viewer:")
	issue(t, ts, tenant.Request{Name: "another", Role: access.Viewer}) // forgets who is who, and not when they were here
	if list, err := ts.Tokens(t.Context(), admin); err != nil || !list[2].UsedAt.IsZero() {
		t.Errorf("written by a call: %+v %v", list, err)
	}
	if err := ts.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := ts.Tokens(t.Context(), admin)
	if err != nil || len(list) != 3 || list[2].Name != "used" || !list[2].UsedAt.Equal(now.now()) || !list[1].UsedAt.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
	_ = unused
}

// A store that fails is no proof that the token is wrong.
func TestFailingStoreIsNotUnauthenticated(t *testing.T) {
	db := sqltest.MustOpen(t)
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: db.Tokens()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ts.Authenticate(ctx, "hdn_something-that-is-unknown"); err == nil || errors.Is(err, tenant.ErrUnauthenticated) {
		t.Errorf("%v", err)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	ts := open(b, tenant.Config{DataDir: b.TempDir(), Store: sqltest.MustOpen(b).Tokens()})
	token := issue(b, ts, tenant.Request{Name: "ci", Role: access.Viewer})
	for name, text := range map[string]string{"known": token, "unknown": "hdn_something-that-is-unknown"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ts.Authenticate(b.Context(), text)
			}
		})
	}
}
