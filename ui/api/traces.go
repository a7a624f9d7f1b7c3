package api

import (
	"context"
	"net/http"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

func (a *api) addTraces() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/traces", id: "listTraces", tag: "traces",
		summary: "List traces", detail: "The last calls whose trace is kept in memory, newest first: those that were sampled, failed, or were slow.",
		action: access.ReadSource, scope: ofFunction,
	}, a.listTraces)
	add(a, route{
		method: http.MethodGet, path: functionPath + "/traces/{trace}", id: "getTrace", tag: "traces",
		summary: "Get a trace", detail: "The spans of one trace in which the function was called, with those of other functions that the caller may read.",
		action: access.ReadSource, scope: ofFunction,
	}, a.getTrace)
}

// TraceQuery says which of a function's traces to list.
type TraceQuery struct {
	Errors  bool
	Min     time.Duration
	Since   time.Time // began at or after
	Until   time.Time // began before; zero: any
	Request string
	Limit   int
}

// TracedCall is a call of a trace, with its spans.
type TracedCall struct {
	Function function.Name
	Spans    []wire.Span
}

type tracesIn struct {
	Error   bool   `query:"error" doc:"Only calls that failed."`
	Min     string `query:"min" maxLength:"32" doc:"Only calls that took at least this, such as 300ms."`
	Since   string `query:"since" maxLength:"64" doc:"Only calls that began at or after this: a time (RFC 3339) or a duration before now, such as 15m or 1d."`
	Until   string `query:"until" maxLength:"64" doc:"Only calls that began before this: a time or an age, as since."`
	Request string `query:"request" maxLength:"128" doc:"Only the call of this request id."`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" doc:"Calls at most, the newest; 50 unless given."`
}

func (a *api) listTraces(ctx context.Context, c *call, in *tracesIn) (*jsonOut[wire.List[wire.Trace]], error) {
	if err := available(a.cfg.Traces != nil); err != nil {
		return nil, err
	}
	if _, err := a.cfg.Registry.Get(ctx, c.name); err != nil {
		return nil, err
	}
	q := TraceQuery{Errors: in.Error, Request: in.Request, Limit: in.Limit}
	if in.Min != "" {
		least, err := function.ParseDuration(in.Min)
		if err != nil || least < 0 {
			return nil, refuse(http.StatusBadRequest, "invalid_request", "min is a duration such as 300ms, not %q.", in.Min)
		}
		q.Min = time.Duration(least)
	}
	var err error
	if q.Since, err = moment("since", in.Since, time.Now()); err != nil {
		return nil, err
	}
	if q.Until, err = moment("until", in.Until, time.Now()); err != nil {
		return nil, err
	}
	out := wire.List[wire.Trace]{Items: a.cfg.Traces(c.name, q)}
	if out.Items == nil {
		out.Items = []wire.Trace{}
	}
	return ok(out)
}

type traceIn struct {
	Trace string `path:"trace" maxLength:"64" doc:"The trace's id: 32 hex digits."`
}

func (a *api) getTrace(ctx context.Context, c *call, in *traceIn) (*jsonOut[wire.TraceDetail], error) {
	if err := available(a.cfg.Trace != nil); err != nil {
		return nil, err
	}
	if _, err := a.cfg.Registry.Get(ctx, c.name); err != nil {
		return nil, err
	}
	out, ours := wire.TraceDetail{ID: in.Trace, Spans: []wire.Span{}}, false
	for _, one := range a.cfg.Trace(in.Trace) {
		ours = ours || one.Function == c.name
		if c.may(access.ReadSource, one.Function) {
			out.Spans = append(out.Spans, one.Spans...)
		} else {
			out.Hidden++
		}
	}
	if !ours {
		return nil, refuse(http.StatusNotFound, "not_found",
			"No trace %q of %s is kept. It was not sampled, or newer ones took its place; what is sampled is said by the end of Traceparent, 01.", in.Trace, c.name)
	}
	return ok(out)
}
