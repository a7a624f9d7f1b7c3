package access_test

import (
	"testing"

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
			if got := access.Can(access.Principal{Name: "ada", Role: role}, action, greeting); got != want[action] {
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
		if got := access.Can(access.Principal{Role: access.Admin, Scope: c.scope}, access.Deploy, c.name); got != c.want {
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
		can := func(scope string) bool { return access.Can(access.Principal{Role: role, Scope: scope}, action, name) }
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
	p := access.Principal{Name: "ada", Role: access.Deployer, Scope: "growth/signup"}
	b.ReportAllocs()
	for b.Loop() {
		if !access.Can(p, access.Deploy, greeting) {
			b.Fatal("refused")
		}
	}
}
