package worker

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hadron/runtime/invocation"
)

// What an engine says of fetches crosses as it is.
func TestFetchesCross(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		out := invocation.Outcome{Code: invocation.OK, MoreFetches: rapid.IntRange(0, 1000).Draw(t, "more")}
		for range rapid.IntRange(1, invocation.MaxFetches).Draw(t, "n") {
			out.Fetches = append(out.Fetches, invocation.FetchSpan{
				Span: invocation.NewSpan(), Method: rapid.SampledFrom([]string{"GET", "_OTHER"}).Draw(t, "method"),
				URL: rapid.StringMatching(`https://[a-z]{1,9}/[a-z…]{0,20}`).Draw(t, "url"), Code: rapid.SampledFrom(append([]string{""}, invocation.FetchCodes...)).Draw(t, "code"),
				Status: rapid.IntRange(0, 599).Draw(t, "status"), Start: time.Duration(rapid.IntRange(0, 1e9).Draw(t, "start")), Took: time.Duration(rapid.IntRange(0, 1e9).Draw(t, "took")),
			})
		}
		c := cursor{s: string(appendOutcome(nil, &out, false))}
		got, _ := c.outcome()
		if err := c.end(); err != nil || got.MoreFetches != out.MoreFetches || len(got.Fetches) != len(out.Fetches) {
			t.Fatalf("%+v %v", got, err)
		}
		for i := range out.Fetches {
			if got.Fetches[i] != out.Fetches[i] {
				t.Fatalf("%+v became %+v", out.Fetches[i], got.Fetches[i])
			}
		}
	})
}

// What no engine says is malformed, and what is too long is cut.
func TestHostileFetches(t *testing.T) {
	t.Parallel()
	good := invocation.FetchSpan{Span: "00000000000000f1", Method: "GET", URL: "https://x/", Code: "2xx"}
	read := func(fetches ...invocation.FetchSpan) (invocation.Outcome, error) {
		c := cursor{s: string(appendOutcome(nil, &invocation.Outcome{Code: invocation.OK, Fetches: fetches}, false))}
		out, _ := c.outcome()
		return out, c.end()
	}
	for name, change := range map[string]func(*invocation.FetchSpan){
		"span":      func(f *invocation.FetchSpan) { f.Span = "00000000000000F1" },
		"zero span": func(f *invocation.FetchSpan) { f.Span = "0000000000000000" },
		"method":    func(f *invocation.FetchSpan) { f.Method = "GET \n" },
		"no method": func(f *invocation.FetchSpan) { f.Method = "" },
		"code":      func(f *invocation.FetchSpan) { f.Code = "invented" },
		"status":    func(f *invocation.FetchSpan) { f.Status = 1000 },
		"start":     func(f *invocation.FetchSpan) { f.Start = 1 << 62 },
	} {
		f := good
		change(&f)
		if _, err := read(f); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	many := make([]invocation.FetchSpan, invocation.MaxFetches+1)
	for i := range many {
		many[i] = good
	}
	if _, err := read(many...); err == nil {
		t.Error("too many were taken")
	}
	long := good
	long.URL = "https://x/" + strings.Repeat("é", 1<<16) + "\xff\x1b[31m"
	out, err := read(long)
	if err != nil || len(out.Fetches[0].URL) > invocation.MaxFetchURL || !utf8.ValidString(out.Fetches[0].URL) || strings.Contains(out.Fetches[0].URL, "\x1b") {
		t.Errorf("%v %d", err, len(out.Fetches[0].URL))
	}
}

func FuzzOutcome(f *testing.F) {
	f.Add(appendOutcome(nil, &invocation.Outcome{Code: invocation.OK, Fetches: []invocation.FetchSpan{{Span: "00000000000000f1", Method: "GET", URL: "https://x/", Code: "2xx"}}}, false))
	f.Add(appendOutcome(nil, &invocation.Outcome{Code: invocation.FunctionError, Failure: &invocation.Failure{Message: "x", Stack: []invocation.Frame{{File: "a"}}}}, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := cursor{s: string(data)}
		out, stuck := c.outcome()
		if c.end() != nil {
			return
		}
		if len(out.Fetches) > invocation.MaxFetches {
			t.Fatalf("%d fetches", len(out.Fetches))
		}
		for _, one := range out.Fetches {
			if again := one; !again.Bound() || again != one {
				t.Fatalf("%+v is not within bounds", one)
			}
		}
		again := cursor{s: string(appendOutcome(nil, &out, stuck))}
		back, _ := again.outcome()
		if again.end() != nil || len(back.Fetches) != len(out.Fetches) {
			t.Fatalf("%+v does not cross again", out)
		}
	})
}
