package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hadron/ui/wire"
)

// The command line as its users meet it: one script a story, against one server.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HADRON_SERVER", p.url)
			return nil
		},
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"until": untilPrints},
	})
}

// untilPrints repeats a command until its output matches: until 'a pattern' hadron top.
func untilPrints(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until pattern command [args...]")
	}
	want := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%s never printed %s", strings.Join(args[1:], " "), args[0])
}

// A command that is interrupted has not done its work, but for one that follows.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/a/b/c/versions", wire.Register{Source: `export default () => new Response("ok")`}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"functions"}, exitFailed},
		{[]string{"rollback", "a/b/c"}, exitFailed},
		{[]string{"logs", "-f", "a/b/c"}, exitOK},
	} {
		var out, errs strings.Builder
		if got := run(ctx, stdio{In: strings.NewReader(""), Out: &out, Err: &errs}, append(c.args, "--server", p.url)); got != c.want {
			t.Errorf("%v: exit code %d, want %d: %s", c.args, got, c.want, errs.String())
		}
	}
}

// Each refusal of the server is a sentence with a stable code, and leaves nothing behind.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const ok = `export default { fetch: () => new Response("ok") }`
	for _, c := range []struct {
		what, path, body string
		status           int
		code             string
	}{
		{"a malformed name", "/api/v1/functions/Bad/core/x/versions", `{"source":"x"}`, 400, "name_invalid"},
		{"source that does not parse", "/api/v1/functions/a/b/c/versions", `{"source":"export default {\n  fetch( {\n}"}`, 422, "source_invalid"},
		{"a module without a handler", "/api/v1/functions/a/b/c/versions", `{"source":"export const x = 1"}`, 422, "no_handler"},
		{"a module that throws when loaded", "/api/v1/functions/a/b/c/versions", `{"source":"const x: number = 1;\nthrow new Error('no');\nexport default () => new Response()"}`, 422, "source_invalid"},
		{"an unknown manifest key", "/api/v1/functions/a/b/c/versions", `{"source":"` + strings.ReplaceAll(ok, `"`, `\"`) + `","manifest":{"tmeout":"2s"}}`, 422, "manifest_invalid"},
		{"a limit over the operator's", "/api/v1/functions/a/b/c/versions", `{"source":"` + strings.ReplaceAll(ok, `"`, `\"`) + `","manifest":{"limits":{"timeout":"2h"}}}`, 422, "manifest_invalid"},
	} {
		var got wire.Problem
		p.want(c.status, http.MethodPost, c.path, c.body, &got)
		if got.Code != c.code || got.Detail == "" {
			t.Errorf("%s: code %q, detail %q", c.what, got.Code, got.Detail)
		}
		if c.code == "source_invalid" && got.Line == 0 {
			t.Errorf("%s: the problem names no line: %+v", c.what, got)
		}
	}
	var list wire.List[wire.Function]
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions", nil, &list)
	if len(list.Items) != 0 {
		t.Errorf("refused registrations left %d functions", len(list.Items))
	}

	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/a/b/c/versions", wire.Register{Source: ok}, nil)
	var got wire.Problem
	p.want(http.StatusRequestEntityTooLarge, http.MethodPost, "/fn/a/b/c", strings.Repeat("x", 2<<20), &got)
	if got.Code != "body_too_large" {
		t.Errorf("a huge body: code %q", got.Code)
	}
	p.want(http.StatusNotFound, http.MethodGet, "/fn/a/b/nothing", nil, &got)
	if got.Code != "function_not_found" {
		t.Errorf("an unknown function: code %q", got.Code)
	}
	p.want(http.StatusNotFound, http.MethodGet, "/fn/a/b/c@9", nil, &got)
	p.want(http.StatusNotFound, http.MethodGet, "/api/v1/nothing", nil, &got)

	// Without tokens, pages of other sites are kept out.
	for _, path := range []string{"/prometheus/api/v1/write", "/api/v1/functions/a/b/c/rollback"} {
		resp := p.do(http.MethodPost, path, "{}", http.Header{"Origin": {"https://elsewhere.example"}, "Sec-Fetch-Site": {"cross-site"}})
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, resp.StatusCode)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir)
	data, err := os.ReadFile(filepath.Join(dir, "admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(data))
	if !strings.HasPrefix(token, "hdn_") || strings.Contains(p.log(), token) {
		t.Errorf("the admin token starts with %q, or stands in the log", token[:min(4, len(token))])
	}
	if info, err := os.Stat(filepath.Join(dir, "admin-token")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v, %v", info.Mode(), err)
	}
	with := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	for _, path := range []string{"/api/v1/functions", "/metrics", "/prometheus/api/v1/labels", "/api/v1/health", "/api/v1/system"} {
		for credential, want := range map[string]int{"": 401, "hdn_wrong": 401, token: 200} {
			header := http.Header{}
			if credential != "" {
				header = with(credential)
			}
			resp := p.do(http.MethodGet, path, nil, header)
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s with %.7q: %d, want %d", path, credential, resp.StatusCode, want)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/"} {
		p.want(http.StatusOK, http.MethodGet, path, nil, nil)
	}
	resp := p.do(http.MethodPost, "/api/v1/functions/a/b/c/versions", wire.Register{Source: `export default () => new Response("ok")`, Manifest: patient}, with(token))
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("register with the admin token: %d", resp.StatusCode)
	}
	for credential, want := range map[string]int{"": 401, "hdn_wrong": 401, token: 200} {
		header := http.Header{}
		if credential != "" {
			header = with(credential)
		}
		resp := p.do(http.MethodGet, "/fn/a/b/c", nil, header)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("invoke with %.7q: %d, want %d", credential, resp.StatusCode, want)
		}
	}
}

// A server that cannot start says why and what to do, and exits.
func TestCannotStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/start",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TAKEN", taken.Addr().String())
			return nil
		},
		RequireExplicitExec: true,
	})
}
