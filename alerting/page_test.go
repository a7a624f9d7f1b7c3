package alerting_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

func about(class slo.Class) alerting.Incident {
	o := alerting.Objective{Function: greeting, SLO: "availability"}
	return alerting.Incident{Objective: o, DedupKey: alerting.DedupKey("test", o), Class: class, Window: "1h/5m", OpenedAt: noon}
}

func fields(e alerting.Event) map[string]string {
	out := map[string]string{}
	for _, f := range e.Details {
		out[f.Name] = f.Value
	}
	return out
}

func TestPageReadsWell(t *testing.T) {
	left := 0.61
	details := alerting.Details{
		Codes:      []alerting.CodeShare{{"function_error", 0.9}, {"timeout", 0.1}},
		TopError:   &alerting.TopError{Message: "TypeError: x is undefined", Frames: []string{"greet src/index.ts:14:9", "fetch src/index.ts:3:1"}, Count: 120, Request: "r-1", NewSince: 7},
		Deployment: &alerting.Deployment{Version: 7, By: "ada", Message: "new copy", At: noon.Add(-3 * time.Minute)},
		Previous:   6, BudgetLeft: &left,
		Live: "https://hadron.example/functions/growth/signup/greeting", Dashboard: "https://grafana.example/d/hdn-1?from=1", Logs: "https://hadron.example/logs",
		Trace: "https://hadron.example/f/growth/signup/greeting?trace=0af7",
	}
	c := alerting.Counts{Objective: 0.999, LongBad: 149, LongAll: 10000, ShortBad: 120, ShortAll: 1000}
	e := alerting.Page(about(slo.Page), alerting.Trigger, fast, about(slo.Page).Objective, 0.999, 0, c, details, noon.Add(time.Minute))
	if want := "greeting is failing: 12 % of requests error, budget gone in 4 h. Began 3 min after @7 (ada)."; e.Summary != want {
		t.Errorf("%q, want %q", e.Summary, want)
	}
	if utf8.RuneCountInString(e.Summary) > 100 {
		t.Errorf("%d characters do not fit a lock screen", utf8.RuneCountInString(e.Summary))
	}
	var order []string
	for _, f := range e.Details {
		order = append(order, f.Name)
	}
	if got, want := strings.Join(order, " · "), "what users feel · since · what changed · undo · top error · stack · burn · budget · objective · runbook"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"what users feel": "12 % of requests error; of the errors: function_error 90 %, timeout 10 %",
		"since":           "2026-11-22T12:00:00Z, 60 s ago",
		"what changed":    "@7 by ada, 2026-11-22T11:57:00Z, “new copy”",
		"undo":            "hadron rollback growth/signup/greeting --to 6",
		"top error":       "TypeError: x is undefined at greet src/index.ts:14:9, new since @7, seen 120 times, request r-1",
		"burn":            "120× over 5m and 14.9× over 1h; a page from 14.4× on",
		"budget":          "61 % left, at this pace gone in 4 h",
		"objective":       "availability: 99.9 % without error over 30d",
		"runbook":         "none in hadron.yaml",
	} {
		if got := fields(e)[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if e.Severity != "critical" || e.Class != "page: availability" || e.Component != string(greeting) || e.Group != "growth" || e.Source != "hadron test" {
		t.Errorf("%+v", e)
	}
	var links []string
	for _, l := range e.Links {
		links = append(links, l.Text)
	}
	if got := strings.Join(links, " · "); got != "Live page · Dashboard at that time · Logs of the errors · Trace" || e.ClientURL != details.Live || e.Links[3].Href != details.Trace {
		t.Errorf("%+v", e.Links)
	}

	late := alerting.Page(about(slo.Page), alerting.Trigger, fast, about(slo.Page).Objective, 0.99, 300*time.Millisecond,
		alerting.Counts{Objective: 0.99, LongBad: 9999, LongAll: 10000, ShortBad: 9999, ShortAll: 10000}, alerting.Details{}, noon)
	if want := "greeting is slow: 99.99 % of requests take over 300 ms."; late.Summary != want {
		t.Errorf("%q, want %q", late.Summary, want)
	}
	ticket := alerting.Page(about(slo.Ticket), alerting.Trigger, fast, about(slo.Ticket).Objective, 0.999, 0, c, alerting.Details{}, noon)
	if want := "greeting spends its error budget: 12 % of requests error."; ticket.Summary != want || ticket.Severity != "warning" {
		t.Errorf("%q, want %q", ticket.Summary, want)
	}
	end := alerting.Page(about(slo.Page), alerting.Resolve, fast, about(slo.Page).Objective, 0.999, 0, c, details, noon)
	if want := "greeting: it is well again."; end.Summary != want {
		t.Errorf("%q, want %q", end.Summary, want)
	}
}

// Whatever a function, an author or a manifest says, the event stays valid, and what
// leaves for PagerDuty is what its description allows.
func TestPageTakesHostileText(t *testing.T) {
	fake := pagerdutytest.New(t)
	fake.AddForeignService("greeting", "")
	key := fake.Services()[0].Integrations[0].Key
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(), rapid.StringN(2000, 3000, -1),
			rapid.SampledFrom([]string{"", "\x00", "\xff\xfe", "a\r\nb", "\u202eevil", "{{ .Secret }}", "</script>", strings.Repeat("𝕏", 5000), "\u2028x"}),
		)
		link := rapid.OneOf(text, rapid.SampledFrom([]string{"javascript:alert(1)", "http://", "https://a:b@h/", "https://h/" + strings.Repeat("x", 5000), "https://h/%zz", "https://h/ok"}))
		left := rapid.Float64().Draw(t, "left")
		frames := rapid.SliceOfN(text, 0, 20).Draw(t, "frames")
		codes := make([]alerting.CodeShare, rapid.IntRange(0, 20).Draw(t, "codes"))
		for i := range codes {
			codes[i] = alerting.CodeShare{Code: text.Draw(t, "code"), Share: rapid.Float64().Draw(t, "share")}
		}
		d := alerting.Details{
			Codes: codes, TopError: &alerting.TopError{Message: text.Draw(t, "message"), Frames: frames, Count: 1, Request: text.Draw(t, "request")},
			Deployment: &alerting.Deployment{Version: 1, By: text.Draw(t, "by"), Message: text.Draw(t, "deployment"), At: noon},
			Previous:   1, BudgetLeft: &left, Live: link.Draw(t, "live"), Dashboard: link.Draw(t, "dashboard"), Logs: link.Draw(t, "logs"), Trace: link.Draw(t, "trace"), Runbook: link.Draw(t, "runbook"),
		}
		c := alerting.Counts{Objective: 0.999, LongBad: rapid.Float64().Draw(t, "bad"), LongAll: rapid.Float64().Draw(t, "all"), ShortBad: rapid.Float64().Draw(t, "sbad"), ShortAll: rapid.Float64().Draw(t, "sall")}
		action := rapid.SampledFrom([]alerting.Action{alerting.Trigger, alerting.Resolve}).Draw(t, "action")
		in := about(rapid.SampledFrom([]slo.Class{slo.Page, slo.Ticket}).Draw(t, "class"))
		part := rapid.StringMatching(`[a-z][a-z0-9-]{0,62}`)
		in.Function = function.Name(part.Draw(t, "team") + "/" + part.Draw(t, "project") + "/" + part.Draw(t, "name"))
		in.SLO = rapid.OneOf(rapid.Just("availability"), rapid.SampledFrom(alerting.Conditions()), text).Draw(t, "slo")
		in.DedupKey = alerting.DedupKey("test", in.Objective)
		threshold := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "threshold"))
		e := alerting.Page(in, action, fast, in.Objective, rapid.Float64Range(0.5, 0.99999).Draw(t, "ratio"), threshold, c, d, noon)
		if rapid.Bool().Draw(t, "acknowledged") {
			in.Told, in.RoutingKey = alerting.PagerDuty, key
			hand := alerting.Hand{AckedBy: text.Draw(t, "who"), Notes: []alerting.Note{{Text: text.Draw(t, "note")}}}
			e = alerting.Acknowledged("test", in, hand, noon, "")[0].Event
		}
		line := func(s string, most int) {
			if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > most || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q is no line of at most %d", s, most)
			}
		}
		line(e.Summary, alerting.MaxSummary)
		line(e.Source, 300)
		seen := map[string]bool{}
		for _, f := range e.Details {
			line(f.Value, 5000)
			if seen[f.Name] {
				t.Fatalf("%s stands there twice", f.Name)
			}
			seen[f.Name] = true
		}
		for _, l := range e.Links {
			if !strings.HasPrefix(l.Href, "https://h/") && !strings.HasPrefix(l.Href, "http") {
				t.Fatalf("link %q", l.Href)
			}
		}
		data, err := json.Marshal(e)
		if err != nil || len(data) > 64<<10 {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		e.RoutingKey = key
		body, err := pagerduty.Encode(e)
		if err == nil {
			err = fake.Judge(context.Background(), body)
		}
		if err != nil {
			t.Fatalf("%v: %.500s", err, body)
		}
	})
}

