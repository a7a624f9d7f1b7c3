package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hadron/ui/wire"
)

const counting = `
interface Env { UPSTREAM: string }
export default {
  async fetch(request: Request, env: Env, ctx: any): Promise<Response> {
    const url = new URL(request.url);
    metrics.counter("orders", { currency: url.searchParams.get("c") ?? "EUR" }).add(2);
    metrics.gauge("basket_size").set(7);
    metrics.histogram("order_value_eur").record(Number(url.searchParams.get("v") ?? 10));
    metrics.counter("by_user").add(1, { user: url.searchParams.get("u") ?? "" });
    ctx.log.warn("order placed", { currency: "EUR", value: 12.5 });
    const answer = await fetch(env.UPSTREAM + "/stock");
    return new Response(await answer.text());
  },
};
`

// Metrics that functions count themselves, and those of their fetches, are in PromQL
// under traffic, within the budget, and end with the function.
func TestOwnMetricsUnderTraffic(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") == "" {
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprint(w, "12")
	}))
	defer upstream.Close()
	dir := t.TempDir()
	p := startServer(t, dir, "--dev", "--fetch.private-allow", "127.0.0.1")
	register := func() {
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/shop/web/orders/versions", map[string]any{
			"source": counting,
			"manifest": map[string]any{
				"env": map[string]string{"UPSTREAM": upstream.URL}, "fetch": map[string]any{"allow": []string{"127.0.0.1"}},
				"limits": map[string]string{"timeout": "1m"},
			},
		}, nil)
	}
	register()
	const calls = 300
	for i := range calls {
		currency := "EUR"
		if i%3 == 0 {
			currency = "USD"
		}
		if status, body := p.call(http.MethodGet, fmt.Sprintf("/fn/shop/web/orders?c=%s&v=%d&u=u%d", currency, i%100+1, i), nil); status != http.StatusOK || string(body) != "12" {
			t.Fatalf("status %d: %s", status, body)
		}
	}
	host := strings.TrimPrefix(upstream.URL, "http://")
	for expr, want := range map[string]float64{
		`orders_total{team="shop",project="web",function="orders",version="1",currency="EUR"}`:      2 * calls * 2 / 3,
		`orders_total{function="orders",currency="USD"}`:                                            2 * calls / 3,
		`basket_size{team="shop",function="orders"}`:                                                7,
		`histogram_count(order_value_eur{function="orders"})`:                                       calls,
		`round(histogram_sum(order_value_eur{function="orders"}))`:                                  3 * 5050,
		`sum(by_user_total{function="orders"})`:                                                     calls,
		`by_user_total{function="orders",user="other"} > bool 50`:                                   1,
		`count(by_user_total{function="orders"}) < bool 205`:                                        1,
		`hadron_series_dropped_total{function="orders",reason="series"} > bool 50`:                  1,
		`hadron_fetch_requests_total{team="shop",function="orders",code="2xx",host="` + host + `"}`: calls,
		`histogram_count(hadron_fetch_duration_seconds{function="orders",host="` + host + `"})`:     calls,
		`sum(increase(orders_total{function="orders"}[5m])) > bool 0`:                               1,
	} {
		eventually(t, fmt.Sprintf("%s is %v", expr, want), 20*time.Second, func() (bool, string) {
			got, _ := p.query(expr, time.Time{})
			return got == want, fmt.Sprint(got)
		})
	}
	if _, page := p.call(http.MethodGet, "/metrics", nil); !strings.Contains(string(page), `orders_total{currency="EUR",function="orders"`) {
		t.Error("/metrics does not serve the function's counter")
	}
	var record wire.LogRecord
	p.want(http.StatusOK, http.MethodGet, "/api/v1/functions/shop/web/orders/logs?limit=1", nil, &record)
	if record.Level != "warn" || record.Message != "order placed" || string(record.Fields) != `{"currency":"EUR","value":12.5}` || record.Trace == "" {
		t.Errorf("log record %+v, fields %s", record, record.Fields)
	}

	// A crash, and the function is deleted: what the earlier process left behind ends.
	p.kill()
	p = startServer(t, dir, "--dev", "--fetch.private-allow", "127.0.0.1")
	p.want(http.StatusNoContent, http.MethodDelete, "/api/v1/functions/shop/web/orders", nil, nil)
	for _, series := range []string{"orders_total", "basket_size", "order_value_eur", "hadron_fetch_requests_total", "hadron_fetch_duration_seconds"} {
		eventually(t, series+" has ended", 20*time.Second, func() (bool, string) {
			n, there := p.query(`count(`+series+`{function="orders"})`, time.Time{})
			return !there, fmt.Sprint(n)
		})
	}
}

const ticking = `
const encoder = new TextEncoder();
export default {
  fetch(): Response {
    let i = 0;
    const events = new ReadableStream({
      async pull(controller) {
        if (i > 0) await new Promise(done => setTimeout(done, 300));
        controller.enqueue(encoder.encode("data: " + i + "\n\n"));
        if (++i === 4) controller.close();
      },
    });
    return new Response(events, { headers: { "content-type": "text/event-stream" } });
  },
};
`

// Server-sent events reach the client one by one, as they are written.
func TestEventsArriveAsTheyAreWritten(t *testing.T) {
	p := startServer(t, t.TempDir(), "--dev")
	p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/sse/core/clock/versions", wire.Register{Source: ticking}, nil)
	began := time.Now()
	resp := p.do(http.MethodGet, "/fn/sse/core/clock", nil, nil)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.ContentLength != -1 {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	if id := resp.Header.Get("Hadron-Request-Id"); len(id) != 16 {
		t.Errorf("Hadron-Request-Id %q", id)
	}
	var at []time.Duration
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if text != fmt.Sprint(len(at)) {
				t.Errorf("event %q came as number %d", text, len(at))
			}
			at = append(at, time.Since(began))
		}
	}
	if len(at) != 4 {
		t.Fatalf("%d events", len(at))
	}
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap < 100*time.Millisecond {
			t.Errorf("event %d came %s after the one before: held back, not streamed (%v)", i, gap, at)
		}
	}
}

const forwarded = `export default { fetch: r => Response.json(["for", "proto", "host"].map(n => r.headers.get("x-forwarded-" + n))) };`

// What a proxy says of the client is believed of a trusted one only.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"":             `["127.0.0.1","http","`,
		"10.0.0.0/8":   `["127.0.0.1","http","`,
		"127.0.0.1":    `["203.0.113.7, 127.0.0.1","https","shop.example"]`,
		"127.0.0.0/30": `["203.0.113.7, 127.0.0.1","https","shop.example"]`,
	} {
		args := []string{"--dev"}
		if setting != "" {
			args = append(args, "--trusted-proxies", setting)
		}
		p := startServer(t, t.TempDir(), args...)
		p.want(http.StatusCreated, http.MethodPost, "/api/v1/functions/x/core/seen/versions", wire.Register{Source: forwarded, Manifest: patient}, nil)
		resp := p.do(http.MethodGet, "/fn/x/core/seen", nil, http.Header{
			"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"shop.example"},
		})
		body, _ := bufio.NewReader(resp.Body).ReadString('\n')
		_ = resp.Body.Close()
		if !strings.HasPrefix(body, want) {
			t.Errorf("trusted_proxies %q: %s, want %s", setting, body, want)
		}
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
}
