package access_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hadron/runtime/access"
	"hadron/runtime/function"
)

const greeting = function.Name("growth/signup/greeting")

func TestRolesMayDoWhatTheyHold(t *testing.T) {
	for role, want := range map[access.Role]map[access.Action]bool{
		access.Viewer:   {access.Read: true, access.ReadSource: true},
		access.Invoker:  {access.Invoke: true},
		access.Deployer: {access.Read: true, access.ReadSource: true, access.Invoke: true, access.Deploy: true},
		access.Admin:    {access.Read: true, access.ReadSource: true, access.Invoke: true, access.Deploy: true, access.Administer: true},
		"":              {},
		"root":          {},
	} {
		for _, action := range actions {
			if got := access.Can(access.Principal{Name: "ada", Grants: access.Granted(role, access.Everything)}, action, greeting); got != want[action] {
				t.Errorf("%q may %s: %v", role, action, got)
			}
		}
	}
}

var actions = []access.Action{access.Read, access.ReadSource, access.Invoke, access.Deploy, access.Administer, "", "sudo"}

func TestScopesCover(t *testing.T) {
	for _, c := range []struct {
		scope string
		name  function.Name
		want  bool
	}{
		{"", greeting, true},
		{"", "", true},
		{"growth", greeting, true},
		{"growth/signup", greeting, true},
		{"growth", "", false},
		{"growth/signup/greeting", greeting, false}, // no scope is that narrow
		{"growt", greeting, false},
		{"growth/", greeting, false},
		{"growth/sign", greeting, false},
		{"signup", greeting, false},
		{"pay", greeting, false},
		{"growth", "growth-team/signup/greeting", false},
	} {
		if got := access.Can(access.Principal{Grants: access.Granted(access.Admin, access.Scope(c.scope))}, access.Deploy, c.name); got != c.want {
			t.Errorf("scope %q over %q: %v, want %v", c.scope, c.name, got, c.want)
		}
	}
}

// Nobody, whatever the name, may do anything; and a narrower scope never allows
// what a wider one does not.
func TestScopeOnlyNarrows(t *testing.T) {
	part := rapid.StringMatching(`[a-c]{1,2}`)
	rapid.Check(t, func(t *rapid.T) {
		team, project := part.Draw(t, "team"), part.Draw(t, "project")
		name := function.Name(part.Draw(t, "its team") + "/" + part.Draw(t, "its project") + "/x")
		role := rapid.SampledFrom([]access.Role{access.Viewer, access.Invoker, access.Deployer, access.Admin}).Draw(t, "role")
		action := rapid.SampledFrom(actions).Draw(t, "action")
		can := func(scope string) bool {
			return access.Can(access.Principal{Grants: access.Granted(role, access.Scope(scope))}, action, name)
		}
		if can(team+"/"+project) && !can(team) || can(team) && !can("") {
			t.Fatalf("%s over %s: narrower allows more", role, name)
		}
		if access.Can(access.Principal{}, action, name) {
			t.Fatalf("nobody may %s", action)
		}
	})
}

func TestLoopbackHost(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "127.0.0.1": true, "127.1.2.3:80": true, "[::1]:8080": true, "[::1]": true, "::1": true, "[::ffff:127.0.0.1]:1": true,
		"": false, "example.com": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "10.0.0.1": false, "0.0.0.0": false, "[::]:80": false, "localhost:": true, "2130706433": false, "[fe80::1%lo]": false,
	} {
		if got := access.LoopbackHost(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func BenchmarkCan(b *testing.B) {
	for name, grants := range map[string]access.Grants{
		"one": access.Granted(access.Deployer, "growth/signup"),
		"last of four": access.NewGrants(access.Grant{Role: access.Viewer}, access.Grant{Role: access.Admin, Scope: "a"},
			access.Grant{Role: access.Admin, Scope: "b"}, access.Grant{Role: access.Deployer, Scope: "growth/signup"}),
	} {
		b.Run(name, func(b *testing.B) {
			p := access.Principal{Name: "ada", Grants: grants}
			b.ReportAllocs()
			for b.Loop() {
				if !access.Can(p, access.Deploy, greeting) {
					b.Fatal("refused")
				}
			}
		})
	}
}

var (
	scopes = []access.Scope{access.Everything, "a", "b", "a-b", "a/x", "a/y", "b/x"}
	names  = []function.Name{"a/x/f", "a/y/f", "b/x/f", "b/y/f", "a-b/x/f", "c/x/f"}
)

func anyGrants(t *rapid.T) []access.Grant {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) access.Grant {
		return access.Grant{Role: rapid.SampledFrom(access.Roles).Draw(t, "role"), Scope: rapid.SampledFrom(scopes).Draw(t, "scope")}
	}), 0, 6).Draw(t, "grants")
}

