package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/storage/sql"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// credentials puts a token of each role and scope into a database that no server
// has open, with those that are no longer valid.
func credentials(t *testing.T, dataDir string) []credential {
	t.Helper()
	db, err := sql.Open(t.Context(), sql.Config{Path: filepath.Join(dataDir, "hadron.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out []credential
	keep := func(name, role string, scope access.Scope, expires time.Time) string {
		token := "hdn_" + strings.ReplaceAll(name, "/", "-") + "-of-the-matrix-000000000000"
		sum := sha256.Sum256([]byte(token))
		err := db.Tokens().PutToken(t.Context(), tenant.Token{
			Name: strings.ReplaceAll(name, "/", "-"), Hash: hex.EncodeToString(sum[:]), Role: access.Role(role), Scope: scope, CreatedAt: time.Now(), ExpiresAt: expires,
		}, tenant.Put{})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	later := time.Now().Add(time.Hour)
	for _, role := range []string{"viewer", "invoker", "deployer", "admin"} {
		for _, scope := range []access.Scope{"", "growth", "growth/signup", "growth/other", "pay", "growt"} {
			name := role + "-" + strings.ReplaceAll(string(scope), "/", "-") + "x"
			out = append(out, credential{name, keep(name, role, scope, later), true, role, scope})
		}
	}
	out = append(out, credential{name: "anonymous"}, credential{name: "invented", token: "hdn_nobody-has-this-0000000000"},
		credential{name: "expired", token: keep("expired", "admin", "", time.Now().Add(-time.Second))},
		credential{name: "revoked", token: keep("revoked", "admin", "", later)})
	if err := db.Tokens().DeleteToken(t.Context(), "", "revoked", "ada"); err != nil {
		t.Fatal(err)
	}
	return out
}

// matrixServer runs a server that has two teams' functions, with a credential of
// each kind.
func matrixServer(t *testing.T) (*process, []credential) {
	t.Helper()
	dir := t.TempDir()
	creds := credentials(t, dir)
	p := startServer(t, dir, "--metrics.interval", "1s")
	p.adopt(dir)
	for _, f := range []string{matrixFunction, matrixForeign} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+f+"/versions", wire.Register{Source: greetings, Manifest: patient}, nil)
		p.want(http.StatusOK, http.MethodGet, "/fn/"+f, nil, nil)
	}
	return p, creds
}

const greetings = `export default () => Response.json({ hello: "you" })`

type matrixRoute struct {
	id, method, path string
	rule             rule
}

// matrixRoutes are all routes: those of the OpenAPI document, and the others'.
func matrixRoutes(t *testing.T, p *process) []matrixRoute {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	p.want(http.StatusOK, http.MethodGet, "/api/v1/openapi.json", nil, &doc)
	fill := strings.NewReplacer("{team}", "growth", "{project}", "signup", "{name}", "greeting", "{version}", "1", "{alias}", "live", "{token}", "none", "{id}", "999999999", "{secret}", "NONE", "{slo}", "none", "{other}", "1", "{trace}", "0af7651916cd43dd8448eb211c80319c")
	var out []matrixRoute
	seen := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			r, known := matrixRules[op.OperationID]
			if !known {
				t.Errorf("%s %s (%s) has no rule: say in matrixRules who may use it", strings.ToUpper(method), path, op.OperationID)
				continue
			}
			seen[op.OperationID] = true
			at := fill.Replace(path)
			if strings.Contains(at, "{") {
				t.Errorf("%s has a parameter that the matrix does not fill", path)
			}
			out = append(out, matrixRoute{op.OperationID, strings.ToUpper(method), at + r.query, r})
		}
	}
	for id, r := range matrixRules {
		method, path, both := strings.Cut(id, " ")
		if both {
			out = append(out, matrixRoute{id, method, path + r.query, r})
		} else if !seen[id] {
			t.Errorf("%s is in matrixRules and not in the OpenAPI document", id)
		}
	}
	slices.SortFunc(out, func(a, b matrixRoute) int { return strings.Compare(a.id, b.id) })
	return out
}

// Every route, asked by everybody, answers as the table of rules says.
func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	p, creds := matrixServer(t)
	asked := 0
	for _, route := range matrixRoutes(t, p) {
		for _, c := range creds {
			want := route.rule.expect(c, route.path)
			status, body := p.as(c, route)
			asked++
			if got := seenAs(status, body); got != want && route.rule.of != open {
				t.Errorf("%s as %s (%s): %d %s, want %d", route.id, c.name, c.scope, status, body, want)
			}
			if c.name == "expired" && want == http.StatusUnauthorized && !strings.Contains(body, "expired") {
				t.Errorf("%s does not say that the token has expired: %s", route.id, body)
			}
			if route.rule.again && want == http.StatusOK {
				p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+matrixFunction+"/versions", wire.Register{Source: greetings, Manifest: patient}, nil)
			}
		}
	}
	t.Logf("%d requests", asked)
}

// seenAs tells a refusal of the guard from every other answer.
func seenAs(status int, body string) int {
	hidden := status == http.StatusNotFound && (strings.Contains(body, matrixFunction+": no such function") || strings.Contains(body, "There is no growth"))
	if status == http.StatusUnauthorized && !strings.Contains(body, `"unauthorized"`) || status == http.StatusNotFound && !hidden {
		return http.StatusOK
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return status
	}
	return http.StatusOK
}

