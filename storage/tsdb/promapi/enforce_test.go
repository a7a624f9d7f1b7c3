package promapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"
	"pgregory.net/rapid"

	"hadron/collector/contract"
	"hadron/collector/metric"
	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/storage/tsdb/promapi"
)

// scopesHeader says for these tests what a request may see.
const scopesHeader = "X-Test-Scopes"

func scopesOf(r *http.Request) (out []access.Scope) {
	for _, s := range r.Header.Values(scopesHeader) {
		out = append(out, access.Scope(s))
	}
	return out
}

// tenancy is a store of two teams' series, with some of the platform's own.
func tenancy(t testing.TB) fixture {
	t.Helper()
	f := serve(t, func(c *promapi.Config) {
		c.Visible = scopesOf
		c.Sender = func(r *http.Request) contract.Sender {
			if slices.Contains(scopesOf(r), access.Everything) {
				return contract.Operator
			}
			return contract.SenderOf(scopesOf(r))
		}
		c.Groups = func(context.Context) []promapi.Group {
			rule := promapi.Rule{Name: "Burn", Query: "x", Health: "err", LastError: "series of pay/core/charge", State: "firing"}
			for _, p := range [][3]string{{"growth", "signup", "pending"}, {"pay", "core", "firing"}} {
				rule.Alerts = append(rule.Alerts, promapi.Alert{Labels: metric.NewLabels("", "team", p[0], "project", p[1]), State: p[2]})
			}
			return []promapi.Group{{Name: "burn", File: "f", Rules: []promapi.Rule{rule}}}
		}
	})
	for _, p := range [][2]string{{"growth", "signup"}, {"growth", "other"}, {"growth-x", "signup"}, {"pay", "core"}} {
		f.append(t, "faas_invocations_total", at, time.Second, []float64{1, 2, 3}, "team", p[0], "project", p[1], "function", "f")
		f.append(t, "only_of_"+p[0]+"_"+p[1], at, time.Second, []float64{1}, "team", p[0], "project", p[1])
	}
	f.append(t, "target_info", at, time.Second, []float64{1}, "team", "pay", "project", "core", "secret", "of-pay")
	f.append(t, "hadron_own", at, time.Second, []float64{1})
	return f
}

