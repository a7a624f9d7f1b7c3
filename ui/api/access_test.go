package api_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
	"hadron/ui/api"
	"hadron/ui/client"
)

// audited is a server whose audit log is that of its index.
func audited(t *testing.T) (*server, *tenant.Tenants, *sql.DB) {
	t.Helper()
	db := sqltest.MustOpen(t)
	ts, err := tenant.New(tenant.Config{DataDir: t.TempDir(), Store: db.Tokens(), Sessions: db.Sessions(), Log: db.Audit()})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(c *api.Config) { c.Tokens, c.Changes = ts, ts })
	return s, ts, db
}

// The audit log says what was before and after, by whom and from where; a page goes
// on where the one before ended, and filters add up.
func TestChanges(t *testing.T) {
	s, ts, db := audited(t)
	from := access.WithOrigin(t.Context(), access.Origin{Kind: access.ByToken, Address: "192.0.2.7", Agent: "curl/8"})
	for i, name := range []string{"growth/signup/greeting", "growth/signup/other", "payments/core/charge"} {
		rec := registry.Commit{}
		rec.Change = registry.Change{Kind: registry.KindDeployed, Function: function.Name(name), By: "ada", Message: "no " + string(rune('1'+i)), Before: []byte("null"), After: []byte(`{"version":1}`), Time: time.Now()}
		rec.Next.Function.Name = rec.Change.Function
		if _, err := db.Registry().Commit(from, rec); err != nil {
			t.Fatal(err)
		}
	}
	gus := access.Principal{Name: "gus", Grants: access.Granted(access.Admin, "growth")}
	if _, _, err := ts.Issue(from, gus, tenant.Request{Name: "ci", Role: access.Viewer, Scope: "growth"}); err != nil {
		t.Fatal(err)
	}
	ask := func(token string, f client.ChangeFilter) (kinds []string) {
		t.Helper()
		for {
			list, err := s.client(t, token).Changes(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list.Items {
				kinds = append(kinds, c.Kind+" "+c.Function+c.Subject+" "+c.Address)
			}
			if f.Cursor = list.Next; f.Cursor == "" {
				return kinds
			}
		}
	}
	const (
		made = "token_created token:growth/ci 192.0.2.7"
		two  = "deployed growth/signup/other 192.0.2.7"
		one  = "deployed growth/signup/greeting 192.0.2.7"
		pays = "deployed payments/core/charge 192.0.2.7"
	)
	for what, c := range map[string]struct {
		token string
		f     client.ChangeFilter
		want  []string
	}{
		"all":           {"hdn_admin", client.ChangeFilter{}, []string{made, pays, two, one}},
		"page by page":  {"hdn_admin", client.ChangeFilter{Page: client.Page{Limit: 1}}, []string{made, pays, two, one}},
		"a team":        {"hdn_admin", client.ChangeFilter{Team: "growth"}, []string{made, two, one}},
		"a kind":        {"hdn_admin", client.ChangeFilter{Kind: "token_created"}, []string{made}},
		"an author":     {"hdn_admin", client.ChangeFilter{Author: "gus"}, []string{made}},
		"a function":    {"hdn_admin", client.ChangeFilter{Function: "growth/signup/other"}, []string{two}},
		"lately":        {"hdn_admin", client.ChangeFilter{Since: "1h"}, []string{made, pays, two, one}},
		"a team's":      {grantToken("admin:growth"), client.ChangeFilter{}, []string{made, two, one}},
		"another's":     {grantToken("admin:growth"), client.ChangeFilter{Team: "payments"}, nil},
		"a project's":   {grantToken("admin:growth/signup"), client.ChangeFilter{}, []string{two, one}},
		"two teams'":    {grantToken("admin:growth/signup admin:payments"), client.ChangeFilter{}, []string{pays, two, one}},
		"no admin's":    {grantToken("viewer:payments"), client.ChangeFilter{}, []string{"deployed payments/core/charge "}},
		"both together": {grantToken("viewer:payments admin:growth"), client.ChangeFilter{Kind: "deployed"}, []string{"deployed payments/core/charge ", two, one}},
	} {
		if got := ask(c.token, c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
	s.refused(t, 403, "forbidden", http.MethodGet, "/api/v1/changes", "hdn_invoker", "")
	s.refused(t, 400, "invalid_request", http.MethodGet, "/api/v1/changes?cursor=x", "hdn_admin", "")
	s.refused(t, 400, "invalid_request", http.MethodGet, "/api/v1/changes?since=never", "hdn_admin", "")
	s.refused(t, 400, "name_invalid", http.MethodGet, "/api/v1/changes?function=x", "hdn_admin", "")
	s.refused(t, 403, "forbidden", http.MethodGet, "/api/v1/tokens", "hdn_growth", "") // a deployer
	if _, err := ts.Changes(context.WithoutCancel(t.Context()), access.Principal{}, tenant.ChangeFilter{Limit: 1}); err != nil {
		t.Error(err)
	}
}
