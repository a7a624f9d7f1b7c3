package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// A backtest is asked for with the function's objectives or with others, and what stands
// against it has a code.
func TestBacktest(t *testing.T) {
	var got api.BacktestQuery
	var fails error
	begun, hold := make(chan struct{}, 2), make(chan struct{})
	s := serve(t, func(c *api.Config) {
		c.Backtest = func(_ context.Context, f function.Function, q api.BacktestQuery) (wire.Backtest, error) {
			got = q
			if q.SLO.Availability == 50 {
				begun <- struct{}{}
				<-hold
			}
			return wire.Backtest{Function: string(f.Name), Pages: 3}, fails
		}
	})
	const name = "growth/signup/greeting"
	s.register(t, name, "export default 1", "")
	c := s.client(t, "hdn_viewer")
	ask := func(body wire.AskBacktest) (wire.Backtest, error) { return c.Backtest(t.Context(), name, 0, body) }
	out, err := ask(wire.AskBacktest{})
	if err != nil || out.Pages != 3 || out.Function != name || got.To.Sub(got.From) != 7*24*time.Hour || got.SLO.Availability != 99.9 {
		t.Errorf("%+v, %v, asked %+v", out, err, got)
	}
	if res, body := s.do(t, http.MethodPost, "/api/v1/functions/"+name+"/backtest", "hdn_viewer", ""); res.StatusCode != http.StatusOK {
		t.Errorf("without a body: %d %s", res.StatusCode, body)
	}
	if _, err := ask(wire.AskBacktest{Since: "14d", SLO: []byte(`{"availability":99.5,"window":"7d"}`)}); err != nil || got.To.Sub(got.From) != 14*24*time.Hour || got.SLO.Availability != 99.5 || got.SLO.Window.String() != "7d" {
		t.Errorf("%v, asked %+v", err, got)
	}
	for code, body := range map[string]wire.AskBacktest{
		"invalid_request":  {Since: "31d"},
		"manifest_invalid": {SLO: []byte(`{"availability":101}`)},
	} {
		if _, err := ask(body); client.Code(err) != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	for code, why := range map[string]error{"no_history": alerting.ErrNoHistory, "too_much_history": alerting.ErrTooMuchHistory} {
		fails = fmt.Errorf("%w of %s", why, name)
		if _, err := ask(wire.AskBacktest{}); client.Code(err) != code || !strings.Contains(detailOf(err), name) {
			t.Errorf("%v, want %s", err, code)
		}
	}
	fails = nil
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := ask(wire.AskBacktest{SLO: []byte(`{"availability":50}`)})
			done <- err
		}()
		<-begun
	}
	if _, err := ask(wire.AskBacktest{}); client.Code(err) != "overloaded" {
		t.Errorf("a third at once: %v", err)
	}
	close(hold)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := s.client(t, "hdn_payments").Backtest(t.Context(), name, 0, wire.AskBacktest{}); client.Code(err) != "function_not_found" {
		t.Errorf("another team: %v", err)
	}
}

// Whoever deploys over the API learns where to ask what the new objectives would have
// done: of a version that has others than those in effect, however it comes to its traffic.
func TestReceiptSaysWhereToTryChangedObjectives(t *testing.T) {
	var got api.BacktestQuery
	s := serve(t, func(c *api.Config) {
		c.ExternalURL = "https://hadron.example"
		c.Backtest = func(_ context.Context, f function.Function, q api.BacktestQuery) (wire.Backtest, error) {
			got = q
			return wire.Backtest{Function: string(f.Name), Pages: 2}, nil
		}
	})
	const name = "growth/signup/greeting"
	const base = "/api/v1/functions/" + name
	deploy := func(query, source, slo string) wire.Registered {
		t.Helper()
		body, err := json.Marshal(wire.Register{Source: source, Manifest: []byte(`{"slo":` + slo + `}`)})
		if err != nil {
			t.Fatal(err)
		}
		res, text := s.do(t, http.MethodPost, base+"/versions"+query, "hdn_admin", string(body))
		var out wire.Registered
		if err := json.Unmarshal([]byte(text), &out); err != nil || res.StatusCode/100 != 2 {
			t.Fatalf("%d %s", res.StatusCode, text)
		}
		return out
	}
	for _, c := range []struct{ what, query, source, slo, want string }{
		{"new", "", "export default 1", `{"availability":99.9}`, ""},
		{"the same again", "?alias=live", "export default 1", `{"availability":99.9}`, ""},
		{"other code", "?alias=live", "export default 2", `{"window":"30d"}`, ""},
		{"other objectives, nowhere yet", "", "export default 2", `{"availability":99.5}`, "3"},
		{"other objectives, live", "?alias=live", "export default 2", `{"availability":99.5}`, "3"},
		{"the same by now", "?alias=live", "export default 3", `{"availability":99.5}`, ""},
		{"another threshold", "?alias=live", "export default 3", `{"availability":99.5,"latency":[{"quantile":0.9,"threshold":"1s"}]}`, "5"},
		{"back to what was there", "?alias=live", "export default 1", `{"availability":99.9}`, "1"},
	} {
		out := deploy(c.query, c.source, c.slo)
		want := ""
		if c.want != "" {
			want = "https://hadron.example" + base + "/backtest?version=" + c.want
		}
		if out.BacktestURL != want {
			t.Errorf("%s: %q, want %q", c.what, out.BacktestURL, want)
		}
	}
	res, body := s.do(t, http.MethodPost, base+"/backtest?version=5", "hdn_viewer", "")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"pages":2`) || got.SLO.Availability != 99.5 || len(got.SLO.Latency) != 1 || got.SLO.Latency[0].Quantile != 0.9 {
		t.Errorf("%d %s, asked %+v", res.StatusCode, body, got)
	}
	if res, body := s.do(t, http.MethodPost, base+"/backtest?version=live", "hdn_viewer", ""); res.StatusCode != http.StatusOK || got.SLO.Availability != 99.9 {
		t.Errorf("%d %s, asked %+v", res.StatusCode, body, got)
	}
	for path, want := range map[string]string{"?version=77": "version_not_found", "?version=x%20y": "invalid_request"} {
		if res, body := s.do(t, http.MethodPost, base+"/backtest"+path, "hdn_viewer", ""); res.StatusCode < 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if res, body := s.do(t, http.MethodPost, base+"/backtest?version=1", "hdn_viewer", `{"slo":{"availability":99}}`); res.StatusCode != http.StatusBadRequest {
		t.Errorf("both: %d %s", res.StatusCode, body)
	}
	s = serve(t, nil) // nobody could say
	deploy("", "export default 1", `{}`)
	if out := deploy("", "export default 1", `{"availability":99}`); out.BacktestURL != "" {
		t.Errorf("%q", out.BacktestURL)
	}
}

func detailOf(err error) string {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Detail
	}
	return ""
}
