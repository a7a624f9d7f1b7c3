package webapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hadron/runtime/invocation"
)

func (h *testHost) LogWith(level invocation.Level, m string, fields json.RawMessage) {
	h.logs = append(h.logs, string(level)+" "+m+" "+string(fields))
}

func (h *testHost) Meter(kind invocation.MeasureKind, name string, labels []invocation.Label) (func(float64), error) {
	if name == "taken" {
		return nil, errors.New("the metric is another kind already")
	}
	return func(v float64) { h.logs = append(h.logs, fmt.Sprint(kind, " ", name, " ", labels, " ", v)) }, nil
}

func TestMetrics(t *testing.T) {
	h := newHost(t)
	h.eval(t, `
		const orders = metrics.counter("orders", {currency: "EUR"});
		orders.add();
		orders.add(2.5, {shop: 7, currency: "USD"});
		orders.add(1, {currency: null});
		metrics.counter("orders_total").add(1, {z: 1, a: true, gone: undefined, empty: ""});
		metrics.gauge("queue_depth").set(-3, {queue: "mail"});
		metrics.histogram("basket_eur").record("12");
		metrics.histogram("basket_eur").record(NaN);
		metrics.counter("long").add(1, {v: "é".repeat(100)});`)
	want := []string{
		"1 orders_total [{currency EUR}] 1",
		"1 orders_total [{currency USD} {shop 7}] 2.5",
		"1 orders_total [] 1",
		"1 orders_total [{a true} {z 1}] 1",
		"2 queue_depth [{queue mail}] -3",
		"3 basket_eur [] 12",
		"3 basket_eur [] NaN",
		"1 long_total [{v " + strings.Repeat("é", 64) + "}] 1",
	}
	if fmt.Sprint(h.logs) != fmt.Sprint(want) {
		t.Errorf("counted\n%s\nwant\n%s", strings.Join(h.logs, "\n"), strings.Join(want, "\n"))
	}
	for body, says := range map[string]string{
		`metrics.counter("hadron_x")`:                                              "the platform's",
		`metrics.counter("faas_invocations_total")`:                                "the platform's",
		`metrics.gauge("up")`:                                                      "the platform's",
		`metrics.gauge("x_total")`:                                                 "only counters",
		`metrics.histogram("x_bucket")`:                                            "histogram's parts",
		`metrics.counter("a b")`:                                                   "no name for a metric",
		`metrics.counter()`:                                                        "argument",
		`metrics.counter(Symbol())`:                                                "Symbol",
		`metrics.counter("x", {team: "other"})`:                                    "the platform's",
		`metrics.counter("x", {version: "9"})`:                                     "the platform's",
		`metrics.counter("x").add(1, {__name__: "up"})`:                            "the platform's",
		`metrics.counter("x", {"a-b": "1"})`:                                       "no name for a label",
		`metrics.counter("x", "EUR")`:                                              "no object",
		`metrics.counter("x", {a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1})`:              "8 labels",
		`metrics.gauge("taken")`:                                                   "another kind",
		`new (metrics.counter("x").constructor)()`:                                 "Illegal constructor",
		`metrics.counter("x").add.call({}, 1)`:                                     "no Counter",
		`metrics.counter("x", {get a() { throw new TypeError("from a getter") }})`: "from a getter",
	} {
		if got := h.eval(t, "try { "+body+"; return 'taken' } catch (e) { return e.name + ': ' + e.message }"); !strings.Contains(got, says) || !strings.Contains(got, "TypeError") {
			t.Errorf("%s: %s, want %q", body, got, says)
		}
	}
}

func TestLog(t *testing.T) {
	h := newHost(t)
	ctx := h.realm.NewExecution(nil)
	_ = h.vm.Set("ctx", ctx)
	h.eval(t, `
		ctx.log("plain");
		ctx.log.info("order %s placed", {order: 7, total: {amount: 1.5, currency: "EUR"}, big: 10n});
		ctx.log.debug({a: 1});
		ctx.log.warn("odd", [1, 2]);
		ctx.log.error("failed", {error: new RangeError("too far"), __proto__: {inherited: 1}, ["__proto__"]: 5});
		ctx.log.error(new TypeError("alone"));
		ctx.log.info("cycle", (() => { const o = {}; o.o = o; return o })());
		ctx.log.info("half", {"\udc53": 1, get a() { delete this.b; return 1 }, b: 2});
		ctx.log.info("throws", {get x() { throw new Error("no") }});
		ctx.log.info("huge", {text: "x".repeat(9000)});
		ctx.log.info("x".repeat(20000));
		ctx.log.info("json", {toJSON() { return "no object" }});
		const {log} = ctx; log.warn("unbound");`)
	for i, want := range []string{
		`info plain `,
		`info order %s placed {"order":7,"total":{"amount":1.5,"currency":"EUR"},"big":"10"}`,
		`debug { a: 1 } `,
		`warn odd {"value":"[1, 2]"}`,
		`error failed {"error":{"name":"RangeError","message":"too far","stack":"`,
		`error TypeError: alone {"error":{"name":"TypeError","message":"alone","stack":"`,
		`info cycle {"hadron.dropped":"fields that cannot be written`,
		`info half {"a":1}`,
		`info throws {"hadron.dropped":"fields that cannot be written as JSON: Error: no"}`,
		`info huge {"hadron.dropped":"fields of 90`,
		`info xxxxxxx`,
		`info json `,
		`warn unbound `,
	} {
		if i >= len(h.logs) {
			t.Fatalf("%d lines", len(h.logs))
		}
		line := h.logs[i]
		if !strings.HasPrefix(line, want) {
			t.Errorf("line %d: %.200s, want %s", i, line, want)
		}
		if at := strings.IndexByte(line, '{'); i != 2 && at > 0 && !json.Valid([]byte(line[at:])) {
			t.Errorf("line %d: fields are no JSON: %.300s", i, line[at:])
		}
	}
	if n := len(h.logs[9]); n > maxLine+100 {
		t.Errorf("a line of %d bytes", n)
	}
	if !strings.Contains(h.logs[4], `"__proto__":5`) || strings.Contains(h.logs[4], "inherited") {
		t.Errorf("fields %s", h.logs[4])
	}
}
