package webapi

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func FuzzHeaders(f *testing.F) {
	f.Add("Content-Type", "text/html")
	f.Add("a b", "x\r\ny: z")
	f.Add("é", "\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		n, err := headerName(name)
		if err != nil {
			return
		}
		v, err := headerValue(value)
		if err != nil {
			return
		}
		if strings.ContainsAny(n, " :\r\n\x00") || strings.ContainsAny(v, "\r\n\x00") || n == "" {
			t.Fatalf("%q: %q was let through", n, v)
		}
		var l fieldList
		l.add(n, v)
		if back := fieldsFromWire(l.wire()); len(back) != 1 || back[0].name != n {
			t.Fatalf("%q became %q", n, back)
		}
	})
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://a/b?c=d#e", "http://[::1]:80/%zz", "file:///c:/", "a:b", "http://ä/", "//x", "http://1.2.3/?a=%ff&b=+"} {
		f.Add(s, "http://base/x")
	}
	f.Fuzz(func(t *testing.T, input, base string) {
		u, err := parseURL(input, base)
		if err != nil {
			return
		}
		href := u.Href(false)
		again, err := parseURL(href, "")
		if err != nil {
			t.Fatalf("%q serialises to %q, which does not parse: %v", input, href, err)
		}
		if utf8.ValidString(input) && again.Href(false) != href {
			t.Fatalf("%q: %q parses to %q", input, href, again.Href(false))
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("a=1&b=%2B+c&&d=%ff")
	f.Fuzz(func(t *testing.T, query string) {
		list := parseQuery(query)
		again := parseQuery(encodeQuery(list))
		if len(list) != len(again) {
			t.Fatalf("%q: %d pairs became %d", query, len(list), len(again))
		}
		for i := range list {
			if list[i] != again[i] {
				t.Fatalf("%q: %q became %q", query, list[i], again[i])
			}
		}
	})
}

// TestQueryRoundTrip: what is written is read back.
func TestQueryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list fieldList
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			list.add(rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value"))
		}
		back := parseQuery(encodeQuery(list))
		if len(back) != len(list) {
			t.Fatalf("%d pairs became %d", len(list), len(back))
		}
		for i := range list {
			if back[i] != list[i] {
				t.Fatalf("%q became %q", list[i], back[i])
			}
		}
	})
}

// TestDecoderSplitsAnywhere: the pieces decode to what the whole does.
func TestDecoderSplitsAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.SampledFrom([]byte{'a', 0x80, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0xff, 0xed, 0xa0})).Draw(t, "data")
		encoding := rapid.SampledFrom([]string{"utf-8", "utf-16le", "utf-16be"}).Draw(t, "encoding")
		whole := TextDecoder{encoding: encoding, ignoreBOM: true}
		want, _ := whole.decode(data, false)
		at := rapid.IntRange(0, len(data)).Draw(t, "at")
		parts := TextDecoder{encoding: encoding, ignoreBOM: true}
		first, _ := parts.decode(data[:at], true)
		second, _ := parts.decode(data[at:], false)
		if first+second != want {
			t.Fatalf("% x split at %d: %q and %q, whole %q", data, at, first, second, want)
		}
	})
}
