package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/project"
)

// npmProject is testdata/npm with its packages: where they are installed already,
// else installed in a copy.
func npmProject(t *testing.T) string {
	t.Helper()
	const source = "testdata/npm"
	if _, err := os.Stat(filepath.Join(source, "node_modules", "zod")); err == nil {
		return source
	}
	if os.Getenv("HADRON_TEST_REQUIRE") == "" {
		t.Skip("the packages are not installed: run npm ci in cmd/hadron/testdata/npm, or set HADRON_TEST_REQUIRE")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// answer is a response that a function wrote.
type answer struct {
	status int
	header http.Header
	body   strings.Builder
}

func (a *answer) Head(status int, h http.Header, _ bool) error {
	a.status, a.header = status, h
	return nil
}
func (a *answer) Write(p []byte) error          { _, err := a.body.Write(p); return err }
func (a *answer) Settled(invocation.Background) {}

// The packages that Hadron promises to run, each at what it is used for.
func TestPackagesFromNPM(t *testing.T) {
	t.Parallel()
	dir := npmProject(t)
	p, err := project.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	upload, err := p.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	built, err := project.Build(t.Context(), project.Input{Source: upload.Source, SourceMap: upload.SourceMap, Entry: p.Manifest.Entry})
	if err != nil {
		t.Fatal(err)
	}
	id := function.ID{Name: function.Name(p.Manifest.Name), Version: 1}
	bundle := function.Bundle{ID: id, Code: built.Code, Map: built.Map, Manifest: p.Manifest}
	e, err := engine.New(engine.Config{
		Bundle:       func(context.Context, function.ID) (function.Bundle, error) { return bundle, nil },
		CheckTimeout: time.Minute, InitTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := e.Check(t.Context(), bundle); err != nil {
		t.Fatalf("Check: %v", err)
	}
	invoke := func(t *testing.T, method, path, body string) (*answer, invocation.Outcome) {
		t.Helper()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, invocation.ErrTimeout)
		defer cancel()
		req := &invocation.Request{
			ID: "r", Version: id, Trigger: invocation.TriggerHTTP, Method: method, URL: "http://localhost" + path,
			Header: http.Header{"Content-Type": {"application/json"}}, Limits: p.Manifest.Limits,
		}
		if body != "" {
			req.Body = io.NopCloser(strings.NewReader(body))
		}
		var a answer
		return &a, e.Invoke(ctx, req, &a)
	}
	ask := func(t *testing.T, method, path, body string) string {
		t.Helper()
		a, out := invoke(t, method, path, body)
		if out.Failure != nil {
			t.Fatalf("%s %s: %v %+v", method, path, out.Failure, out.Failure.Stack)
		}
		if a.status >= 300 || a.header.Get("X-Served-By") != "hono" {
			t.Errorf("%s %s: status %d, header %v: %s", method, path, a.status, a.header, &a.body)
		}
		return a.body.String()
	}

	t.Run("hono", func(t *testing.T) {
		for path, want := range map[string]string{
			"/static/7": "static 7", "/digits/3/42": "digits 42", "/rest/9/a/b": "rest /rest/9/a/b", "/stream": "streamed",
			"/params/0/a%20b": `{"route":0,"id":"a b"}`,
		} {
			if got := ask(t, http.MethodGet, path, ""); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		if got := ask(t, http.MethodPost, "/forms/5", `{"a":[1,"é"]}`); got != `{"a":[1,"é"]}` {
			t.Errorf("POST: %s", got)
		}
		if a, _ := invoke(t, http.MethodGet, "/digits/3/x", ""); a.status != http.StatusNotFound {
			t.Errorf("status %d, want 404", a.status)
		}
	})

	t.Run("zod", func(t *testing.T) {
		good := `{"id":"6f1c2f4e-8d1b-4c57-9a8e-2f0d7a1b3c4d","email":"ada@shop.example","placed":"2026-11-22T10:00:00Z","lines":[{"sku":"ÄB-12","quantity":2}],"mood":"🎉","total":"12.345","kind":{"type":"own"}}`
		if got := ask(t, http.MethodPost, "/shapes", good); !strings.Contains(got, `"total":1235`) && !strings.Contains(got, `"total":1234`) {
			t.Errorf("a good order: %s", got)
		}
		bad := `{"id":"x","email":"ada","placed":"today","lines":[{"sku":"äb-1","quantity":0}],"mood":"no","total":1,"kind":{"type":"lent"}}`
		want := `{"issues":["id: invalid_format","email: invalid_format","placed: invalid_format","lines.0.sku: invalid_format","lines.0.quantity: too_small","mood: invalid_format","kind.type: invalid_union"]}`
		if got := ask(t, http.MethodPost, "/shapes", bad); got != want {
			t.Errorf("a bad order: %s, want %s", got, want)
		}
	})

	t.Run("graphql", func(t *testing.T) {
		for query, want := range map[string]string{
			`{ book(id: "1") { title author { name } } }`:           `{"data":{"book":{"title":"Walden","author":{"name":"Thoreau"}}}}`,
			`{ books(first: 3) { id author { books { title } } } }`: `{"data":{"books":[{"id":"1","author":{"books":[{"title":"Walden"}]}},{"id":"2","author":{"books":[{"title":"Emma"},{"title":"Persuasion"}]}},{"id":"3","author":{"books":[{"title":"Emma"},{"title":"Persuasion"}]}}]}}`,
			`{ book(id: "bad") { title } }`:                         `"message":"no such shelf"`,
			`{ shelf }`:                                             `Cannot query field \"shelf\" on type \"Query\"`,
			`query Q($n: Int) { books(first: $n) { ...T } } fragment T on Book { title }`: `{"data":{"books":[{"title":"Walden"},{"title":"Emma"}]}}`,
		} {
			if got := ask(t, http.MethodGet, "/graphql?q="+url.QueryEscape(query), ""); !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %s", query, got, want)
			}
		}
	})

	t.Run("lodash", func(t *testing.T) {
		want := `{"grouped":{"odd":35,"even":56},"ordered":[6,4,2,5,3,1],"deep":{"a":{"b":1,"c":[1,2]}},"cloned":true,"chunked":[[1,2],[3,4],[5]],"words":"unicode-words-and-numbers-42-are-fine","memoized":42}`
		if got := ask(t, http.MethodGet, "/lists", ""); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})

	t.Run("date-fns", func(t *testing.T) {
		want := `{"format":"2026-11-22 Sunday","german":"Sonntag, 22. November 2026","month":"2026-02-28T00:00:00.000Z","days":33,"distance":"3 days ago","weekend":2,"week":"2026-11-16T00:00:00.000Z"}`
		if got := ask(t, http.MethodGet, "/dates", ""); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})

	t.Run("jose", func(t *testing.T) {
		var got struct {
			Signed, Forged, Expired, Kid, Header, Opened string
			Payload                                      map[string]any
		}
		if err := json.Unmarshal([]byte(ask(t, http.MethodGet, "/tokens", "")), &got); err != nil {
			t.Fatal(err)
		}
		if strings.Count(got.Signed, ".") != 2 || got.Payload["sub"] != "ada" || got.Payload["role"] != "reader" {
			t.Errorf("signed: %+v", got)
		}
		if got.Forged != "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" || got.Expired != "ERR_JWT_EXPIRED" {
			t.Errorf("refusals: %+v", got)
		}
		if got.Kid != "k1" || got.Header != "ES256" || got.Opened != "4242" {
			t.Errorf("keys: %+v", got)
		}
	})

	t.Run("preact-render-to-string", func(t *testing.T) {
		want := `<!doctype html><main class="greeting"><h1>Hello, &lt;ada>!</h1><ul><li>item 1</li><li>item 2</li></ul><input disabled value="&quot;quoted&quot;"/></main>`
		if got := ask(t, http.MethodGet, "/page?name="+url.QueryEscape("<ada>"), ""); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})

	t.Run("a stack through a package", func(t *testing.T) {
		_, out := invoke(t, http.MethodGet, "/fail", "")
		if out.Failure == nil || out.Failure.Name != "TypeError" {
			t.Fatalf("outcome %+v", out)
		}
		var files []string
		for _, f := range out.Failure.Stack {
			files = append(files, fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column))
		}
		stack := strings.Join(files, "\n")
		if f := out.Failure.Stack[0]; f.File != "src/fail.ts" || f.Line != 14 || f.Function != "amountOf" {
			t.Errorf("thrown at %+v", f)
		}
		for _, want := range []string{"src/fail.ts:10:", "node_modules/lodash/lodash.js:", "src/index.ts:"} {
			if !strings.Contains(stack, want) {
				t.Errorf("stack lacks %s:\n%s", want, stack)
			}
		}
	})
}
