package engine

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// tally gathers what an engine hands over.
type tally struct {
	mu  sync.Mutex
	all []invocation.Measures
}

func (r *tally) take(m invocation.Measures) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, m)
}

// sums are the counters and drops by name and labels, over all that came.
func (r *tally) sums() map[string]float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]float64{}
	for _, m := range r.all {
		for _, s := range m.Series {
			key := fmt.Sprint(m.Version.Version, " ", s.Name, s.Labels)
			switch s.Kind {
			case invocation.MeasureGauge:
				out[key] = s.Value
			case invocation.MeasureHistogram:
				out[key] += float64(s.Histogram.Count)
			default:
				out[key] += s.Value
			}
		}
		for _, f := range m.Fetches {
			out[f.Host+" "+f.Code] += float64(f.Duration.Count)
		}
		for _, d := range m.Dropped {
			out["dropped "+d.Reason] += float64(d.Count)
		}
	}
	return out
}

func (r *tally) until(t *testing.T, done func(map[string]float64) bool) map[string]float64 {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		sums := r.sums()
		if done(sums) {
			return sums
		}
		select {
		case <-deadline:
			t.Fatalf("only %v came", sums)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestMeasuresAreDeltasOfTheVersion(t *testing.T) {
	var got tally
	f := newFixture(t, func(c *Config) { c.Measure = got.take })
	code := `
		const loads = metrics.counter("loads_total"); loads.add();
		exports.default = { fetch(request) {
			metrics.counter("orders_total", {currency: "EUR"}).add(2);
			metrics.gauge("depth").set(Number(new URL(request.url).searchParams.get("d")));
			metrics.histogram("basket_eur").record(12.5);
			metrics.counter("orders_total").add(-1);
			metrics.counter("orders_total").add(Infinity);
			metrics.histogram("basket_eur").record(-1);
			return new Response("ok");
		} };`
	one, two := f.add(1, code), f.add(2, code)
	for i := range 3 {
		ok(t, f, one, get(one, fmt.Sprintf("/?d=%d", i)))
	}
	ok(t, f, two, get(two, "/?d=9"))
	sums := got.until(t, func(s map[string]float64) bool { return s["1 basket_eur[]"] == 3 && s["2 basket_eur[]"] == 1 })
	for key, want := range map[string]float64{
		"1 orders_total[{currency EUR}]": 6, "1 depth[]": 2, "1 loads_total[]": 1, "1 orders_total[]": 0,
		"2 orders_total[{currency EUR}]": 2, "2 depth[]": 9, "dropped value": 12,
	} {
		if sums[key] != want {
			t.Errorf("%s is %g, want %g", key, sums[key], want)
		}
	}
	before := len(got.all)
	ok(t, f, one, get(one, "/?d=7"))
	got.until(t, func(s map[string]float64) bool { return s["1 orders_total[{currency EUR}]"] == 8 })
	for _, m := range got.all[before:] {
		for _, s := range m.Series {
			if err := s.Validate(); err != nil {
				t.Errorf("%+v: %v", s, err)
			}
			if s.Name == "loads_total" {
				t.Error("a series that did not change was handed over")
			}
		}
	}
}

func TestMeasuresAreBounded(t *testing.T) {
	var got tally
	f := newFixture(t, func(c *Config) { c.Measure = got.take })
	id := f.add(1, `exports.default = { fetch() {
		for (let i = 0; i < 1000; i++) metrics.counter("by_user_total").add(1, {user: "u" + i});
		for (let i = 0; i < 100; i++) metrics.counter("name_" + i).add();
		for (let i = 0; i < 60; i++) metrics.counter("by_user_total").add(1, {["l" + i]: "x"});
		let conflict = "";
		metrics.gauge("one_name").set(1);
		return new Response(conflict);
	} };`)
	ok(t, f, id, get(id, "/"))
	sums := got.until(t, func(s map[string]float64) bool { return s["dropped names"] > 0 })
	total, series := 0.0, 0
	for _, part := range got.all {
		if data, err := json.Marshal(part); err != nil || len(data) > 1<<20 || len(part.Series) > maxPart {
			t.Errorf("a part of %d series, %d bytes: %v", len(part.Series), len(data), err)
		}
	}
	for key, v := range sums {
		if strings.Contains(key, "by_user_total") {
			total += v
		}
		if strings.HasPrefix(key, "1 ") {
			series++
		}
	}
	if sums["1 by_user_total[{user other}]"] != 1000-invocation.MaxSeries || series > invocation.MaxSeries+invocation.MaxMetricNames {
		t.Errorf("%d series, the overflow one holds %g", series, sums["1 by_user_total[{user other}]"])
	}
	if total < 1000 || sums["dropped series"] == 0 {
		t.Errorf("counted %g of what was counted, %g told as folded", total, sums["dropped series"])
	}
}

func TestOneNameIsOfOneKind(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Measure = func(invocation.Measures) {} })
	id := f.add(1, handlerCode(`metrics.gauge("size"); try { metrics.histogram("size"); return new Response("taken") } catch (e) { return new Response(e.message) }`))
	if s := ok(t, f, id, get(id, "/")); !strings.Contains(s.body.String(), "is a gauge already") {
		t.Errorf("answered %q", s.body.String())
	}
}

