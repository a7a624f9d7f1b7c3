package gateway_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
)

var half = []function.Weight{{Version: 1, Weight: 50}, {Version: 2, Weight: 50}}

// Who sends both, or only one of the two, is the same visitor each time; and both
// values have a part in it.
func TestStickyByHeaderAndCookie(t *testing.T) {
	g := open(t, reply, nil)
	g.Apply(weighted(half, function.Sticky{Header: "X-User", Cookie: "visitor"}))
	meets := func(user, visitor string) string {
		h := http.Header{}
		if user != "" {
			h.Set("X-User", user)
		}
		if visitor != "" {
			h.Set("Cookie", "visitor="+visitor)
		}
		first := hit(g, "/fn/"+string(greeting), h).Body.String()
		for range 5 {
			if again := hit(g, "/fn/"+string(greeting), h).Body.String(); again != first {
				t.Fatalf("%q %q meets %s, then %s", user, visitor, first, again)
			}
		}
		return first
	}
	var byUser, byVisitor, swapped int
	for i := range 100 {
		n := strconv.Itoa(i)
		meets(n, "")
		meets("", n)
		if meets(n, "a") != meets("b", "a") {
			byUser++
		}
		if meets("a", n) != meets("a", "b") {
			byVisitor++
		}
		if meets(n, "a") != meets("a", n) {
			swapped++
		}
	}
	for what, differ := range map[string]int{"header": byUser, "cookie": byVisitor, "which is which": swapped} {
		if differ < 20 || differ > 80 {
			t.Errorf("%s: %d of 100 visitors differ by it", what, differ)
		}
	}
	chance := map[string]int{}
	for range 200 {
		chance[hit(g, "/fn/"+string(greeting), nil).Body.String()]++
	}
	if chance["1"] < 50 || chance["2"] < 50 {
		t.Errorf("visitors without either: %v", chance)
	}
}

var issued = regexp.MustCompile(`^ab=([0-9a-z]{16}); Path=(\S+); Max-Age=7776000; HttpOnly; SameSite=Lax(; Secure)?$`)

func TestCookieIsIssuedWhileTrafficIsSplit(t *testing.T) {
	g := open(t, reply, func(c *gateway.Config) { c.ExternalURL = "https://fn.example" })
	sticky := function.Sticky{Cookie: "ab", Issue: true}
	g.Apply(weighted(half, sticky))
	seen := map[string]bool{}
	for _, path := range []string{"/fn/" + string(greeting), "/fn/" + string(greeting) + "@live"} {
		for range 20 {
			rec := hit(g, path+"/some/page?x=1", nil)
			m := issued.FindStringSubmatch(rec.Header().Get("Set-Cookie"))
			if m == nil || m[2] != path || m[3] == "" || seen[m[1]] {
				t.Fatalf("issued %q at %s", rec.Header()["Set-Cookie"], path)
			}
			seen[m[1]] = true
			// The answer that brought the cookie is of the version that it stands for.
			for range 3 {
				again := hit(g, path, http.Header{"Cookie": {"ab=" + m[1]}})
				if again.Body.String() != rec.Body.String() || again.Header()["Set-Cookie"] != nil {
					t.Fatalf("first %s, then %s with %q", rec.Body, again.Body, again.Header()["Set-Cookie"])
				}
			}
		}
	}
	for what, f := range map[string]function.Function{
		"traffic is whole": weighted(half[:1], sticky),
		"issue is not set": weighted(half, function.Sticky{Cookie: "ab"}),
	} {
		g.Apply(f)
		if got := hit(g, "/fn/"+string(greeting), nil).Header()["Set-Cookie"]; got != nil {
			t.Errorf("%s: issued %q", what, got)
		}
	}
	g.Apply(weighted(half, sticky))
	if got := hit(g, "/fn/"+string(greeting)+"@2", nil).Header()["Set-Cookie"]; got != nil {
		t.Errorf("a call by number was issued %q", got)
	}
}

func TestVariantIsVisible(t *testing.T) {
	g := open(t, reply, nil)
	g.Apply(weighted(half, function.Sticky{}))
	for _, ref := range []string{"", "@live"} {
		rec := hit(g, "/fn/"+string(greeting)+ref, nil)
		if got := rec.Header().Get("Hadron-Variant"); got != "live="+strings.TrimSpace(rec.Body.String()) || rec.Header().Get("Hadron-Version") != rec.Body.String() {
			t.Errorf("%q of version %s", got, rec.Body)
		}
	}
	if got := hit(g, "/fn/"+string(greeting)+"@2", nil).Header()["Hadron-Variant"]; got != nil {
		t.Errorf("by number: %q", got)
	}
	g.Apply(weighted(half[1:], function.Sticky{}))
	if got := hit(g, "/fn/"+string(greeting), nil).Header()["Hadron-Variant"]; got != nil {
		t.Errorf("traffic is whole: %q", got)
	}
}
