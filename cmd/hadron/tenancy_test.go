package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/ui/wire"
)

// settings sets a team's or project's settings over the API.
func settings(p *process, scope string, s wire.TeamSettings) {
	p.t.Helper()
	team, project, both := strings.Cut(scope, "/")
	path := "/api/v1/teams/" + team
	if both {
		path += "/projects/" + project
	}
	p.want(http.StatusOK, http.MethodPut, path, s, nil)
}

// A team's requests and calls at once are bounded, counted and shown, and a change is
// in effect at once; another team feels nothing of it.
func TestQuotasHoldCallsBack(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	for _, name := range []string{"busy/core/f", "calm/core/f"} {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/"+name+"/versions", wire.Register{Source: `export default () => new Response("ok")`, Manifest: patient}, nil)
		p.want(http.StatusOK, http.MethodGet, "/fn/"+name, nil, nil)
	}
	one, none := 1, 0
	settings(p, "busy", wire.TeamSettings{Quota: &wire.Quota{Requests: &one}})
	refused := 0
	for range 10 {
		resp := p.do(http.MethodGet, "/fn/busy/core/f", nil, nil)
		var problem wire.Problem
		_ = json.NewDecoder(resp.Body).Decode(&problem)
		resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests {
			refused++
			if problem.Code != "overloaded" || resp.Header.Get("Retry-After") == "" || !strings.Contains(problem.Detail, "team busy") {
				t.Errorf("%+v %v", problem, resp.Header)
			}
		}
		p.want(http.StatusOK, http.MethodGet, "/fn/calm/core/f", nil, nil)
	}
	if refused == 0 {
		t.Fatal("nothing was held back")
	}
	eventually(t, "refusals are counted", 20*time.Second, func() (bool, string) {
		n, _ := p.query(`hadron_refused_total{team="busy",code="overloaded"}`, time.Time{})
		return int(n) == refused, fmt.Sprint(n)
	})
	if n, there := p.query(`hadron_refused_total{team="calm",code="overloaded"}`, time.Time{}); there && n > 0 {
		t.Errorf("%v of the other team's were refused", n)
	}
	var team wire.Team
	p.want(http.StatusOK, http.MethodGet, "/api/v1/teams/busy", nil, &team)
	shown := map[string]wire.QuotaUse{}
	for _, u := range team.Usage {
		shown[u.Name] = u
	}
	if shown["requests"].Allowed != 1 || shown["functions"].Used != 1 || shown["versions"].Used != 1 || shown["memory"].Allowed == 0 {
		t.Errorf("%+v", team.Usage)
	}
	settings(p, "busy", wire.TeamSettings{Quota: &wire.Quota{Requests: &none}})
	for range 10 {
		p.want(http.StatusOK, http.MethodGet, "/fn/busy/core/f", nil, nil)
	}
}

// A team's worker has the team's budget, also when it is changed while one runs.
func TestMemoryQuotaIsTheWorkersBudget(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const hoard = `
const kept: Uint8Array[] = [];
export default (request: Request) => {
  const mib = Number(new URL(request.url).searchParams.get("mib"));
  for (let i = 0; i < mib; i++) kept.push(new Uint8Array(1 << 20).fill(1));
  return new Response(String(kept.length));
}`
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/big/core/f/versions", wire.Register{Source: hoard, Manifest: patient}, nil)
	p.want(http.StatusOK, http.MethodGet, "/fn/big/core/f?mib=100", nil, nil)
	small := "48MiB"
	settings(p, "big", wire.TeamSettings{Quota: &wire.Quota{Memory: &small}})
	if status, body := p.call(http.MethodGet, "/fn/big/core/f?mib=100", nil); status == http.StatusOK {
		t.Errorf("100 MiB fit into %s: %s", small, body)
	}
	eventually(t, "the team is served again", 20*time.Second, func() (bool, string) {
		status, body := p.call(http.MethodGet, "/fn/big/core/f?mib=1", nil)
		return status == http.StatusOK, string(body)
	})
}