func TestCloseHandsOverTheLastCounts(t *testing.T) {
	var got tally
	f := newFixture(t, func(c *Config) { c.Measure = got.take })
	id := f.add(1, handlerCode(`metrics.counter("last").add(); return new Response("x")`))
	ok(t, f, id, get(id, "/"))
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sums := got.sums(); sums["1 last_total[]"] != 1 {
		t.Errorf("handed over %v", sums)
	}
}

func TestFetchesAreCountedByHost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/moved":
			http.Redirect(w, r, "/found", http.StatusFound)
		case "/broken":
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	var got tally
	f := newFixture(t, func(c *Config) {
		c.Measure, c.PrivateAllow = got.take, []string{"127.0.0.1"}
	})
	id := f.add(1, handlerCode(`
		const at = async u => { try { const r = await fetch(u); await r.text() } catch {} };
		for (const p of ["/", "/missing", "/moved", "/broken"]) await at("`+server.URL+`" + p);
		await at("http://127.0.0.2:8099/");
		for (let i = 0; i < 70; i++) await at("http://10.0.0." + i + "/");
		return new Response("done")`), allow("127.0.0.1"))
	ok(t, f, id, get(id, "/"))
	host := strings.TrimPrefix(server.URL, "http://")
	sums := got.until(t, func(s map[string]float64) bool { return s["other refused"] > 0 })
	for key, want := range map[string]float64{
		host + " 2xx": 2, host + " 4xx": 1, host + " 3xx": 1, host + " error": 1, "127.0.0.2:8099 refused": 1, "10.0.0.3 refused": 1,
		"other refused": 72 - invocation.MaxHosts,
	} {
		if sums[key] != want {
			t.Errorf("%s is %g, want %g", key, sums[key], want)
		}
	}
}

func TestLinesOfTheLogCarryFields(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`ctx.log.warn("slow upstream", {host: "db", ms: 12}); for (let i = 0; i < 9; i++) ctx.log("line"); return new Response("x")`), func(m *function.Manifest) { m.Limits.Logs = 3 })
	req := get(id, "/")
	req.Trace.ID = strings.Repeat("a", 32)
	ok(t, f, id, req)
	lines := f.logged()
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	var fields struct {
		Host string
		Ms   int
	}
	r := lines[0]
	if err := json.Unmarshal(r.Fields, &fields); err != nil || r.Level != invocation.Warn || r.Message != "slow upstream" || fields.Host != "db" || fields.Ms != 12 ||
		r.Request != "r1" || r.Trace != req.Trace.ID || r.Version != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if !slices.ContainsFunc(lines, func(r invocation.Record) bool { return strings.Contains(r.Message, "more than 3 lines") }) {
		t.Errorf("%+v", lines)
	}
}

func BenchmarkMeasure(b *testing.B) {
	r := &recorder{sink: func(invocation.Measures) {}}
	m := r.of(function.ID{Name: testName, Version: 1})
	labels := []invocation.Label{{Name: "currency", Value: "EUR"}}
	b.ReportAllocs()
	for b.Loop() {
		count, err := m.meter(invocation.MeasureCounter, "orders_total", labels)
		if err != nil {
			b.Fatal(err)
		}
		count(1)
	}
	r.close()
}
