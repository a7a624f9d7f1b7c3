package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/storage/sql/sqltest"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// withTeams gives a server teams and secrets.
func withTeams(t testing.TB) func(*api.Config) {
	t.Helper()
	db := sqltest.MustOpen(t)
	keys, err := tenant.OpenKeys(t.Context(), tenant.KeysConfig{DataDir: t.TempDir(), Sealed: db.Secrets().KeyIDs})
	if err != nil {
		t.Fatal(err)
	}
	teams, err := tenant.NewDirectory(t.Context(), tenant.DirectoryConfig{
		Store: db.Teams(), Count: db.Registry().Count, Defaults: tenant.Defaults{Keep: 10, EscalationPolicy: "Default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets := tenant.NewSecrets(tenant.SecretsConfig{
		Store: db.Secrets(), Keys: keys, Bound: func(s tenant.Scope) int { return teams.Bounds(s).Secrets },
		InUse:   func(context.Context, tenant.Scope, string) ([]function.Name, error) { return nil, nil },
		Changed: func(context.Context, tenant.Scope) {},
	})
	return func(cfg *api.Config) {
		cfg.Teams, cfg.Secrets = teams, secrets
		cfg.Usage = func(_ context.Context, s tenant.Scope) ([]wire.QuotaUse, error) {
			return []wire.QuotaUse{{Name: "functions", Used: 1, Allowed: float64(teams.Bounds(s).Functions)}}, nil
		}
	}
}

const (
	teamsPath    = "/api/v1/teams"
	greetingPath = "/api/v1/functions/growth/signup/greeting"
)

func TestTeamsOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, withTeams(t))
	put := func(path, token, body string, header ...string) (*http.Response, wire.Team) {
		t.Helper()
		res, text := s.do(t, http.MethodPut, teamsPath+path, token, body, header...)
		var team wire.Team
		if err := json.Unmarshal([]byte(text), &team); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("PUT %s: %s %s", path, res.Status, text)
		}
		return res, team
	}
	res, team := put("/growth", "hdn_admin", `{"owners":["ada"],"quota":{"functions":5,"memory":"64MiB"},"retention":{"keep":3}}`)
	etag := res.Header.Get("ETag")
	if team.Team != "growth" || etag == "" || team.InEffect.Keep != 3 || team.InEffect.EscalationPolicy != "Default" || *team.Settings.Quota.Memory != "64MiB" || team.Usage[0].Allowed != 5 {
		t.Errorf("%+v %q", team, etag)
	}
	put("/growth/projects/signup", "hdn_admin", `{"quota":{"functions":2}}`)
	s.refused(t, http.StatusConflict, "team_exists", http.MethodPut, teamsPath+"/growth", "hdn_admin", `{}`, "If-None-Match", "*")
	s.refused(t, http.StatusPreconditionFailed, "stale", http.MethodPut, teamsPath+"/growth", "hdn_admin", `{}`, "If-Match", `"999"`)
	s.refused(t, http.StatusPreconditionFailed, "stale", http.MethodPut, teamsPath+"/growth", "hdn_admin", `{}`, "If-Match", "nonsense")
	s.refused(t, http.StatusNotFound, "team_not_found", http.MethodPut, teamsPath+"/nobody/projects/x", "hdn_admin", `{}`)
	s.refused(t, http.StatusUnprocessableEntity, "settings_invalid", http.MethodPut, teamsPath+"/growth", "hdn_admin", `{"quota":{"functions":-1}}`)
	s.refused(t, http.StatusUnprocessableEntity, "settings_invalid", http.MethodPut, teamsPath+"/growth", "hdn_admin", `{"quota":{"memory":"lots"}}`)
	s.refused(t, http.StatusBadRequest, "invalid_request", http.MethodPut, teamsPath+"/growth", "hdn_admin", `{"ownerz":[]}`)
	s.refused(t, http.StatusBadRequest, "name_invalid", http.MethodPut, teamsPath+"/Growth", "hdn_admin", `{}`)
	s.refused(t, http.StatusForbidden, "forbidden", http.MethodPut, teamsPath+"/growth", "hdn_growth", `{}`)
	s.refused(t, http.StatusConflict, "not_empty", http.MethodDelete, teamsPath+"/growth", "hdn_admin", "")

	names := func(path, token string) string {
		t.Helper()
		var out []string
		for cursor := ""; ; {
			res, text := s.do(t, http.MethodGet, teamsPath+path+"?limit=1&cursor="+cursor, token, "")
			var list wire.List[wire.Team]
			if err := json.Unmarshal([]byte(text), &list); err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("GET %s: %s %s", path, res.Status, text)
			}
			for _, it := range list.Items {
				out = append(out, strings.TrimSuffix(it.Team+"/"+it.Project, "/"))
			}
			if cursor = list.Next; cursor == "" {
				return strings.Join(out, " ")
			}
		}
	}
	put("/payments", "hdn_admin", `{}`)
	put("/payments/projects/core", "hdn_admin", `{}`)
	for _, c := range []struct{ path, token, want string }{
		{"", "hdn_admin", "growth payments"},
		{"", "hdn_growth", "growth"},
		{"", "hdn_payments", "payments"},
		{"/growth/projects", "hdn_growth", "growth/signup"},
		{"/growth/projects", "hdn_payments", ""},
		{"/payments/projects", "hdn_viewer", "payments/core"},
	} {
		if got := names(c.path, c.token); got != c.want {
			t.Errorf("%s sees %q below %q, want %q", c.token, got, c.path, c.want)
		}
	}
	s.refused(t, http.StatusBadRequest, "invalid_request", http.MethodGet, teamsPath+"?cursor=*", "hdn_admin", "")
	if res, text := s.do(t, http.MethodDelete, teamsPath+"/payments/projects/core", "hdn_admin", ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s", res.Status, text)
	}
}

func TestSecretsOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, withTeams(t))
	const value = "hunter2-hunter2"
	path := teamsPath + "/growth/projects/signup/secrets"
	s.refused(t, http.StatusNotFound, "team_not_found", http.MethodPut, path+"/API_KEY", "hdn_growth", `{"value":"x"}`)
	for _, token := range []string{"hdn_admin", "hdn_growth"} { // first use by an admin, then a deployer's
		res, text := s.do(t, http.MethodPut, path+"/API_KEY", token, `{"value":"`+value+`"}`)
		if res.StatusCode != http.StatusOK || strings.Contains(text, value) || !strings.Contains(text, `"keyId"`) {
			t.Errorf("%s: %s %s", token, res.Status, text)
		}
	}
	if res, text := s.do(t, http.MethodGet, path, "hdn_viewer", ""); res.StatusCode != http.StatusOK || strings.Contains(text, value) || !strings.Contains(text, `"version":2`) {
		t.Errorf("%s %s", res.Status, text)
	}
	for _, c := range []struct {
		status       int
		code         string
		name, token  string
		body, method string
	}{
		{http.StatusUnprocessableEntity, "secret_invalid", "API-KEY", "hdn_admin", `{"value":"` + value + `"}`, http.MethodPut},
		{http.StatusUnprocessableEntity, "secret_invalid", "A", "hdn_admin", `{"value":""}`, http.MethodPut},
		{http.StatusRequestEntityTooLarge, "body_too_large", "A", "hdn_admin", `{"value":"` + strings.Repeat("x", 7*tenant.MaxSecret) + `"}`, http.MethodPut},
		{http.StatusBadRequest, "invalid_request", "A", "hdn_admin", `{"value":7}`, http.MethodPut},
		{http.StatusForbidden, "forbidden", "A", "hdn_viewer", `{"value":"` + value + `"}`, http.MethodPut},
		{http.StatusNotFound, "secret_not_found", "NONE", "hdn_admin", "", http.MethodDelete},
	} {
		if p := s.refused(t, c.status, c.code, c.method, path+"/"+c.name, c.token, c.body); strings.Contains(p.Detail, value) {
			t.Errorf("a refusal holds the value: %s", p.Detail)
		}
	}
	if res, text := s.do(t, http.MethodPost, "/api/v1/secrets/rekey", "hdn_admin", ""); res.StatusCode != http.StatusOK || !strings.Contains(text, `"moved":0`) {
		t.Errorf("%s %s", res.Status, text)
	}
	s.refused(t, http.StatusForbidden, "forbidden", http.MethodPost, "/api/v1/secrets/rekey", "hdn_growth", "")
	if res, text := s.do(t, http.MethodDelete, path+"/API_KEY", "hdn_growth", ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("%s %s", res.Status, text)
	}
}

