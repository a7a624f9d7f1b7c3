package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// What split takes apart is the path again when put together, and no name holds
// what a name cannot.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"/fn/a/b/c", "/fn/a/b/c@1/x//y/../%2F", "/fn/a/b/c%40live/x", "/fn/a/b", "/fn/a/b/c%2Fd", "/fn/a%/b/c", "/x", "/fn/a/b/@/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, ok := split(raw)
		if !ok {
			return
		}
		if !strings.HasPrefix(got.rest, "/") || strings.Count(string(got.name), "/") != 2 || strings.Contains(got.name.Base(), "@") {
			t.Fatalf("%q: %+v", raw, got)
		}
		if got.rest != "/" && !strings.HasSuffix(raw, got.rest) {
			t.Fatalf("%q: the rest %q was changed", raw, got.rest)
		}
		if !strings.Contains(raw, "%") {
			again := Prefix + string(got.name)
			if got.has {
				again += "@" + got.ref
			}
			if again+got.rest != raw && again != raw {
				t.Fatalf("%q became %q", raw, again+got.rest)
			}
		}
		if u, err := url.ParseRequestURI(raw); err == nil && rawPath(u) != strings.SplitN(raw, "?", 2)[0] {
			t.Fatalf("rawPath of %q is %q", raw, rawPath(u))
		}
	})
}

func FuzzTraceparent(f *testing.F) {
	for _, s := range []string{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more",
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
	} {
		f.Add(s)
	}
	g := &Gateway{cfg: Config{}.withDefaults()}
	f.Fuzz(func(t *testing.T, s string) {
		id, parent, sampled, ok := parseTraceparent(s)
		trace, made := g.newTrace(http.Header{"Traceparent": {s}})
		if made != trace.Traceparent() || len(made) != 55 {
			t.Fatalf("made %q of %+v", made, trace)
		}
		if _, _, _, valid := parseTraceparent(made); !valid {
			t.Fatalf("%q is not taken by its own parser", made)
		}
		if !ok {
			if trace.Parent != "" {
				t.Fatalf("%q gave a parent: %+v", s, trace)
			}
			return
		}
		if !strings.HasPrefix(s[2:], "-"+id+"-"+parent+"-") || len(s) != 55 && s[:2] == "00" || s[:2] == "ff" {
			t.Fatalf("%q was taken as %s %s", s, id, parent)
		}
		if trace.ID != id || trace.Parent != parent || trace.Sampled != sampled {
			t.Fatalf("%q became %+v", s, trace)
		}
	})
}

// Whatever a client sends, no token, no cookie of Hadron's and no header of the
// connection reaches a function; whatever a function sends, net/http can write it.
func FuzzHeader(f *testing.F) {
	f.Add("Cookie", "a=1; hadron_s=2")
	f.Add("Authorization", "bearer  hdn_x")
	f.Add("Connection", "cookie, x")
	f.Add("set-cookie", "=hadron_s=1; Path=/")
	f.Add("X\r\nY", "a\nb")
	f.Add("Content-Length", "-1")
	g := &Gateway{host: []string{"h"}}
	f.Fuzz(func(t *testing.T, name, value string) {
		in := http.Header{"Cookie": {"hadron_session=secret; " + value}, "Authorization": {"Bearer hdn_secret", value}}
		in.Add(name, value)
		in.Add(name, "hadron_session=secret")
		out := g.requestHeader(in, invocation.Trace{}, []string{"tp"})
		for _, line := range out["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if strings.HasPrefix(strings.ToLower(strings.TrimLeft(pair, " \t=")), "hadron_") {
					t.Fatalf("cookie %q reached the function", pair)
				}
			}
		}
		for _, v := range out["Authorization"] {
			if v == "Bearer hdn_secret" {
				t.Fatal("a token reached the function")
			}
		}
		for _, hop := range []string{"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authorization"} {
			if _, there := out[hop]; there {
				t.Fatalf("%s reached the function", hop)
			}
		}

		given := http.Header{name: {value, "ok"}}
		if checkHead(200, given, 64<<10) != nil {
			return
		}
		sent := http.Header{}
		copyResponse(sent, given, true)
		for name, values := range sent {
			if http.CanonicalHeaderKey(name) != name || isHop(name) || name == "Content-Length" || isOriginWide(name) {
				t.Fatalf("%s: %q is sent", name, values)
			}
			for _, v := range values {
				if strings.ContainsAny(v, "\r\n\x00") || name == "Set-Cookie" && isOwnCookie(v) {
					t.Fatalf("%s: %q is sent", name, v)
				}
			}
		}
	})
}

func TestFirstSpanIsNeverZeroAndIDsDiffer(t *testing.T) {
	g := &Gateway{cfg: Config{Sample: func(string) bool { return false }}.withDefaults()}
	seen := map[string]bool{}
	for range 1000 {
		trace, tp := g.span(invocation.Trace{})
		if trace.Sampled || !strings.HasSuffix(tp, "-00") || seen[trace.ID] || seen[trace.Span] {
			t.Fatalf("%+v %s", trace, tp)
		}
		seen[trace.ID], seen[trace.Span] = true, true
		if id := newRequestID(); len(id) != 16 || seen[id] {
			t.Fatalf("request id %q", id)
		} else {
			seen[id] = true
		}
	}
}

func TestSelectorsOfAPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/fn/a/b/c": "", "/fn/a/b/c@live": "live", "/fn/a/b/c%40live/x": "live", "/fn/a/b/c@sha256%3A0123456789ab": "sha256:0123456789ab", "/fn/a/b/c@": "",
	} {
		if got, ok := split(raw); !ok || got.ref != want || got.has != strings.ContainsAny(raw, "@%") || got.name != function.Name("a/b/c") {
			t.Errorf("%s: %+v", raw, got)
		}
	}
}