func (f fixture) as(t testing.TB, scopes []access.Scope, method, path string, body io.Reader, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.server.URL+"/prometheus/api/v1/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scopes {
		r.Header.Add(scopesHeader, string(s))
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

// sees returns the team/project pairs that an answer's metrics name; "" is the platform's own.
func seen(t testing.TB, text string) []string {
	t.Helper()
	var answer struct {
		Status string `json:"status"`
		Data   json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Status != "success" {
		t.Fatalf("%v: %s", err, text)
	}
	var series []map[string]string
	if json.Unmarshal(answer.Data, &series) != nil {
		var result struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
			} `json:"result"`
		}
		if err := json.Unmarshal(answer.Data, &result); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		for _, r := range result.Result {
			series = append(series, r.Metric)
		}
	}
	var out []string
	for _, s := range series {
		name := strings.Trim(s["team"]+"/"+s["project"], "/")
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func covered(scopes []access.Scope, pairs ...string) []string {
	var out []string
	for _, p := range pairs {
		name := function.Name(p + "/f")
		if p == "" {
			name = ""
		}
		if slices.ContainsFunc(scopes, func(s access.Scope) bool { return s == access.Everything || name != "" && s.Covers(name) }) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// However a query is written, its answer holds the series of the caller's scopes,
// all of those that it asks for and no others.
func TestOnlyOwnSeriesAreRead(t *testing.T) {
	f := tenancy(t)
	all := []string{"growth/signup", "growth/other", "growth-x/signup", "pay/core"}
	queries := map[string][]string{
		`faas_invocations_total`: all,
		`{__name__=~".+"}`:       append([]string{""}, all...),
		`sum by (team, project) (rate(faas_invocations_total[1m]))`:    all,
		`faas_invocations_total or hadron_own`:                         append([]string{""}, all...),
		`{team=~"pay|growth"}`:                                         {"growth/signup", "growth/other", "pay/core"},
		`{team!="",project="core"}`:                                    {"pay/core"},
		`max_over_time((faas_invocations_total offset 0s)[5m:1m])`:     all,
		`label_replace(faas_invocations_total, "stolen", "x", "", "")`: all,
	}
	choices := []access.Scope{"", "growth", "growth/signup", "growth/other", "growth-x", "pay", "pay/core", "pay/none", "gro", "nobody"}
	rapid.Check(t, func(rt *rapid.T) {
		scopes := rapid.SliceOfN(rapid.SampledFrom(choices), 0, 4).Draw(rt, "scopes")
		if rapid.IntRange(0, 9).Draw(rt, "narrow") > 0 {
			scopes = slices.DeleteFunc(scopes, func(s access.Scope) bool { return s == access.Everything })
		}
		query := rapid.SampledFrom(slices.Sorted(keys(queries))).Draw(rt, "query")
		want := covered(scopes, queries[query]...)
		at := seconds(at.Add(2 * time.Second))
		for _, path := range []string{
			"query?" + url.Values{"query": {query}, "time": {at}}.Encode(),
			"query_range?" + url.Values{"query": {query}, "start": {at}, "end": {at}, "step": {"1"}}.Encode(),
		} {
			status, text := f.as(t, scopes, http.MethodGet, path, nil)
			if status != http.StatusOK {
				rt.Fatalf("%s: %d %s", path, status, text)
			}
			if got := seen(t, text); !slices.Equal(got, want) {
				rt.Fatalf("%q sees %q of %s, want %q", scopes, got, query, want)
			}
		}
		status, text := f.as(t, scopes, http.MethodGet, "series?"+url.Values{"match[]": {`{__name__=~".+"}`, `hadron_own`}}.Encode(), nil)
		if got, want := seen(t, text), covered(scopes, append([]string{""}, all...)...); status != http.StatusOK || !slices.Equal(got, want) {
			rt.Fatalf("%q sees the series of %q, want %q", scopes, got, want)
		}
		for _, path := range []string{
			"label/team/values", "label/project/values", "label/__name__/values", "labels",
			"label/__name__/values?" + url.Values{"match[]": {`{team!="x"}`}}.Encode(),
		} {
			_, text := f.as(t, scopes, http.MethodGet, path, nil)
			if slices.Contains(scopes, access.Everything) {
				continue
			}
			for _, foreign := range []string{"pay", "core", "only_of_pay_core", "secret"} {
				if len(covered(scopes, "pay/core")) == 0 && strings.Contains(text, `"`+foreign+`"`) {
					rt.Fatalf("%q: %s names %s: %s", scopes, path, foreign, text)
				}
			}
			if strings.Contains(text, "hadron_own") {
				rt.Fatalf("%q: %s names the platform's own: %s", scopes, path, text)
			}
		}
	})
}

func keys(m map[string][]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Remote read is limited as queries are, in both of its forms; writing is not for teams.
func TestRemoteOfATeam(t *testing.T) {
	f := tenancy(t)
	for _, kind := range []prompb.ReadRequest_ResponseType{prompb.ReadRequest_SAMPLES, prompb.ReadRequest_STREAMED_XOR_CHUNKS} {
		for _, c := range []struct {
			scopes []access.Scope
			want   []string
			not    []string
		}{
			{[]access.Scope{"growth/signup"}, []string{"only_of_growth_signup"}, []string{"only_of_growth_other", "only_of_pay_core", "hadron_own"}},
			{[]access.Scope{"growth", "pay/core"}, []string{"only_of_growth_signup", "only_of_growth_other", "only_of_pay_core"}, []string{"only_of_growth-x_signup", "hadron_own"}},
			{nil, nil, []string{"only_of"}},
			{[]access.Scope{""}, []string{"hadron_own", "only_of_pay_core"}, nil},
		} {
			query, err := remote.ToQuery(at.UnixMilli(), at.Add(time.Minute).UnixMilli(),
				[]*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			body := packed(t, &prompb.ReadRequest{Queries: []*prompb.Query{query}, AcceptedResponseTypes: []prompb.ReadRequest_ResponseType{kind}})
			status, text := f.as(t, c.scopes, http.MethodPost, "read", bytes.NewReader(body), "Content-Type", protobuf, "Content-Encoding", "snappy")
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, text)
			}
			if kind == prompb.ReadRequest_SAMPLES {
				plain, err := snappy.Decode(nil, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				text = string(plain)
			}
			for _, name := range c.want {
				if !strings.Contains(text, name) {
					t.Errorf("%v: %q lacks %s", kind, c.scopes, name)
				}
			}
			for _, name := range c.not {
				if strings.Contains(text, name) {
					t.Errorf("%v: %q reads %s", kind, c.scopes, name)
				}
			}
		}
	}
	body := packed(t, oneSample("forged", at.UnixMilli(), 1))
	for scope, want := range map[access.Scope]int{"growth": http.StatusNoContent, "": http.StatusNoContent} {
		if status, text := f.as(t, []access.Scope{scope}, http.MethodPost, "write", bytes.NewReader(body), "Content-Type", protobuf); status != want {
			t.Errorf("%q writes: %d %s", scope, status, text)
		}
	}
	if status, text := f.as(t, nil, http.MethodPost, "write", bytes.NewReader(body), "Content-Type", protobuf); status != http.StatusForbidden {
		t.Errorf("nobody writes: %d %s", status, text)
	}
	if _, text := f.as(t, []access.Scope{"pay"}, http.MethodGet, "series?match[]=forged", nil); strings.Contains(text, "forged") {
		t.Errorf("what one team wrote, another reads: %s", text)
	}
}

// Rules are everybody's; what they found is its team's.
func TestAlertsOfATeam(t *testing.T) {
	f := tenancy(t)
	for _, path := range []string{"rules", "alerts"} {
		_, own := f.as(t, []access.Scope{"growth"}, http.MethodGet, path, nil)
		if strings.Contains(own, `"pay"`) || strings.Contains(own, "pay/core") || !strings.Contains(own, `"signup"`) || strings.Contains(own, "firing") {
			t.Errorf("%s of growth: %s", path, own)
		}
		_, all := f.as(t, []access.Scope{""}, http.MethodGet, path, nil)
		if !strings.Contains(all, `"pay"`) || !strings.Contains(all, "firing") {
			t.Errorf("%s of all: %s", path, all)
		}
	}
	for _, path := range []string{"targets", "status/tsdb", "status/flags", "status/runtimeinfo", "status/config", "scrape_pools", "targets/metadata"} {
		if status, text := f.as(t, []access.Scope{"growth"}, http.MethodGet, path, nil); status != http.StatusForbidden || !strings.Contains(text, `"forbidden"`) {
			t.Errorf("%s of growth: %d %s", path, status, text)
		}
	}
}

func BenchmarkVisibility(b *testing.B) {
	f := tenancy(b)
	path := "query?" + url.Values{"query": {"faas_invocations_total"}, "time": {seconds(at)}}.Encode()
	for name, scopes := range map[string][]access.Scope{"everything": {""}, "one team": {"growth"}, "three": {"growth/signup", "growth-x", "pay/core"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if status, text := f.as(b, scopes, http.MethodGet, path, nil); status != http.StatusOK {
					b.Fatal(text)
				}
			}
		})
	}
}
