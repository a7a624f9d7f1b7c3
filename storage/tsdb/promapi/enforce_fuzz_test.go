package promapi_test

import (
	"bytes"
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

	"hadron/collector/metric"
	"hadron/runtime/access"
	"hadron/storage/tsdb/promapi"
)

// fuzzScopes are what a caller may see. Each is one set of matchers: two would be
// merged in another order than one store gives them, which topk may show.
var fuzzScopes = []access.Scope{"growth", "growth/signup", "pay", "pay/core", "gro", "nobody"}

// FuzzQueriesStayInTheirTenant holds the whole API, whatever text it is given, to a
// store that has the caller's series and no others: seen through his scope, the
// store of all teams gives the very same answers.
func FuzzQueriesStayInTheirTenant(f *testing.F) {
	for _, text := range []string{
		`faas_invocations_total`, `{__name__=~".+"}`, `{team="pay"} or {team!="growth"}`, `sum without (team) ({team=~".*"})`,
		`count by (team, project, __name__) ({__name__!=""})`, `absent({team="pay"})`, `absent_over_time(hadron_own[5m])`,
		`label_replace({__name__!=""}, "team", "growth", "team", ".*")`, `faas_invocations_total{team="pay"} @ end()`,
		`faas_invocations_total{team="growth"} * on (project) group_right () {team="pay"}`, `info(faas_invocations_total)`,
		`max_over_time(({__name__=~"only_of.*"} offset 1s)[1m:1s])`, `topk(1, {__name__=~".+"})`, `histogram_quantile(0.9, {team=~"pay|growth"})`,
		`{"team"="pay"}`, `{__name__="hadron_slo_events_total:5m"}`, `scalar(hadron_own)`, `{team="pay",team="growth"}`, `{team=~"(?i)PAY"}`,
		"faas_invocations_total{team=\"growth\"} # {team=\"pay\"}", `vector(1) and on () hadron_own`, `faas_invocations_total[1m]`,
	} {
		for i := range fuzzScopes {
			f.Add(text, uint8(i))
		}
	}
	all := population(f, nil)
	own := map[access.Scope]fixture{}
	for _, s := range fuzzScopes {
		own[s] = population(f, &s)
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		scope := fuzzScopes[int(which)%len(fuzzScopes)]
		when := seconds(at.Add(2 * time.Second))
		for path, params := range map[string]url.Values{
			"query":             {"query": {text}, "time": {when}},
			"query_range":       {"query": {text}, "start": {when}, "end": {seconds(at.Add(4 * time.Second))}, "step": {"1"}},
			"query_exemplars":   {"query": {text}, "start": {seconds(at.Add(-time.Hour))}, "end": {when}},
			"series":            {"match[]": {text}, "start": {seconds(at.Add(-time.Hour))}},
			"labels":            {"match[]": {text}},
			"label/team/values": {"match[]": {text}},
			"label/" + url.PathEscape(text) + "/values": nil,
			"metadata": {"metric": {text}},
			"rules":    {"rule_name[]": {text}, "match[]": {text}},
			"alerts":   nil,
		} {
			params := cloneValues(params)
			params.Set("timeout", "10s")
			path += "?" + params.Encode()
			status, got := all.as(t, []access.Scope{scope}, http.MethodGet, path, nil)
			wantStatus, want := own[scope].as(t, []access.Scope{access.Everything}, http.MethodGet, path, nil)
			if status != wantStatus || ordered(got) != ordered(want) {
				t.Errorf("%q sees by %s\n%d %s\nand has\n%d %s", scope, path, status, got, wantStatus, want)
			}
		}
		if matcher, err := labels.NewMatcher(labels.MatchRegexp, "team", text); err == nil {
			if got, want := readAll(t, all, scope, matcher), readAll(t, own[scope], access.Everything, matcher); got != want {
				t.Errorf("%q reads by %s\n%q\nand has\n%q", scope, matcher, got, want)
			}
		}
	})
}

// population is a store of all teams' series, or of those that one scope covers.
func population(f *testing.F, only *access.Scope) fixture {
	covers := func(team, project string) bool {
		return only == nil || string(*only) == team || string(*only) == team+"/"+project
	}
	out := serve(f, func(c *promapi.Config) {
		c.Visible = scopesOf
	})
	for _, p := range [][2]string{{"growth", "signup"}, {"growth", "other"}, {"growth-x", "signup"}, {"pay", "core"}, {"pay", "more"}} {
		if !covers(p[0], p[1]) {
			continue
		}
		pairs := []string{"team", p[0], "project", p[1]}
		out.append(f, "faas_invocations_total", at, time.Second, []float64{1, 2, 3}, append(pairs, "function", "f")...)
		out.append(f, "only_of_"+p[0]+"_"+p[1], at, time.Second, []float64{1}, pairs...)
		out.append(f, "target_info", at, time.Second, []float64{1}, append(pairs, "secret", "of-"+p[0])...)
		rolled := metric.Sample{Series: &metric.Series{Labels: metric.NewLabels(metric.RolledEvents, pairs...)}, T: at.UnixMilli(), V: 5}
		shown := metric.Sample{
			Series: &metric.Series{Labels: metric.NewLabels("shown_total", pairs...)}, T: at.UnixMilli(), V: 1,
			Exemplar: &metric.Exemplar{Labels: metric.NewLabels("", "trace_id", p[0]), V: 1, T: at.UnixMilli()},
		}
		if err := out.db.AppendRollups(f.Context(), []metric.Sample{rolled}); err != nil {
			f.Fatal(err)
		}
		if err := out.db.Append(f.Context(), []metric.Sample{shown}); err != nil {
			f.Fatal(err)
		}
	}
	if only == nil {
		out.append(f, "hadron_own", at, time.Second, []float64{1})
	}
	return out
}

func cloneValues(v url.Values) url.Values {
	out := url.Values{}
	for k, values := range v {
		out[k] = slices.Clone(values)
	}
	return out
}

// ordered leaves the order of a list's elements aside, and how an answer's notes
// point into the query.
func ordered(text string) string {
	parts := strings.Split(text, "{")
	slices.Sort(parts)
	return strings.NewReplacer("},", "}", "]]", "]", ",", "").Replace(strings.Join(parts, "{"))
}

func readAll(t *testing.T, f fixture, scope access.Scope, matcher *labels.Matcher) string {
	query, err := remote.ToQuery(at.UnixMilli(), at.Add(time.Minute).UnixMilli(), []*labels.Matcher{matcher}, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := packed(t, &prompb.ReadRequest{Queries: []*prompb.Query{query}})
	status, text := f.as(t, []access.Scope{scope}, http.MethodPost, "read", bytes.NewReader(body), "Content-Type", protobuf, "Content-Encoding", "snappy")
	if status != http.StatusOK {
		return text
	}
	plain, err := snappy.Decode(nil, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