// Several grants allow what any one of them allows and nothing else; their text
// is the same in whatever order they come, and reads back as itself.
func TestGrantsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := anyGrants(t)
		p := access.Principal{Grants: access.NewGrants(list...)}
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		if again := access.NewGrants(shuffled...); again != p.Grants {
			t.Fatalf("%q and %q", p.Grants, again)
		}
		if again, err := access.ParseGrants(string(p.Grants)); err != nil || again != p.Grants {
			t.Fatalf("%q reads as %q, %v", p.Grants, again, err)
		}
		for _, action := range actions {
			for _, name := range append(names, "") {
				want := false
				for _, g := range list {
					want = want || access.Can(access.Principal{Grants: access.Granted(g.Role, g.Scope)}, action, name)
				}
				if got := access.Can(p, action, name); got != want {
					t.Fatalf("%q may %s on %q: %v", p.Grants, action, name, got)
				}
			}
		}
	})
}

// What is said of a scope holds for every function in it.
func TestScopesAgreeWithFunctions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := access.Principal{Grants: access.NewGrants(anyGrants(t)...)}
		action := rapid.SampledFrom(actions).Draw(t, "action")
		for _, name := range names {
			inScopes := false
			for _, s := range p.Grants.Scopes(action) {
				inScopes = inScopes || s.Covers(name)
			}
			if can := access.Can(p, action, name); can != inScopes {
				t.Fatalf("%q: Can %v, Scopes %v of %s", p.Grants, can, inScopes, name)
			}
			for _, s := range scopes {
				if s.Covers(name) && access.CanIn(p, action, s) && !access.Can(p, action, name) {
					t.Fatalf("%q may %s in all of %q but not on %s", p.Grants, action, s, name)
				}
				if s.Covers(name) && access.Can(p, action, name) && !access.Touches(p, action, s) {
					t.Fatalf("%q may %s on %s, and %q shows nothing", p.Grants, action, name, s)
				}
			}
		}
		for _, g := range anyGrants(t) {
			if !g.Within(p.Grants) {
				continue
			}
			for _, action := range actions {
				for _, name := range names {
					if access.Can(access.Principal{Grants: access.Granted(g.Role, g.Scope)}, action, name) && !access.Can(p, action, name) {
						t.Fatalf("%v is within %q and may %s on %s", g, p.Grants, action, name)
					}
				}
			}
		}
	})
}

func TestParseGrants(t *testing.T) {
	for text, want := range map[string]access.Grants{
		"":                            "",
		"viewer":                      "viewer:",
		"viewer: deployer:pay":        "viewer: deployer:pay",
		"deployer:pay viewer":         "viewer: deployer:pay",
		"viewer:pay/core admin:pay":   "admin:pay",
		"invoker:pay viewer:pay":      "invoker:pay viewer:pay",
		"deployer:pay/core admin:pay": "admin:pay",
	} {
		if got, err := access.ParseGrants(text); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"root", ":pay", "viewer:pay/", "viewer:pay/core/charge", "viewer:Pay"} {
		if got, err := access.ParseGrants(text); err == nil || got != "" {
			t.Errorf("%q: taken as %q", text, got)
		}
	}
	many := make([]access.Grant, 0, 2*access.MaxGrants)
	for i := range cap(many) {
		many = append(many, access.Grant{Role: access.Viewer, Scope: access.Scope(fmt.Sprintf("t%d/p", i))})
	}
	n := 0
	for range access.NewGrants(append(many, access.Grant{Role: access.Invoker})...).All() {
		n++
	}
	if n != access.MaxGrants {
		t.Errorf("%d grants", n)
	}
	if got := access.Grants("viewer: deployer:pay").String(); got != "viewer of everything, deployer of pay" {
		t.Error(got)
	}
}

func TestOrigin(t *testing.T) {
	if o := access.OriginOf(t.Context()); o != (access.Origin{Kind: access.ByServer}) {
		t.Errorf("%+v", o)
	}
	ctx := access.WithOrigin(t.Context(), access.Origin{Kind: access.ByToken, Address: "10.0.0.1", Agent: strings.Repeat("ä", access.MaxAgent)})
	if o := access.OriginOf(ctx); o.Address != "10.0.0.1" || len(o.Agent) != access.MaxAgent || !utf8.ValidString(o.Agent) {
		t.Errorf("%+v", o)
	}
}
