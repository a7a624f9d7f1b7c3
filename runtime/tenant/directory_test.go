package tenant_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/runtime/tenant"
	"hadron/storage/sql/sqltest"
)

func of[T any](v T) *T { return &v }

// house is teams over a registry of functions.
type house struct {
	teams    *tenant.Directory
	registry *registry.Registry
	changed  []tenant.Scope
	missing  []string
}

func openHouse(t testing.TB) *house {
	t.Helper()
	db := sqltest.MustOpen(t)
	h := &house{}
	var err error
	if h.teams, err = tenant.NewDirectory(t.Context(), tenant.DirectoryConfig{
		Store: db.Teams(), Count: db.Registry().Count, Changed: func(s tenant.Scope) { h.changed = append(h.changed, s) },
		Missing:  func(context.Context, function.Name, []string) ([]string, error) { return h.missing, nil },
		Defaults: tenant.Defaults{Bounds: tenant.Bounds{Functions: 10, Versions: 100, Secrets: 5}, Keep: 50, Age: 90 * 24 * time.Hour, EscalationPolicy: "Default"},
	}); err != nil {
		t.Fatal(err)
	}
	h.registry, err = registry.New(registry.Config{
		Store: db.Registry(), Builder: &registrytest.Builder{},
		Admit: func(ctx context.Context, a registry.Admission) error {
			return h.teams.Admit(ctx, a.By, a.Name, a.New, a.Manifest)
		},
	})
	if err == nil {
		err = h.registry.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) deploy(t testing.TB, name function.Name, source string) error {
	t.Helper()
	_, err := h.registry.Register(t.Context(), registry.Registration{By: "ada", Name: name, Source: source})
	return err
}

func (h *house) put(t testing.TB, s tenant.Scope, settings tenant.Settings) tenant.Team {
	t.Helper()
	out, err := h.teams.Put(t.Context(), "ada", s, settings, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTeamsAreChangedUnderTheirRevision(t *testing.T) {
	h := openHouse(t)
	if _, err := h.teams.Put(t.Context(), "ada", "growth/signup", tenant.Settings{}, nil, false); !errors.Is(err, tenant.ErrNoTeam) {
		t.Errorf("a project without team: %v", err)
	}
	first := h.put(t, "growth", tenant.Settings{Owners: []string{"ada"}, Contact: "#growth"})
	if _, err := h.teams.Put(t.Context(), "bob", "growth", tenant.Settings{}, nil, true); !errors.Is(err, tenant.ErrTeamExists) {
		t.Errorf("created twice: %v", err)
	}
	second, err := h.teams.Put(t.Context(), "bob", "growth", tenant.Settings{Owners: []string{"bob"}}, &first.Revision, false)
	if err != nil || second.Revision <= first.Revision || !second.CreatedAt.Equal(first.CreatedAt) || second.UpdatedBy != "bob" {
		t.Fatalf("%+v %v", second, err)
	}
	if _, err := h.teams.Put(t.Context(), "ada", "growth", tenant.Settings{}, &first.Revision, false); !errors.Is(err, tenant.ErrTeamStale) {
		t.Errorf("a stale write: %v", err)
	}
	if again := h.put(t, "growth", second.Settings); again.Revision != second.Revision {
		t.Error("writing what is there was a change")
	}
	if len(h.changed) != 2 {
		t.Errorf("told of %v", h.changed)
	}
	for what, bad := range map[string]tenant.Settings{
		"owner":    {Owners: []string{""}},
		"contact":  {Contact: "a\nb"},
		"quota":    {Quota: tenant.Quota{Functions: of(-1)}},
		"memory":   {Quota: tenant.Quota{Memory: of(function.Size(1))}},
		"retained": {Retention: tenant.Retention{Keep: of(-1)}},
	} {
		if _, err := h.teams.Put(t.Context(), "ada", "growth", bad, nil, false); !errors.Is(err, tenant.ErrSettings) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.put(t, "growth/signup", tenant.Settings{})
	if _, err := h.teams.Put(t.Context(), "ada", "growth/signup", tenant.Settings{Quota: tenant.Quota{Memory: of(function.Size(64 << 20))}}, nil, false); !errors.Is(err, tenant.ErrSettings) {
		t.Errorf("a project's memory: %v", err)
	}
}

func TestDeletingSaysWhatIsInside(t *testing.T) {
	h := openHouse(t)
	if err := h.deploy(t, "growth/signup/greeting", "x"); err != nil {
		t.Fatal(err)
	}
	err := h.teams.Delete(t.Context(), "ada", "growth", nil)
	if !errors.Is(err, tenant.ErrNotEmpty) || !strings.Contains(err.Error(), "1 functions, 1 projects") {
		t.Errorf("%v", err)
	}
	if err := h.registry.Delete(t.Context(), "ada", "growth/signup/greeting"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []tenant.Scope{"growth/signup", "growth"} {
		if err := h.teams.Delete(t.Context(), "ada", s, nil); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := h.teams.Delete(t.Context(), "ada", "growth", nil); !errors.Is(err, tenant.ErrNoTeam) {
		t.Errorf("%v", err)
	}
}

func TestFirstUseIsForAdmins(t *testing.T) {
	h := openHouse(t)
	who := map[string]access.Principal{
		"deployer":   deployer,
		"other team": {Name: "pat", Grants: access.Granted(access.Admin, "pay")},
		"project":    {Name: "sue", Grants: access.Granted(access.Admin, "growth/signup")},
	}
	for what, p := range who {
		if err := h.teams.Enter(p, "growth/signup"); !errors.Is(err, tenant.ErrNoTeam) || !strings.Contains(err.Error(), "hadron teams create growth") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := h.teams.Enter(access.Principal{Name: "ada", Grants: access.Granted(access.Admin, access.Everything)}, "growth/signup"); err != nil {
		t.Error(err)
	}
	if _, err := h.teams.Team("growth"); !errors.Is(err, tenant.ErrNoTeam) {
		t.Error("asking made the team")
	}
	if err := h.deploy(t, "growth/signup/greeting", "x"); err != nil {
		t.Fatal(err)
	}
	if err := h.teams.Enter(deployer, "growth/signup"); err != nil {
		t.Errorf("it is there now: %v", err)
	}
	if err := h.teams.Enter(deployer, "growth/other"); !errors.Is(err, tenant.ErrNoTeam) || !strings.Contains(err.Error(), "hadron projects create growth/other") {
		t.Errorf("another project: %v", err)
	}
}

func TestQuotasOfFunctionsAndVersions(t *testing.T) {
	h := openHouse(t)
	h.put(t, "growth", tenant.Settings{Quota: tenant.Quota{Functions: of(3), Versions: of(4)}})
	h.put(t, "growth/signup", tenant.Settings{Quota: tenant.Quota{Functions: of(1)}})
	for _, step := range []struct {
		name   function.Name
		source string
		refuse tenant.Scope
		what   string
	}{
		{"growth/signup/a", "1", "", ""},
		{"growth/signup/b", "1", "growth/signup", "functions"},
		{"growth/signup/a", "2", "", ""},
		{"growth/web/b", "1", "", ""},
		{"growth/web/c", "1", "", ""},
		{"growth/web/c", "1", "", ""}, // the same again is nothing new
		{"growth/web/d", "1", "growth", "functions"},
		{"growth/web/c", "2", "growth", "versions"},
		{"growther/web/x", "1", "", ""},
	} {
		err := h.deploy(t, step.name, step.source)
		var quota *tenant.QuotaError
		switch {
		case step.refuse == "" && err != nil:
			t.Errorf("%s %s: %v", step.name, step.source, err)
		case step.refuse != "" && (!errors.As(err, &quota) || quota.Scope != step.refuse || quota.What != step.what):
			t.Errorf("%s %s: %v, want the %s of %s", step.name, step.source, err, step.what, step.refuse)
		}
	}
	h.put(t, "growth", tenant.Settings{Quota: tenant.Quota{Functions: of(0), Versions: of(0)}}) // no bound, at once
	if err := h.deploy(t, "growth/web/d", "1"); err != nil {
		t.Error(err)
	}
}

func TestMissingSecretsRefuseADeploy(t *testing.T) {
	h := openHouse(t)
	h.missing = []string{"B", "C"}
	_, err := h.registry.Register(t.Context(), registry.Registration{By: "ada", Name: "growth/signup/x", Source: "x", Manifest: []byte(`{"secrets":["A","B","C"]}`)})
	var missing *tenant.MissingSecretsError
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "B, C") {
		t.Errorf("%v", err)
	}
	if _, err := h.registry.Get(t.Context(), "growth/signup/x"); !errors.Is(err, registry.ErrNotFound) {
		t.Error("something was left behind")
	}
}

func TestProjectsOverrideTheirTeam(t *testing.T) {
	h := openHouse(t)
	name := function.Name("growth/signup/greeting")
	want := func(policy string, keep int, days int) {
		t.Helper()
		got := h.teams.InEffect(tenant.ProjectOf(name))
		if got.EscalationPolicy != policy || got.Keep != keep || got.Age != time.Duration(days)*24*time.Hour {
			t.Errorf("got %+v", got)
		}
	}
	want("Default", 50, 90)
	h.put(t, "growth", tenant.Settings{EscalationPolicy: "Growth", Retention: tenant.Retention{Keep: of(20)}})
	want("Growth", 20, 90)
	h.put(t, "growth/signup", tenant.Settings{EscalationPolicy: "Sign-up", Retention: tenant.Retention{Days: of(7)}})
	want("Sign-up", 20, 7)
	if p, from := h.teams.EscalationPolicy(tenant.ProjectOf(name)); p != "Sign-up" || !strings.Contains(from, "project growth/signup") {
		t.Errorf("%s %s", p, from)
	}
	if p, _ := h.teams.EscalationPolicy("pay/core"); p != "" {
		t.Errorf("%s", p)
	}
	if p, from := h.teams.EscalationPolicy("growth"); p != "Growth" || !strings.Contains(from, "team growth") {
		t.Errorf("%s %s", p, from)
	}
	if b := h.teams.Bounds("growth"); b.Functions != 10 || b.Secrets != 5 {
		t.Errorf("%+v", b)
	}
	if b := h.teams.Bounds("growth/signup"); b != (tenant.Bounds{}) {
		t.Errorf("a project has bounds of its own: %+v", b)
	}
}

func TestTeamsAreListedInPages(t *testing.T) {
	h := openHouse(t)
	for _, s := range []tenant.Scope{"b", "a", "c", "a/y", "a/x", "b/z"} {
		h.put(t, s.Team(), tenant.Settings{})
		h.put(t, s, tenant.Settings{})
	}
	list := func(of, after tenant.Scope, limit int, keep func(tenant.Scope) bool) string {
		var out []string
		for _, team := range h.teams.Teams(of, after, limit, keep) {
			out = append(out, string(team.Scope))
		}
		return strings.Join(out, " ")
	}
	all := func(tenant.Scope) bool { return true }
	for want, got := range map[string]string{
		"a b c": list("", "", 0, all), "a b": list("", "", 2, all), "c": list("", "b", 2, all), "a/x a/y": list("a", "", 0, all),
		"a/y": list("a", "a/x", 5, all), "a c": list("", "", 0, func(s tenant.Scope) bool { return s != "b" }),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