// Old versions go, and say so; what is in use stays and answers all the while.
func TestRetentionOverTheAPI(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	const path = "/api/v1/functions/keep/core/f"
	for i := 1; i <= 5; i++ {
		p.want(http.StatusCreated, http.MethodPost, path+"/versions", wire.Register{Source: fmt.Sprintf(`export default () => new Response("v%d")`, i)}, nil)
	}
	p.want(http.StatusOK, http.MethodGet, "/fn/keep/core/f@2", nil, nil) // the gateway has looked it up
	p.want(http.StatusOK, http.MethodPut, path+"/aliases/old", map[string]any{"weights": []wire.Weight{{Version: 3, Weight: 1}}}, nil)
	keep, days := 1, 0
	settings(p, "keep", wire.TeamSettings{Retention: &wire.Retention{Keep: &keep, Days: &days}})
	eventually(t, "version 2 is removed", 20*time.Second, func() (bool, string) {
		status, body := p.call(http.MethodGet, "/fn/keep/core/f@2", nil)
		return status == http.StatusNotFound, string(body)
	})
	var gone wire.Problem
	p.want(http.StatusNotFound, http.MethodGet, "/fn/keep/core/f@2", nil, &gone)
	if gone.Code != "function_not_found" || !strings.Contains(gone.Detail, "removed by retention at 2") {
		t.Errorf("%+v", gone)
	}
	for _, ref := range []string{"", "@1", "@3", "@old", "@5"} { // live, aliased, and the newest
		p.want(http.StatusOK, http.MethodGet, "/fn/keep/core/f"+ref, nil, nil)
	}
	var list wire.List[wire.Version]
	p.want(http.StatusOK, http.MethodGet, path+"/versions", nil, &list)
	removed := []int{}
	for _, v := range list.Items {
		if v.RemovedAt != nil {
			removed = append(removed, v.Version)
		}
	}
	if len(list.Items) != 5 || fmt.Sprint(removed) != "[4 2]" {
		t.Errorf("removed %v of %d", removed, len(list.Items))
	}
	var refused wire.Problem
	p.want(http.StatusNotFound, http.MethodPut, path+"/aliases/live", map[string]any{"weights": []wire.Weight{{Version: 2, Weight: 1}}}, &refused)
	if refused.Code != "version_not_found" || !strings.Contains(refused.Detail, "removed by retention") {
		t.Errorf("%+v", refused)
	}
	var again wire.Registered
	p.want(http.StatusCreated, http.MethodPost, path+"/versions", wire.Register{Source: `export default () => new Response("v2")`}, &again)
	if again.Version != 6 {
		t.Errorf("%+v", again)
	}
}

// Secrets reach functions in the server's own process, too, and are renewed there.
func TestSecretsInProcess(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev", "--isolation", "inprocess")
	const secret = "/api/v1/teams/solo/secrets/KEY"
	p.want(http.StatusOK, http.MethodPut, secret, wire.PutSecret{Value: "first value"}, nil)
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/solo/core/f/versions", wire.Register{
		Source:   `export default (_: Request, env: any) => { console.log("have " + env.KEY); return new Response(env.KEY) }`,
		Manifest: json.RawMessage(`{"secrets":["KEY"]}`),
	}, nil)
	for _, value := range []string{"first value", "second value"} {
		p.want(http.StatusOK, http.MethodPut, secret, wire.PutSecret{Value: value}, nil)
		if status, body := p.call(http.MethodGet, "/fn/solo/core/f", nil); status != http.StatusOK || string(body) != value {
			t.Errorf("%d %s, want %s", status, body, value)
		}
	}
	eventually(t, "the lines are there", 10*time.Second, func() (bool, string) {
		_, lines := p.call(http.MethodGet, "/api/v1/functions/solo/core/f/logs", nil)
		return strings.Count(string(lines), "have [redacted KEY]") == 2, string(lines)
	})
	var problem wire.Problem
	p.want(http.StatusConflict, http.MethodDelete, secret, nil, &problem)
	if problem.Code != "secret_in_use" {
		t.Errorf("%+v", problem)
	}
}

// A team comes into being with its first deploy where no token is asked for.
func TestFirstUseMakesATeam(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--dev")
	var problem wire.Problem
	p.want(http.StatusNotFound, http.MethodGet, "/api/v1/teams/nobody", nil, &problem)
	if problem.Code != "team_not_found" {
		t.Errorf("%+v", problem)
	}
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/new/core/f/versions", wire.Register{Source: `export default () => new Response("ok")`, Manifest: patient}, nil)
	var team wire.Team
	p.want(http.StatusOK, http.MethodGet, "/api/v1/teams/new/projects/core", nil, &team)
	if team.Team != "new" || team.Project != "core" || team.UpdatedBy != "dev" {
		t.Errorf("%+v", team)
	}
}
