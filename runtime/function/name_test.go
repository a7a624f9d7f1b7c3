package function_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hadron/runtime/function"
)

var (
	part   = rapid.StringMatching(`[a-z][a-z0-9-]{0,62}`)
	digest = rapid.StringMatching(`sha256:[0-9a-f]{12,64}`)
)

func TestNamesTakeApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		team, project, base := part.Draw(t, "team"), part.Draw(t, "project"), part.Draw(t, "base")
		n, err := function.ParseName(team + "/" + project + "/" + base)
		if err != nil {
			t.Fatal(err)
		}
		if n.Team() != team || n.Project() != project || n.Base() != base {
			t.Fatalf("%s: %s, %s, %s", n, n.Team(), n.Project(), n.Base())
		}
	})
	if n := function.Name(""); n.Team() != "" || n.Project() != "" || n.Base() != "" {
		t.Error("the zero name has parts")
	}
}

func TestNamesRefuse(t *testing.T) {
	for _, s := range []string{
		"", "a", "a/b", "a/b/c/d", "/a/b", "a//b", "a/b/", "A/b/c", "a/b/1c", "a/b/c_d", "a/b/c\n", "a/b/c ", "a/b/é", "a/b/-c", "a/b/c@live",
		"a/b/" + strings.Repeat("c", 64), strings.Repeat("x", 100_000), "a/b/%63", "a/b/..",
	} {
		_, err := function.ParseName(s)
		var bad *function.NameError
		if !errors.As(err, &bad) || len(err.Error()) > 1000 || !utf8.ValidString(err.Error()) {
			t.Errorf("%.40q: %v", s, err)
		}
	}
}

func TestRefsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := part.Draw(t, "team") + "/" + part.Draw(t, "project") + "/" + part.Draw(t, "base")
		at := rapid.OneOf(
			rapid.StringMatching(`[1-9][0-9]{0,8}`), digest, part,
		).Draw(t, "at")
		r, err := function.ParseRef(name + "@" + at)
		if err != nil {
			t.Fatal(err)
		}
		if r.String() != name+"@"+at {
			t.Fatalf("%s@%s is written %s", name, at, r)
		}
		set := 0
		for _, is := range []bool{r.Alias != "", r.Version != 0, r.Digest != ""} {
			if is {
				set++
			}
		}
		if set != 1 {
			t.Fatalf("%s is %+v", r, r)
		}
	})
	r, err := function.ParseRef("a/b/c")
	if err != nil || r.Alias != function.Live || r.String() != "a/b/c@live" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRefsRefuse(t *testing.T) {
	for _, at := range []string{
		"", "0", "01", "-1", "+1", "1.0", "1a", "99999999999999999999", "sha256:", "sha256:abc", "sha256:" + strings.Repeat("g", 12), "sha256:" + strings.Repeat("A", 12),
		"sha256:" + strings.Repeat("a", 65), "md5:aaaaaaaaaaaa", "Live", "a b", "a@b", "a/b", "é", "٣", strings.Repeat("a", 64),
	} {
		_, err := function.ParseRef("a/b/c@" + at)
		var bad *function.NameError
		if !errors.As(err, &bad) {
			t.Errorf("@%s: %v", at, err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	for _, seed := range []string{"a/b/c", "a/b/c@7", "a/b/c@sha256:0123456789ab", "a/b/c@live", "@", "a/b/c@", "//@", "a/b/c@@", "\xff/b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := function.ParseRef(s)
		if err != nil {
			var bad *function.NameError
			if !errors.As(err, &bad) {
				t.Errorf("error is %T", err)
			}
			return
		}
		again, err := function.ParseRef(r.String())
		if err != nil || again != r {
			t.Errorf("%q: %+v, read back %+v (%v)", s, r, again, err)
		}
		if !strings.HasPrefix(r.String(), s) {
			t.Errorf("%q is written %s", s, r)
		}
	})
}
