package live

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

func TestParametersOfTopics(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"overview?", "overview?scope=pay", "overview?scope=pay/core&state=failing,degraded&q=Card+declined&sort=p99&from=100&limit=50",
		"overview?scope=pay/core/charge", "summary?q=x", "groups?state=idle&scope=pay", "alerts?scope=pay/core/charge", "deployments?scope=pay",
	} {
		if _, _, _, bad := kindOf(good); bad != nil {
			t.Errorf("%s: %s", good, bad.detail)
		}
	}
	for topic, word := range map[string]string{
		"overview?state=angry": "failing", "overview?sort=luck": "worst", "overview?limit=501": "500", "overview?limit=0": "1",
		"overview?from=-1": "from", "overview?scope=Pay": "scope", "overview?scope=a/b/c/d": "scope", "overview?x=1": "scope",
		"overview?q=" + strings.Repeat("a+", 9): "words", "overview?q=" + strings.Repeat("a", 600): "512", "overview?q=a&q=b": "twice", "overview?q=%zz": "address",
		"groups?sort=name": "scope", "alerts?q=x": "scope", "deployments?limit=3": "scope", "function:a/b/c?scope=a": "", "logs:a/b/c?q=x": "",
	} {
		if _, _, _, bad := kindOf(topic); bad == nil || bad.code != wire.LiveUnknownTopic || !strings.Contains(bad.detail, word) {
			t.Errorf("%s: %+v lacks %q", topic, bad, word)
		}
	}
}

func FuzzParametersOfTopics(f *testing.F) {
	f.Add("overview?scope=pay&state=failing&q=a&sort=p99&from=1&limit=2")
	f.Fuzz(func(t *testing.T, topic string) {
		_, _, l, bad := kindOf(topic)
		if bad == nil && (l.limit < 0 || l.limit > maxPage || l.from < 0 || l.sort != "" && orders[l.sort] == nil) {
			t.Fatalf("%q: %+v", topic, l)
		}
	})
}

// healthOf draws a health among few values, so that changes and ties are common.
func healthOf(t *rapid.T, name string) wire.Health {
	maybe := func(what string) *float64 {
		if rapid.Bool().Draw(t, what+" known") {
			return nil
		}
		v := float64(rapid.IntRange(0, 3).Draw(t, what)) / 10
		return &v
	}
	h := wire.Health{
		Function: name, State: rapid.SampledFrom(append([]string{"odd"}, ranks...)).Draw(t, "state"),
		Reason: rapid.SampledFrom([]string{"", "12 % errors", "Slow <p99> \"x\"", "läuft"}).Draw(t, "reason"),
		Since:  time.Unix(int64(rapid.IntRange(0, 3).Draw(t, "since")), 5).UTC(), Rate: float64(rapid.IntRange(0, 5).Draw(t, "rate")) / 3,
		ErrorRatio: maybe("errors"), P50: maybe("p50"), P99: maybe("p99"), BudgetLeft: maybe("budget"), InFlight: rapid.IntRange(0, 2).Draw(t, "in flight"),
		Availability: 0.999, Window: "30d", DeployedBy: rapid.SampledFrom([]string{"ada", "Bob"}).Draw(t, "by"),
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "versions") {
		h.Versions = append(h.Versions, wire.VersionShare{Version: i + 1, Share: 0.5})
	}
	if rapid.Bool().Draw(t, "more") {
		h.Errors, h.Burns = []wire.CodeShare{{Code: "timeout", Ratio: 0.1}, {Code: "http_5xx", Ratio: 0.2}}, []wire.Burn{{Window: "1h", Rate: 14.9}}
		h.ColdStarts, h.Throttled, h.CPU = 0.5, 1, 0.123456
	}
	if rapid.Bool().Draw(t, "trend") {
		h.Trend = []float64{0, 1.23456}
	}
	return h
}

