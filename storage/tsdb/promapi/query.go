package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/stats"
)

func (a *api) query(r *http.Request) (result, error) {
	limit, err := limitOf(r)
	if err != nil {
		return result{}, err
	}
	at, err := timeOr(r, "time", a.Now())
	if err != nil {
		return result{}, err
	}
	return a.evaluate(r, limit, func(ctx context.Context, options promql.QueryOpts, expr string) (promql.Query, error) {
		return a.engine.NewInstantQuery(ctx, a.store, options, expr, at)
	})
}

func (a *api) queryRange(r *http.Request) (result, error) {
	limit, err := limitOf(r)
	if err != nil {
		return result{}, err
	}
	start, end, step, err := rangeOf(r)
	if err != nil {
		return result{}, err
	}
	return a.evaluate(r, limit, func(ctx context.Context, options promql.QueryOpts, expr string) (promql.Query, error) {
		return a.engine.NewRangeQuery(ctx, a.store, options, expr, start, end, step)
	})
}

// rangeOf reads start, end and step.
func rangeOf(r *http.Request) (start, end time.Time, step time.Duration, err error) {
	start, err = parseTime(r.Form.Get("start"))
	if err != nil {
		return start, end, 0, invalid("start", err)
	}
	end, err = parseTime(r.Form.Get("end"))
	if err != nil {
		return start, end, 0, invalid("end", err)
	}
	if end.Before(start) {
		return start, end, 0, invalid("end", errors.New("end timestamp must not be before start time"))
	}
	step, err = parseDuration(r.Form.Get("step"))
	if err != nil {
		return start, end, 0, invalid("step", err)
	}
	// The engine counts in milliseconds: a shorter step would never end.
	if step < time.Millisecond {
		return start, end, 0, invalid("step", errors.New("zero or negative query resolution step widths are not accepted. Try a positive integer"))
	}
	// Unsigned: the widest range overflows int64, and end.Sub saturates.
	width := uint64(timestamp.FromTime(end)) - uint64(timestamp.FromTime(start))
	if width/uint64(step.Milliseconds()) > maxPoints {
		return start, end, 0, badDataText("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	return start, end, step, nil
}

type newQuery func(context.Context, promql.QueryOpts, string) (promql.Query, error)

// evaluate runs a query.
func (a *api) evaluate(r *http.Request, limit int, build newQuery) (result, error) {
	ctx := r.Context()
	options, err := optionsOf(r)
	if err != nil {
		return result{}, err
	}
	expr := r.Form.Get("query")
	query, err := build(ctx, options, expr)
	if err != nil {
		if ctx.Err() != nil || isBusy(err) {
			return result{}, err
		}
		return result{}, invalid("query", err)
	}
	answer := query.Exec(ctx)
	if answer.Err != nil {
		query.Close()
		return result{}, answer.Err
	}
	value, warnings := answer.Value, answer.Warnings
	if short, cut := truncate(value, limit); cut {
		value = short
		warnings = warnings.Add(errTruncated)
	}
	var statistics stats.QueryStats
	switch wanted := r.Form.Get("stats"); wanted {
	case "":
	case "true", "all":
		statistics = stats.NewQueryStats(query.Stats())
	default:
		statistics = stats.NewQueryStats(query.Stats())
		warnings = warnings.Add(fmt.Errorf("value %q for parameter \"stats\" is deprecated and will be rejected in the next major release, use %q or %q", wanted, "true", "all"))
	}
	return result{
		encode:   func(stream *jsoniter.Stream) { encodeValue(stream, value, statistics) },
		warnings: warnings,
		query:    expr,
		close:    query.Close, // frees the points, so only after they are written
	}, nil
}

// withTimeout bounds the whole request by the store's limit and the request's own;
// the engine counts from a query's first step only.
func (a *api) withTimeout(r *http.Request) (context.Context, context.CancelFunc, error) {
	timeout := a.DB.QueryTimeout()
	if text := r.Form.Get("timeout"); text != "" {
		wanted, err := parseDuration(text)
		if err != nil {
			return nil, nil, invalid("timeout", err)
		}
		if wanted <= 0 {
			return nil, nil, invalid("timeout", fmt.Errorf("timeout must be positive, got %s", wanted))
		}
		timeout = min(timeout, wanted)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	return ctx, cancel, nil
}

func optionsOf(r *http.Request) (promql.QueryOpts, error) {
	var lookback time.Duration
	if text := r.Form.Get("lookback_delta"); text != "" {
		var err error
		if lookback, err = parseDuration(text); err != nil {
			return nil, badData(fmt.Errorf("error parsing lookback delta duration: %w", err))
		}
	}
	return promql.NewPrometheusQueryOpts(r.Form.Get("stats") == "all", lookback, nil), nil
}

func truncate(value parser.Value, limit int) (parser.Value, bool) {
	switch value := value.(type) {
	case promql.Vector:
		if limit > 0 && len(value) > limit {
			return value[:limit], true
		}
	case promql.Matrix:
		if limit > 0 && len(value) > limit {
			return value[:limit], true
		}
	}
	return value, false
}

func (a *api) queryExemplars(r *http.Request) (result, error) {
	start, end, err := timeRange(r)
	if err != nil {
		return result{}, err
	}
	if end < start {
		return result{}, badDataText("end timestamp must not be before start timestamp")
	}
	expr, err := a.parser.ParseExpr(r.Form.Get("query"))
	if err != nil {
		return result{}, badData(err)
	}
	selectors := parser.ExtractSelectors(expr)
	if len(selectors) == 0 {
		return result{}, nil
	}
	querier, err := a.store.ExemplarQuerier(r.Context())
	if err != nil {
		return result{}, err
	}
	found, err := querier.Select(start, end, selectors...)
	if err != nil {
		return result{}, err
	}
	return result{encode: func(stream *jsoniter.Stream) { encodeExemplars(stream, found) }}, nil
}

func (a *api) formatQuery(r *http.Request) (result, error) {
	expr, err := a.parser.ParseExpr(r.Form.Get("query"))
	if err != nil {
		return result{}, invalid("query", err)
	}
	return result{data: expr.Pretty(0)}, nil
}