func TestVersionsAreCompared(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	register := func(body wire.Register) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if res, answer := s.do(t, http.MethodPost, greetingPath+"/versions", "hdn_admin", string(text)); res.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s", res.Status, answer)
		}
	}
	sources := func(files map[string]string) string {
		m := struct {
			Version        int      `json:"version"`
			Sources        []string `json:"sources"`
			SourcesContent []string `json:"sourcesContent"`
			Mappings       string   `json:"mappings"`
		}{Version: 3, Mappings: "AAAA"}
		for _, path := range []string{"index.ts", "src/b.ts", "src/c.ts"} {
			if text, ok := files[path]; ok {
				m.Sources, m.SourcesContent = append(m.Sources, path), append(m.SourcesContent, text)
			}
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	register(wire.Register{Source: "one\ntwo\n", SourceMap: sources(map[string]string{"index.ts": "a\nb\nc\n", "src/b.ts": "old\n"}), Origin: &wire.Origin{Tool: "test", Commit: "0123456789abcdef", Dirty: true}})
	register(wire.Register{Source: "one\n2\n", SourceMap: sources(map[string]string{"index.ts": "a\nB\nc\n", "src/c.ts": "new\n"}), Manifest: []byte(`{"owner":"ada"}`)})
	register(wire.Register{Source: "one\n3\n"})
	c := s.client(t, "hdn_admin")
	d, err := c.Diff(t.Context(), "growth/signup/greeting", "1", "2")
	if err != nil || len(d.Files) != 4 || d.From != 1 || d.To != 2 || d.Cut {
		t.Fatalf("%+v %v", d, err)
	}
	for i, want := range []wire.FileDiff{
		{Path: "hadron.json", State: "changed", Added: 3},
		{Path: "index.ts", State: "changed", Added: 1, Removed: 1},
		{Path: "src/b.ts", State: "removed", Removed: 1},
		{Path: "src/c.ts", State: "added", Added: 1},
	} {
		got := d.Files[i]
		if got.Path != want.Path || got.State != want.State || got.Added != want.Added || got.Removed != want.Removed {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if !strings.Contains(d.Files[1].Diff, " a\n-b\n+B\n c\n") {
		t.Errorf("%s", d.Files[1].Diff)
	}
	if d, err = c.Diff(t.Context(), "growth/signup/greeting", "2", "3"); err != nil || len(d.Files) != 2 || d.Files[1].Path != "module" {
		t.Errorf("without a map: %+v %v", d, err)
	}
	if d, err = c.Diff(t.Context(), "growth/signup/greeting", "live", "1"); err != nil || len(d.Files) != 0 {
		t.Errorf("the same: %+v %v", d, err)
	}
	s.refused(t, http.StatusNotFound, "version_not_found", http.MethodGet, greetingPath+"/versions/1/diff/9", "hdn_admin", "")
	s.refused(t, http.StatusForbidden, "forbidden", http.MethodGet, greetingPath+"/versions/1/diff/2", "hdn_invoker", "")
	v, err := c.Version(t.Context(), "growth/signup/greeting", "1")
	if err != nil || v.Origin == nil || v.Origin.Commit != "0123456789abcdef" || !v.Origin.Dirty {
		t.Errorf("%+v %v", v, err)
	}
	s.refused(t, http.StatusBadRequest, "invalid_request", http.MethodPost, greetingPath+"/versions", "hdn_admin", `{"source":"x","origin":{"commit":"; rm"}}`)
}
