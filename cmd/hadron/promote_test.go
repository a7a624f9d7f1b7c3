package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hadron/ui/wire"
)

// chain is a folder with a pipeline, and the command that is run on it.
type chain struct {
	t      *testing.T
	dir    string
	server string            // of stages that name none
	env    map[string]string // all that the command finds in its environment
	stdin  string
	term   bool
}

func newChain(t *testing.T, pipeline string) *chain {
	t.Helper()
	c := &chain{t: t, dir: t.TempDir(), env: map[string]string{}}
	c.write(pipeline)
	if err := os.WriteFile(filepath.Join(c.dir, "hadron.yaml"), []byte("name: "+shopName+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *chain) write(pipeline string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "hadron.pipeline.yaml"), []byte(pipeline), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

var anyToken = regexp.MustCompile(`hdn_[A-Za-z0-9]`)

// promote runs hadron promote and insists on the exit code and on what is printed.
func (c *chain) promote(code int, says []string, args ...string) string {
	c.t.Helper()
	var out, errs strings.Builder
	std := stdio{In: strings.NewReader(c.stdin), Out: &out, Err: &errs, Getenv: func(name string) string { return c.env[name] }, Terminal: c.term}
	line := append(append([]string{"promote"}, args...), "-f", c.dir)
	if c.server != "" {
		line = append(line, "--server", c.server)
	}
	got := run(c.t.Context(), std, line)
	all := out.String() + errs.String()
	if got != code {
		c.t.Fatalf("promote %v: exit code %d, want %d\n%s", args, got, code, all)
	}
	if anyToken.MatchString(all) {
		c.t.Errorf("promote %v prints a token:\n%s", args, all)
	}
	for _, s := range says {
		if !strings.Contains(all, s) {
			c.t.Errorf("promote %v does not say %q:\n%s", args, s, all)
		}
	}
	return out.String()
}

func (p *process) alias(name string) int {
	p.t.Helper()
	status, data := p.call(http.MethodGet, shopPath+"/aliases/"+name, nil)
	var a wire.Alias
	if status != http.StatusOK || json.Unmarshal(data, &a) != nil {
		return 0
	}
	return whole(a.Weights)
}

// From one server to another: by digest, into a receipt, with each thing that can stand
// against it, and never with the token in what is printed.
func TestPromoteToAnotherServer(t *testing.T) {
	t.Parallel()
	staging, production := quick(t, t.TempDir()), guarded(t)
	c := newChain(t, fmt.Sprintf(`
stages:
  - name: staging
    server: %s
    checks: [{path: /, contains: "1"}]
  - name: production
    server: %s
    token_env: PROD_TOKEN
    strategy: blue-green
    interval: 1s
    checks: [{path: /, status: 200}]
`, staging.url, production.url))
	c.env["PROD_TOKEN"] = production.token
	say := c.promote
	say(exitUnmet, []string{"staging has no version"})
	staging.register(shop(1, false, ""))
	say(exitOK, []string{"Would register sha256:", "Nothing was done"}, "--plan")
	if _, data := production.call(http.MethodGet, "/api/v1/functions", nil); strings.Contains(string(data), shopName) {
		t.Fatalf("--plan registered it: %s", data)
	}
	say(exitOK, []string{"registered shop/web/cart@1", "✓ check", "Promoted in"})
	say(exitOK, []string{"production has it already, as @1"})
	say(exitOK, []string{"the same as staging"}, "status")

	// A hotfix has other numbers there; the version is known by its digest.
	production.want(http.StatusCreated, http.MethodPost, shopPath+"/versions", shop(9, false, ""), nil)
	staging.register(shop(11, false, ""))
	say(exitOK, []string{"staging is ahead or aside"}, "status")
	out := say(exitOK, nil, "--json", "--to", "production")
	var got promotion
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got.Result != resultPromoted || got.From.Version != 2 || got.Version != 3 || !got.Registered || got.Rollout == nil || got.Rollout.Strategy != "blue-green" {
		t.Errorf("%s", out)
	}
	var from, to wire.Upload
	staging.want(http.StatusOK, http.MethodGet, shopPath+"/versions/2/upload", nil, &from)
	production.want(http.StatusOK, http.MethodGet, shopPath+"/versions/3/upload", nil, &to)
	if from.Digest != to.Digest || from.Source != to.Source || from.SourceMap != to.SourceMap || production.alias("live") != 3 {
		t.Errorf("staging has %+v, production %+v", from, to)
	}

	// Each of these leaves production as it is.
	staging.register(shop(12, false, ""))
	production.want(http.StatusOK, http.MethodPut, "/api/v1/teams/shop/freeze", wire.PutFreeze{Reason: "peak season", Until: time.Now().Add(time.Hour)}, nil)
	say(exitUnmet, []string{"shop is frozen at production by admin", "peak season", "still has @3"})
	production.want(http.StatusOK, http.MethodDelete, "/api/v1/teams/shop/freeze", nil, nil)
	c.write(fmt.Sprintf("stages:\n  - {name: staging, server: %q, checks: [{path: /, contains: nowhere}]}\n  - {name: production, server: %q, token_env: PROD_TOKEN, checks: [{path: /, status: 404}]}\n", staging.url, production.url))
	say(exitUnmet, []string{`does not hold "nowhere"`})
	c.write(fmt.Sprintf("stages:\n  - {name: staging, server: %q}\n  - {name: production, server: %q, token_env: PROD_TOKEN, checks: [{path: /, status: 404}]}\n", staging.url, production.url))
	say(exitUnmet, []string{"GET / at production answered 200, not 404", "production still has @3"})
	if production.alias("live") != 3 {
		t.Errorf("production has @%d", production.alias("live"))
	}

	c.env["PROD_TOKEN"] = "hdn_notoneofours"
	say(exitRefused, []string{"unauthorized", "This is stage production"})
	c.env["PROD_TOKEN"] = ""
	say(exitUsage, []string{"stage production takes its token from $PROD_TOKEN, which is not set"})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	c.write(fmt.Sprintf("stages:\n  - {name: staging, server: %q}\n  - {name: production, server: 'http://%s'}\n", staging.url, closed.Addr()))
	say(exitUnreachable, []string{"no answer from http://" + closed.Addr().String(), "This is stage production"})
	say(exitUnreachable, []string{"no answer from"}, "status")
	if strings.Contains(staging.log()+production.log(), production.token) {
		t.Error("the token is in a log")
	}
}

// From one alias to another of one server: soak, a yes, and a version that is worse.
func TestPromoteToAnotherAlias(t *testing.T) {
	t.Parallel()
	p := quick(t, t.TempDir())
	const start = "stages:\n  - {name: staging, alias: staging}\n  - name: production\n"
	c := newChain(t, start+"    requires: {soak: 1h}\n")
	c.server = p.url
	var first wire.Registered
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions?alias=staging", shop(1, false, ""), &first)
	var d wire.Registered
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions?alias=staging", shop(2, false, ""), &d)
	c.promote(exitUnmet, []string{"@2 has staging for", "of 1h; try again in", "production still has @1"})
	c.promote(exitUnmet, []string{"✗ soak"}, "--plan")

	c.write(start + "    requires: {soak: 10ms, manual: true}\n    strategy: all-at-once\n")
	c.promote(exitUnmet, []string{"production wants somebody to say yes: --yes"})
	c.term, c.stdin = true, "n\n"
	c.promote(exitUnmet, []string{"[y/N]", "nobody said yes"})
	c.stdin = "yes\n"
	c.promote(exitOK, []string{"Promote @2 of staging to production, which has @1?", "Promoted in", "was @1", "hadron rollback shop/web/cart --to 1"})
	c.term = false
	if p.alias("live") != 2 {
		t.Errorf("live is @%d", p.alias("live"))
	}

	// A version that fails its probe never has the traffic; one that waits is undecided.
	failing := shop(3, false, `{"strategy":"all-at-once","probe":{"path":"/","expect":204}}`)
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions?alias=", failing, &d)
	at := func(alias string, version int) {
		t.Helper()
		p.want(http.StatusOK, http.MethodPut, shopPath+"/aliases/"+alias, wire.PutAlias{Weights: []wire.Weight{{Version: version, Weight: 1}}}, nil)
	}
	at("staging", d.Version)
	c.promote(exitRefuted, []string{"probe", "is failed"}, "--yes")
	if p.alias("live") != 2 {
		t.Errorf("live is @%d", p.alias("live"))
	}
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions?alias=", shop(4, false, ""), &d)
	at("staging", d.Version)
	c.write(start + "    strategy: manual\n    steps: [10]\n")
	c.promote(exitUndecided, []string{"is paused", "It waits for somebody: hadron rollouts promote"})
	c.promote(exitUndecided, []string{"It is on its way there already", "is paused"})
	at("staging", 1)
	c.promote(exitUnmet, []string{"at production is paused"})
	at("staging", d.Version)
	var active wire.List[wire.Deployment]
	p.want(http.StatusOK, http.MethodGet, shopPath+"/deployments?active=true", nil, &active)
	p.want(http.StatusOK, http.MethodPost, fmt.Sprintf("/api/v1/deployments/%d/abort", active.Items[0].ID), wire.Abort{}, nil)
	p.awaitState(active.Items[0].ID, time.Minute, wire.RolloutAborted)
	at("live", 1)
	c.write(start + "    strategy: blue-green\n    interval: 1h\n")
	c.promote(exitUndecided, []string{"is not over after 1s; it goes on"}, "--timeout", "1s")
	at("live", 1)
	c.promote(exitOK, []string{"has begun; follow it with"}, "--no-wait")
	at("live", 1)
	at("staging", 1)

	for _, bad := range []struct {
		file, says string
		code       int
		args       []string
	}{
		{"stages:\n  - {name: a}\n", "from 2 to 20", exitPipeline, nil},
		{start + "    aliass: x\n", `hadron.pipeline.yaml:4:5`, exitPipeline, nil},
		{start + "    token_env: hdn_secretsecret\n", "looks like a token itself", exitPipeline, nil},
		{start + "  - [\n", "not YAML", exitPipeline, nil},
		{start, "there is no such stage; there are staging, production", exitUsage, []string{"--to", "qa"}},
		{start, "it is the first stage", exitUsage, []string{"--to", "staging"}},
		{start, "it is the last stage", exitUsage, []string{"--from", "production"}},
	} {
		c.write(bad.file)
		c.promote(bad.code, []string{bad.says}, bad.args...)
	}
}

// A version that is worse is rolled back by itself, and promote says so with its exit code.
func TestPromoteABadVersion(t *testing.T) {
	t.Parallel()
	p := quick(t, t.TempDir())
	c := newChain(t, "stages:\n  - {name: staging, alias: staging}\n  - {name: production, strategy: canary, steps: [20, 50], interval: 30s}\n")
	c.server = p.url
	p.register(shop(1, false, ""))
	var bad wire.Registered
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions?alias=staging", shop(2, true, ""), &bad)
	current := newCurrent(p)
	for range 3 {
		callers(t, func() string { return "/fn/" + shopName }, current.get)
	}
	c.promote(exitRefuted, []string{"step 1 of 2", "is rolled_back", "errors"})
	if p.alias("live") != 1 {
		t.Errorf("live is @%d", p.alias("live"))
	}
}
