package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// Whatever somebody was granted, lists hold what they may read of it and nothing
// else, page by page, and items of others are not there.
func TestRandomGrantsSeeTheirOwn(t *testing.T) {
	names := []function.Name{"a/x/f", "a/x/g", "a/y/f", "a-b/x/f", "b/x/f", "b/y/g"}
	s := serve(t, func(c *api.Config) {
		c.Healths = func() (out []wire.Health) {
			for _, n := range names {
				out = append(out, healthOf(n))
			}
			return out
		}
	})
	for _, n := range names {
		s.register(t, n, "export default 1", "")
	}
	grant := rapid.Custom(func(t *rapid.T) access.Grant {
		return access.Grant{
			Role:  rapid.SampledFrom(access.Roles).Draw(t, "role"),
			Scope: rapid.SampledFrom([]access.Scope{"", "a", "b", "a/x", "a/y", "b/y", "a-b", "c"}).Draw(t, "scope"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		who := access.Principal{Grants: access.NewGrants(rapid.SliceOfN(grant, 1, 4).Draw(rt, "grants")...)}
		token := grantToken(who.Grants)
		var want []string
		for _, n := range names {
			if access.Can(who, access.Read, n) {
				want = append(want, string(n))
			}
			res, body := s.do(t, http.MethodGet, "/api/v1/functions/"+string(n), token, "")
			status := http.StatusNotFound
			switch {
			case access.Can(who, access.Read, n):
				status = http.StatusOK
			case access.Can(who, access.Invoke, n):
				status = http.StatusForbidden
			}
			if res.StatusCode != status {
				rt.Fatalf("%s asks for %s: %d %s", who.Grants, n, res.StatusCode, body)
			}
		}
		if len(who.Grants.Scopes(access.Read)) == 0 {
			s.refused(t, 403, "forbidden", http.MethodGet, "/api/v1/functions", token, "")
			return
		}
		slices.Sort(want)
		for _, path := range []string{"/api/v1/functions?limit=2", "/api/v1/health", "/api/v1/deployments?limit=2"} {
			got := listAll(t, s, path, token)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				rt.Fatalf("%s sees %q of %s, want %q", who.Grants, got, path, want)
			}
		}
	})
}

// listAll returns the functions that all pages of a list name.
func listAll(t *testing.T, s *server, path, token string) []string {
	t.Helper()
	var out []string
	for cursor := ""; ; {
		at := path
		if cursor != "" {
			at += "&cursor=" + cursor
		}
		_, body := s.do(t, http.MethodGet, at, token, "")
		var list wire.List[struct {
			Function string `json:"function"`
		}]
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatalf("%s: %v in %s", at, err, body)
		}
		for _, it := range list.Items {
			out = append(out, it.Function)
		}
		if cursor = list.Next; cursor == "" {
			return out
		}
	}
}

// grantToken is a token that the test server takes for these grants.
func grantToken(grants access.Grants) string {
	return "hdn_as=" + strings.ReplaceAll(string(grants), " ", ",")
}

// What is wrong with a part may name a function: it is told to those who see all.
func TestSystemTellsTeamsNoDetails(t *testing.T) {
	s := serve(t, func(c *api.Config) {
		c.System = func(context.Context) (wire.System, error) {
			return wire.System{State: wire.PartDegraded, Parts: []wire.Part{{Name: "functions", State: wire.PartDegraded, Detail: "pay/core/charge@3 is quarantined"}}}, nil
		}
	})
	if _, text := s.do(t, http.MethodGet, "/api/v1/system", "hdn_growth", ""); strings.Contains(text, "pay") || !strings.Contains(text, `"degraded"`) {
		t.Error(text)
	}
	if _, text := s.do(t, http.MethodGet, "/api/v1/system", "hdn_viewer", ""); !strings.Contains(text, "pay/core/charge@3") {
		t.Error(text)
	}
}