func (p *process) as(c credential, route matrixRoute) (int, string) {
	p.t.Helper()
	var body io.Reader
	if route.rule.body != "" {
		body = strings.NewReader(route.rule.body)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), route.method, p.url+route.path, body)
	if err != nil {
		p.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		p.t.Fatalf("%s: %v", route.id, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		p.t.Fatalf("%s: %v", route.id, err)
	}
	return res.StatusCode, string(data)
}

// Every topic of the websocket answers each caller with what it may see of it.
func TestTopicMatrix(t *testing.T) {
	t.Parallel()
	p, creds := matrixServer(t)
	topics := map[string]rule{
		wire.TopicOverview: {of: anything, may: "view"}, wire.TopicAlerts: {of: anything, may: "view"}, wire.TopicDeployments: {of: anything, may: "view"},
		wire.TopicFunction + matrixFunction: {of: aFunction, may: "view"}, wire.TopicLogs + matrixFunction: {of: aFunction, may: "view"},
	}
	for _, c := range creds {
		api, err := client.New(p.url, c.token)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := api.Live(t.Context())
		if !c.valid {
			if client.Code(err) != "unauthorized" {
				t.Errorf("%s connects: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for topic, r := range topics {
			if err := conn.Subscribe(topic, nil); err != nil {
				t.Fatal(err)
			}
			m, err := conn.Next(t.Context())
			for err == nil && m.Topic != topic { // changes of those before
				m, err = conn.Next(t.Context())
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", c.name, topic, err)
			}
			want := map[int]string{http.StatusOK: "", http.StatusForbidden: wire.LiveForbidden, http.StatusNotFound: wire.LiveNotFound}[r.expect(c, "")]
			if m.Code != want {
				t.Errorf("%s (%s) of %s: %q, want %q", c.name, c.scope, topic, m.Code, want)
			}
			for _, item := range m.Items {
				if foreign := hasForeign(string(item), c.scope); foreign != "" {
					t.Errorf("%s (%s) is shown %s: %s", c.name, c.scope, foreign, item)
				}
			}
		}
		_ = conn.Close()
	}
}

// hasForeign returns what of the two teams' functions the text names beyond a scope.
func hasForeign(text string, scope access.Scope) string {
	for _, name := range []string{matrixFunction, matrixForeign} {
		team, _, _ := strings.Cut(name, "/")
		inside := scope == "" || name == string(scope) || strings.HasPrefix(name, string(scope)+"/")
		if !inside && (strings.Contains(text, name) || team != scope.Team() && strings.Contains(text, `"`+team+`"`)) {
			return name
		}
	}
	return ""
}

// Nothing that a route answers, however it is asked, names another team.
func TestNothingOfAnotherTeamIsShown(t *testing.T) {
	t.Parallel()
	p, creds := matrixServer(t)
	eventually(t, "both teams' series", time.Minute, func() (bool, string) {
		n, _ := p.query(`count(count by (team) (faas_invocations_total))`, time.Time{})
		return n == 2, fmt.Sprint(n)
	})
	routes := matrixRoutes(t, p)
	for _, query := range []string{
		`faas_invocations_total`, `{__name__=~".+"}`, `{team="pay"} or {team="growth"}`, `label_replace(faas_invocations_total, "team", "mine", "", "")`,
		`count by (team) ({__name__=~".+"})`, `count_over_time(faas_invocations_total{team!="x"}[1h])`, `max_over_time((faas_invocations_total)[5m:1m])`,
		`{team=~"pay|growth"}`, `group by (team) (faas_invocations_total)`, `hadron_slo_objective`, `info(faas_invocations_total)`,
	} {
		values := strings.NewReplacer(" ", "%20", `"`, "%22", "+", "%2B", "|", "%7C", "{", "%7B", "}", "%7D").Replace(query)
		routes = append(routes, matrixRoute{id: query, method: http.MethodGet, path: "/prometheus/api/v1/query?query=" + values})
	}
	for _, path := range []string{
		`series?match[]=%7B__name__=~".%2B"%7D`, `series?match[]=%7Bteam="pay"%7D`, `labels`, `label/team/values`, `label/project/values`, `label/function/values`,
		`label/team/values?match[]=%7B__name__=~".%2B"%7D`, `query_exemplars?query=faas_invoke_duration_seconds`, `metadata`, `rules`, `alerts`,
	} {
		routes = append(routes, matrixRoute{id: path, method: http.MethodGet, path: "/prometheus/api/v1/" + strings.ReplaceAll(path, `"`, "%22")})
	}
	for _, c := range creds {
		if !c.valid || c.scope == "" {
			continue
		}
		for _, route := range routes {
			if route.method != http.MethodGet || route.rule.of == open || strings.HasPrefix(route.path, "/fn/") {
				continue
			}
			status, body := p.as(c, route)
			if status/100 == 2 {
				var any json.RawMessage
				if json.Unmarshal([]byte(body), &any) != nil {
					continue // logs and source are of the function asked for
				}
				if foreign := hasForeign(body, c.scope); foreign != "" && !strings.Contains(route.path, matrixFunction) {
					t.Errorf("%s as %s (%s) is shown %s: %.300s", route.id, c.name, c.scope, foreign, body)
				}
				if strings.Contains(route.path, "/prometheus/") && strings.Contains(body, `"hadron_http`) {
					t.Errorf("%s as %s is shown the platform's own series: %.300s", route.id, c.name, body)
				}
			}
		}
	}
	// The same asked by who may see everything finds both.
	for _, query := range []string{"faas_invocations_total", "hadron_slo_objective"} {
		if n, _ := p.query("count(count by (team) ("+query+"))", time.Time{}); n != 2 {
			t.Errorf("%s: %v teams", query, n)
		}
	}
}
