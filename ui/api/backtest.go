package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		detail: "Says when each rule would have fired and ended, with the function's objectives, those of a version, or others, and what the budgets lost. It changes nothing. " +
			"The receipt of a version with other objectives has the address to ask for it: backtestUrl.",
		action: access.Read, scope: ofFunction, body: wire.AskBacktest{},
	}, a.backtest)
}

type backtestIn struct {
	Version string `query:"version" maxLength:"80" doc:"Whose objectives to try: a version number, sha256: and at least 12 hex digits, or an alias."`
}

func (a *api) backtest(ctx context.Context, c *call, in *backtestIn) (*jsonOut[wire.Backtest], error) {
	if err := available(a.cfg.Backtest != nil); err != nil {
		return nil, err
	}
	var body wire.AskBacktest
	if err := decode(c, smallBody, &body); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	q := BacktestQuery{SLO: fn.Spec.SLO, To: time.Now()}
	since := defaultBacktest
	if body.Since != "" {
		d, err := function.ParseDuration(body.Since)
		if err != nil || time.Duration(d) > mostBacktest {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "since is a duration up to %s, such as 7d.", function.Duration(mostBacktest))
		}
		since = time.Duration(d)
	}
	q.From = q.To.Add(-since)
	switch {
	case len(body.SLO) > 0 && in.Version != "":
		return nil, refuse(http.StatusBadRequest, "invalid_request", "Give version or slo: both say which objectives to try.")
	case in.Version != "":
		v, err := a.version(ctx, c.name, in.Version)
		if err != nil {
			return nil, err
		}
		q.SLO = v.Manifest.SLO
	case len(body.SLO) > 0:
		manifest, err := json.Marshal(map[string]json.RawMessage{"slo": body.SLO})
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

// backtestURL is where it is asked what a version's objectives would have done; empty where
// they are those that are in effect, or nobody could say.
func (a *api) backtestURL(before *function.Function, v function.Version) string {
	if a.cfg.Backtest == nil || before == nil || before.Spec.SLO.Shape() == v.Manifest.SLO.Shape() {
		return ""
	}
	return fmt.Sprintf("%s%s/functions/%s/backtest?version=%d", a.cfg.ExternalURL, Prefix, v.ID.Name, v.ID.Version)
}
