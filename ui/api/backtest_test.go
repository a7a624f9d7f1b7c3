package api_test

import (
	"context"
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
	ask := func(body wire.AskBacktest) (wire.Backtest, error) { return c.Backtest(t.Context(), name, body) }
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
	if _, err := s.client(t, "hdn_payments").Backtest(t.Context(), name, wire.AskBacktest{}); client.Code(err) != "function_not_found" {
		t.Errorf("another team: %v", err)
	}
}

func detailOf(err error) string {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Detail
	}
	return ""
}