// Whatever changes from round to round, each topic shows what somebody who looks
// at everything anew would show, and a client who applies its messages has it.
func TestViewsFollowEveryChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := newOverview()
		grants := []access.Grants{access.Granted(access.Viewer, access.Everything), access.Granted(access.Viewer, "pay")}
		var topics []*topic
		open := func() {
			l := look{
				sort: rapid.SampledFrom(slices.Sorted(maps.Keys(orders))).Draw(t, "sort"), from: rapid.IntRange(0, 3).Draw(t, "from"),
				limit: rapid.IntRange(0, 3).Draw(t, "limit"),
				filter: filter{
					scope: access.Scope(rapid.SampledFrom([]string{"", "pay", "home/bff"}).Draw(t, "scope")),
					words: rapid.SampledFrom([]string{"", "slow", "@2", "bob errors"}).Draw(t, "words"), states: uint8(rapid.IntRange(0, 31).Draw(t, "states")),
				},
			}
			kind := rapid.SampledFrom([]string{wire.TopicOverview, wire.TopicSummary, wire.TopicGroups}).Draw(t, "kind")
			topics = append(topics, &topic{kind: kind, look: l, key: topicKey{scope: rapid.SampledFrom(grants).Draw(t, "who")}, stream: newState("x", 1, 4, 1<<16)})
		}
		now := time.Unix(100, 0)
		for range 12 {
			if rapid.Bool().Draw(t, "open") {
				open()
				if o.loaded {
					o.show(topics[len(topics)-1], now)
				}
			}
			healths := map[string]wire.Health{}
			for _, name := range []string{"pay/core/charge", "pay/core/refund", "home/bff/tv", "home/app/web", "payroll/core/run"} {
				if e := o.entries[name]; e != nil && rapid.Bool().Draw(t, "stays") {
					healths[name] = e.health
				} else if rapid.IntRange(0, 3).Draw(t, "there") > 0 {
					healths[name] = healthOf(t, name)
				}
			}
			var list []wire.Health
			for _, h := range healths {
				list = append(list, h)
			}
			o.refresh(list)
			for _, tp := range topics {
				if rapid.IntRange(0, 5).Draw(t, "shown") > 0 { // a topic that is made again meanwhile misses a round
					o.show(tp, now)
					check(t, &o, tp, list)
				}
			}
		}
	})
}

func check(t *rapid.T, o *overview, tp *topic, list []wire.Health) {
	s := tp.stream.(*state)
	var members []wire.Health
	for _, h := range list {
		e := &entry{name: h.Function, rank: rank(h.State), text: searched(&h)}
		if tp.look.filter.holds(e) && sees(tp.key.scope, function.Name(h.Function)) {
			members = append(members, h)
		}
	}
	switch {
	case tp.kind == wire.TopicSummary:
		var got wire.Summary
		_ = json.Unmarshal(s.items[wire.TopicSummary].body, &got)
		n := got.States.Failing + got.States.Degraded + got.States.Unknown + got.States.Healthy + got.States.Idle
		if got.Functions != len(members) || n != len(members) {
			t.Fatalf("summary of %d: %+v", len(members), got)
		}
	case tp.kind == wire.TopicGroups:
		sum := 0
		for _, k := range s.items {
			var g wire.Group
			_ = json.Unmarshal(k.body, &g)
			sum += g.Functions
		}
		if sum != len(members) {
			t.Fatalf("groups of %d have %d", len(members), sum)
		}
	case tp.look.limit == 0:
		if len(s.items) != len(members) {
			t.Fatalf("everything: %d, want %d", len(s.items), len(members))
		}
	default:
		want := min(tp.look.limit, max(0, len(members)-tp.look.from))
		if s.total != len(members) || len(s.items) != want {
			t.Fatalf("a page of %d from %d: %d of %d, want %d of %d", tp.look.limit, tp.look.from, len(s.items), s.total, want, len(members))
		}
		if tp.look.sort != "worst" && tp.look.sort != "name" {
			break // such an order may be some rounds old
		}
		slices.SortFunc(members, func(a, b wire.Health) int {
			x, y := &entry{name: a.Function, rank: rank(a.State), health: a}, &entry{name: b.Function, rank: rank(b.State), health: b}
			return orders[tp.look.sort](x, y)
		})
		members = members[min(len(members), tp.look.from):][:want]
	}
	for _, h := range members {
		if k := s.items[h.Function]; tp.kind == wire.TopicOverview && k != nil && string(k.body) != string(o.entries[h.Function].body) {
			t.Fatalf("%s is old: %s", h.Function, k.body)
		} else if k == nil && tp.kind == wire.TopicOverview && (tp.look.limit == 0 || tp.look.sort == "worst" || tp.look.sort == "name") {
			t.Fatalf("%s is missing", h.Function)
		}
	}
}

