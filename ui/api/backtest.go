package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// BacktestQuery is a history to replay, and the objectives to try on it.
type BacktestQuery struct {
	SLO      function.SLO
	From, To time.Time
}

const (
	defaultBacktest = 7 * 24 * time.Hour
	mostBacktest    = 30 * 24 * time.Hour
	// backtestTimeout bounds one; maxBacktests run at a time, for each holds a history in memory.
	backtestTimeout = time.Minute
	maxBacktests    = 2
)

var errBacktestSlow = errors.New("the backtest took more than a minute: give a shorter time")

func (a *api) addBacktest() {
	add(a, route{
		method: http.MethodPost, path: functionPath + "/backtest", id: "backtestAlerts", tag: "operability",
		summary: "Replay a function's history through its alerts",
		detail:  "Says when each rule would have fired and ended, with the function's objectives or with others, and what the budgets lost. It changes nothing.",
		action:  access.Read, scope: ofFunction, body: wire.AskBacktest{},
	}, a.backtest)
}

func (a *api) backtest(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Backtest], error) {
	if err := available(a.cfg.Backtest != nil); err != nil {
		return nil, err
	}
	var in wire.AskBacktest
	if err := decode(c, smallBody, &in); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	q := BacktestQuery{SLO: fn.Spec.SLO, To: time.Now()}
	since := defaultBacktest
	if in.Since != "" {
		d, err := function.ParseDuration(in.Since)
		if err != nil || time.Duration(d) > mostBacktest {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "since is a duration up to %s, such as 7d.", function.Duration(mostBacktest))
		}
		since = time.Duration(d)
	}
	q.From = q.To.Add(-since)
	if len(in.SLO) > 0 {
		manifest, err := json.Marshal(map[string]json.RawMessage{"slo": in.SLO})
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "slo is what a manifest has there.")
		}
		m, err := function.ParseManifest(manifest)
		if err != nil {
			return nil, err
		}
		q.SLO = m.SLO
	}
	select {
	case a.backtests <- struct{}{}:
		defer func() { <-a.backtests }()
	default:
		return nil, refuse(http.StatusServiceUnavailable, "overloaded", "%d histories are being replayed: try again in some seconds.", maxBacktests).with("Retry-After", "10")
	}
	ctx, stop := a.untilStopping(ctx)
	defer stop()
	ctx, cancel := context.WithTimeoutCause(ctx, backtestTimeout, errBacktestSlow)
	defer cancel()
	out, err := a.cfg.Backtest(ctx, fn, q)
	switch {
	case errors.Is(err, errBacktestSlow):
		return nil, refuse(http.StatusGatewayTimeout, "timeout", "%s.", capital(errBacktestSlow.Error()))
	case err != nil:
		return nil, err
	}
	return ok(out)
}
