package tenant_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
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

func TestIssuedTokens(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	cfg := tenant.Config{DataDir: t.TempDir(), Store: db.Tokens()}
	ts := open(t, cfg)
	token, err := ts.Issue(ctx, "grafana", access.Viewer, "")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := ts.Issue(ctx, "ci", access.Deployer, "shop/web")
	if err != nil {
		t.Fatal(err)
	}
	viewer := access.Principal{Name: "token:grafana", Grants: access.Granted(access.Viewer, access.Everything)}
	for range 2 { // looked up, then remembered
		wantPrincipal(t, ts, token, viewer)
		wantPrincipal(t, ts, ci, access.Principal{Name: "token:ci", Grants: access.Granted(access.Deployer, "shop/web")})
	}
	list, err := ts.Tokens(ctx)
	if err != nil || len(list) != 2 || list[0].Name != "ci" || list[1].Role != access.Viewer || list[1].CreatedAt.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
	for _, f := range []string{path, path + "-wal"} {
		if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte(token)) {
			t.Errorf("%s holds the token, or %v", f, err)
		}
	}
	wantPrincipal(t, open(t, cfg), token, viewer) // after a restart

	next, err := ts.Issue(ctx, "grafana", access.Viewer, "shop")
	if err != nil {
		t.Fatal(err)
	}
	wantNobody(t, ts, token)
	wantPrincipal(t, ts, next, access.Principal{Name: "token:grafana", Grants: access.Granted(access.Viewer, "shop")})
	if err := ts.Revoke(ctx, "grafana"); err != nil {
		t.Fatal(err)
	}
	wantNobody(t, ts, next)
	if err := ts.Revoke(ctx, "grafana"); !errors.Is(err, tenant.ErrNoToken) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: sqltest.MustOpen(t).Tokens()})
	for what, c := range map[string]struct {
		name  string
		role  access.Role
		scope string
	}{
		"no name": {"", access.Viewer, ""},
		"name":    {"a b", access.Viewer, ""},
		"role":    {"a", "root", ""},
		"scope":   {"a", access.Viewer, "shop/"},
		"deep":    {"a", access.Viewer, "shop/web/cart"},
	} {
		if token, err := ts.Issue(t.Context(), c.name, c.role, c.scope); !errors.Is(err, tenant.ErrInvalid) || token != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	without := open(t, tenant.Config{DataDir: t.TempDir()})
	if _, err := without.Issue(t.Context(), "a", access.Viewer, ""); !errors.Is(err, tenant.ErrInvalid) {
		t.Errorf("without store: %v", err)
	}
	wantNobody(t, without, "hdn_something-that-is-unknown")
}

// A token that another node revoked lives on for half a minute at most.
func TestRememberedTokensExpire(t *testing.T) {
	var now atomic.Int64
	store := sqltest.MustOpen(t).Tokens()
	ts := open(t, tenant.Config{DataDir: t.TempDir(), Store: store, Now: func() time.Time { return time.Unix(now.Load(), 0) }})
	token, err := ts.Issue(t.Context(), "ci", access.Viewer, "")
	if err != nil {
		t.Fatal(err)
	}
	want := access.Principal{Name: "token:ci", Grants: access.Granted(access.Viewer, access.Everything)}
	wantPrincipal(t, ts, token, want)
	if err := store.DeleteToken(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	now.Store(29)
	wantPrincipal(t, ts, token, want)
	now.Store(30)
	wantNobody(t, ts, token)
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
	token, err := ts.Issue(b.Context(), "ci", access.Viewer, "")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"known": token, "unknown": "hdn_something-that-is-unknown"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ts.Authenticate(b.Context(), text)
			}
		})
	}
}