// What is written by hand has every field of the struct, as encoding/json has it.
func TestHealthIsEncodedWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := healthOf(t, "pay/core/charge")
		h.LatencyTarget, h.LatencyQuantile = rapid.Float64Range(0, 10).Draw(t, "target"), rapid.SampledFrom([]float64{0, 0.99}).Draw(t, "quantile")
		h.Rate = rapid.Float64().Draw(t, "rate")
		h.Reason = rapid.String().Draw(t, "reason")
		h.Since = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC()
		fill(&h)
		h.UpdatedAt = time.Unix(7, 0).UTC()
		var got, want map[string]any
		body := appendHealth(nil, &h, h.UpdatedAt)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		plain, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		_ = json.Unmarshal(plain, &want)
		if len(got) != len(want) {
			t.Fatalf("%s\n%s", body, plain)
		}
		for key, value := range want {
			if !near(got[key], value) {
				t.Fatalf("%s is %v, want %v", key, got[key], value)
			}
		}
	})
}

// near compares JSON values, numbers to three digits.
func near(a, b any) bool {
	switch b := b.(type) {
	case float64:
		a, is := a.(float64)
		return is && (a == b || max(a-b, b-a) <= 0.005*max(a, -a, b, -b))
	case []any:
		a, is := a.([]any)
		return is && slices.EqualFunc(a, b, near)
	case map[string]any:
		a, is := a.(map[string]any)
		for key := range b {
			is = is && near(a[key], b[key])
		}
		return is
	}
	return reflect.DeepEqual(a, b)
}

// A field of Health that sameHealth does not look at would never reach a client.
func TestEveryFieldOfHealthCounts(t *testing.T) {
	t.Parallel()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[wire.Health]()) {
		if f.Name == "Function" || f.Name == "UpdatedAt" {
			continue
		}
		var a, b wire.Health
		switch v := reflect.ValueOf(&b).Elem().FieldByIndex(f.Index); v.Interface().(type) {
		case string:
			v.SetString("x")
		case float64:
			v.SetFloat(1)
		case int:
			v.SetInt(1)
		case *float64:
			v.Set(reflect.ValueOf(new(float64)))
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
		case []float64, []wire.VersionShare, []wire.CodeShare, []wire.Burn:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		default:
			t.Fatalf("%s is of a type that this test does not know", f.Name)
		}
		if sameHealth(&a, &b) {
			t.Errorf("another %s is no change", f.Name)
		}
	}
}

func TestOrderByANumberIsCalm(t *testing.T) {
	t.Parallel()
	o := newOverview()
	names := func() string {
		var out []string
		for _, e := range o.order("rate") {
			out = append(out, e.name)
		}
		return fmt.Sprint(out)
	}
	set := func(a, b float64) {
		o.refresh([]wire.Health{{Function: "a/b/c", Rate: a}, {Function: "a/b/d", Rate: b}})
	}
	set(2, 1)
	first := names()
	for range calm - 1 {
		set(1, 2)
		if got := names(); got != first {
			t.Fatalf("rows moved at once: %s", got)
		}
	}
	set(1, 2)
	if got := names(); got == first {
		t.Errorf("rows never move: %s", got)
	}
}