// Two incidents have one dedup key where they are of one objective of one function of one
// installation, and never else; it fits, whatever the names are.
func TestDedupKeysAreUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "a/b", "a/b/c", "b/c", "/", " ", "availability"}), rapid.StringMatching(`[^\x00]{0,300}`))
		type id struct {
			installation string
			alerting.Objective
		}
		draw := func(which string) id {
			return id{word.Draw(t, which), alerting.Objective{Function: function.Name(word.Draw(t, which)), SLO: word.Draw(t, which)}}
		}
		a, b := draw("one"), draw("other")
		one, other := alerting.DedupKey(a.installation, a.Objective), alerting.DedupKey(b.installation, b.Objective)
		if (one == other) != (a == b) || len(one) > alerting.MaxDedupKey || one != alerting.DedupKey(a.installation, a.Objective) {
			t.Fatalf("%q of %+v, %q of %+v", one, a, other, b)
		}
	})
}

func TestOneLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		most int
		want string
	}{
		{"  a \n\t b  ", 10, "a b"},
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abcde…"},
		{"ab cd efg", 7, "ab cd…"},
		{"a\x00b\u202ec", 10, "a b c"},
		{"\xff", 5, ""},
		{"", 5, ""},
		{"😀😀😀", 2, "😀…"},
	} {
		if got := alerting.OneLine(c.in, c.most); got != c.want {
			t.Errorf("OneLine(%q, %d) = %q, want %q", c.in, c.most, got, c.want)
		}
	}
}
