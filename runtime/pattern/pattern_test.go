package pattern

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestTranslate(t *testing.T) {
	for _, c := range []struct{ source, flags, want, wantFlags string }{
		{`\p{ASCII}`, "u", `[\u{0}-\u{7f}]`, "u"},
		{`\P{ASCII}x`, "gu", `[\u{80}-\u{10ffff}]x`, "gu"},
		{`[^\p{AHex}_]`, "u", `[^\u{30}-\u{39}\u{41}-\u{46}\u{61}-\u{66}_]`, "u"},
		{`\\p{L}é`, "u", `\\p{L}é`, "u"},
		{`(?<y>\d)`, "u", `(?<y>\d)(?=)`, "u"},
		{`(?<=a)(?<!b)`, "u", `(?<=a)(?<!b)`, "u"},
		{`[^][]`, "u", `[\u{0}-\u{10ffff}](?!)`, "u"},
		{`\p{L}`, "g", `\p{L}`, "g"},
		{`[[a-z]--[b-y]]`, "v", `[\u{61}\u{7a}]`, "u"},
		{`[\w&&\d]`, "gv", `[\u{30}-\u{39}]`, "gu"},
		{`[\q{abc|d}e]`, "v", `(?:\u{61}\u{62}\u{63}|[\u{64}-\u{65}])`, "u"},
		{`[\q{|ab}]`, "v", `(?:\u{61}\u{62}|(?!)|)`, "u"},
		{`[k]`, "iv", `[\u{4b}\u{6b}\u{212a}]`, "iu"},
		{`[^]`, "v", `[\u{0}-\u{10ffff}]`, "u"},
		{`[\ud83d\ude00\x41\cJ\-]`, "v", `[\u{a}\u{2d}\u{41}\u{1f600}]`, "u"},
	} {
		got, flags, err := Translate(c.source, c.flags)
		if err != nil || got != c.want || flags != c.wantFlags {
			t.Errorf("/%s/%s is /%s/%s, %v; want /%s/%s", c.source, c.flags, got, flags, err, c.want, c.wantFlags)
		}
	}
}

func TestTranslateRefuses(t *testing.T) {
	for source, want := range map[string]string{
		`\p{Klingon}`: "there is no property", `\p{sc=Klingon}`: "there is no property", `\p{RGI_Emoji}`: "not supported",
		`\p{L`: "no end", `\pL`: "not followed", `[\p{L}-z]`: "end of a range", `[a-\p{L}]`: "end of a range", `[a`: "no end",
	} {
		if _, _, err := Translate(source, "u"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("/%s/u: %v, want %q", source, err, want)
		}
	}
	for _, source := range []string{
		"[a&&b--c]", "[a-z&&x]", "[a&&&b]", "[(]", "[a--]", `[^\q{ab}]`, "[z-a]", "[a-", "[&&a]", `[\q{a]`, `[\e]`, "[[a]-b]", "[!!]",
		strings.Repeat("[", 100), `[\u{110000}]`, `[\xg]`,
	} {
		if got, _, err := Translate(source, "v"); err == nil {
			t.Errorf("/%s/v passes as %s", source, got)
		}
	}
	for _, flags := range []string{"d", "uv", "uu", "x", "vg1"} {
		if _, _, err := Translate("a", flags); err == nil {
			t.Errorf("flags %s pass", flags)
		}
	}
	if _, _, err := Translate(strings.Repeat(`\p{L}`, 1000), "u"); err == nil {
		t.Error("an expression may grow without end")
	}
}

// Every name that the tables know resolves, and to more than nothing.
func TestEachPropertyHasMembers(t *testing.T) {
	var names []string
	for short, long := range binaryAliases {
		if !unsupported[short] {
			names = append(names, short, long)
		}
	}
	for name := range unicode.Categories {
		names = append(names, name, "gc="+name)
	}
	for short, long := range scriptNames() {
		names = append(names, "sc="+short, "Script="+long, "scx="+short)
	}
	for _, name := range names {
		s, err := lookup(name)
		if err != nil || len(s) == 0 {
			t.Errorf(`\p{%s}: %d ranges, %v`, name, len(s), err)
		}
	}
}

func TestSetsAreSets(t *testing.T) {
	spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) span {
		from := rapid.Int32Range(0, 300).Draw(t, "from")
		return span{from, from + rapid.Int32Range(0, 20).Draw(t, "length")}
	}), 0, 10)
	rapid.Check(t, func(t *rapid.T) {
		a, b := normal(spans.Draw(t, "a")), normal(spans.Draw(t, "b"))
		for r := rune(0); r < 330; r++ {
			in, also := a.has(r), b.has(r)
			for what, got := range map[string][2]bool{
				"union": {a.union(b).has(r), in || also}, "intersection": {a.intersect(b).has(r), in && also},
				"difference": {a.subtract(b).has(r), in && !also}, "complement": {a.complement().has(r), !in},
			} {
				if got[0] != got[1] {
					t.Fatalf("%s of %v and %v at %d is %v", what, a, b, r, got[0])
				}
			}
		}
	})
}

func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{`\p{L}+`, `[\p{L}--[a-z]]`, `[\q{a|bc}&&[^d]]`, `(?<n>\d)[^]`, `[\ud83d\ude00]`, `\p{scx=Grek}`} {
		f.Add(seed, "u")
		f.Add(seed, "iv")
	}
	f.Fuzz(func(t *testing.T, source, flags string) {
		text, _, err := Translate(source, flags)
		var bad *Error
		if err != nil && !errors.As(err, &bad) {
			t.Errorf("error is %T", err)
		}
		if len(text) > maxTranslated+1<<20 {
			t.Errorf("%d bytes of %d", len(text), len(source))
		}
	})
}

func BenchmarkTranslate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Translate(`^[\p{L}\p{N}_-]+$`, "u"); err != nil {
			b.Fatal(err)
		}
	}
}
