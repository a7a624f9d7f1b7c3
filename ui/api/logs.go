package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/wire"
)

const (
	defaultLines = 1000
	ndjson       = "application/x-ndjson"
	// streamWriteTimeout is how long a follower may read nothing before it is let go.
	streamWriteTimeout = 30 * time.Second
)

func (a *api) addLogs() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/logs", id: "getLogs", tag: "logs",
		summary: "Read logs",
		detail:  "One JSON record a line, newest last. With follow=true the answer goes on with new lines until the client leaves.",
		action:  access.ReadSource, scope: ofFunction, produces: ndjson,
	}, a.getLogs)
}

type logsIn struct {
	Follow  bool   `query:"follow" doc:"Go on with new lines."`
	Level   string `query:"level" enum:"debug,info,warn,error" doc:"This level and more severe."`
	Since   string `query:"since" maxLength:"64" doc:"A time (RFC 3339) or a duration before now, such as 15m or 1d."`
	Query   string `query:"q" maxLength:"200" doc:"Only lines that contain this."`
	Request string `query:"request" maxLength:"128" doc:"Only lines of this request."`
	Until   string `query:"until" maxLength:"64" doc:"Only lines before this: a time or an age, as since. Not with follow."`
	Version int    `query:"version" minimum:"1" doc:"Only lines of this version."`
	Limit   int    `query:"limit" minimum:"1" maximum:"10000" doc:"Lines of history at most, the newest; 1,000 unless given."`
}

type streamOut struct{ Body func(huma.Context) }

func (a *api) getLogs(ctx context.Context, c *call, in *logsIn) (*streamOut, error) {
	if err := available(a.cfg.Logs != nil && (!in.Follow || a.cfg.FollowLogs != nil)); err != nil {
		return nil, err
	}
	if _, err := a.cfg.Registry.Get(ctx, c.name); err != nil {
		return nil, err
	}
	since, err := moment("since", in.Since, time.Now())
	if err != nil {
		return nil, err
	}
	until, err := moment("until", in.Until, time.Now())
	if err != nil {
		return nil, err
	}
	if in.Follow && !until.IsZero() {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "until and follow=true contradict each other: leave one out.")
	}
	q := LogQuery{
		Function: c.name, Level: invocation.Level(in.Level), Since: since, Until: until,
		Text: in.Query, Request: in.Request, Version: in.Version, Limit: in.Limit,
	}
	if q.Limit == 0 {
		q.Limit = defaultLines
	}
	lines := &lineWriter{w: c.w, rc: http.NewResponseController(c.w)}
	if !in.Follow {
		records, err := a.cfg.Logs(ctx, q)
		if err != nil {
			return nil, err
		}
		return &streamOut{Body: func(huma.Context) { lines.all(records) }}, nil
	}
	select {
	case a.follows <- struct{}{}:
	default:
		return nil, refuse(http.StatusServiceUnavailable, "overloaded", "%d clients follow logs already.", cap(a.follows)).with("Retry-After", "5")
	}
	return &streamOut{Body: func(huma.Context) {
		defer func() { <-a.follows }()
		ctx, stop := a.untilStopping(ctx)
		defer stop()
		a.follow(ctx, c, q, lines)
	}}, nil
}

func (a *api) follow(ctx context.Context, c *call, q LogQuery, lines *lineWriter) {
	// The head goes out at once: a client that follows wants to know that it does.
	lines.start()
	if lines.rc.Flush() != nil {
		return
	}
	err := a.cfg.FollowLogs(ctx, q, func(r invocation.Record) error {
		if err := lines.put(r); err != nil {
			return err
		}
		return lines.rc.Flush()
	})
	lines.end()
	if err == nil || ctx.Err() != nil || lines.gone {
		return
	}
	a.log.LogAttrs(ctx, slog.LevelError, "log stream failed",
		slog.String("function", string(c.name)), slog.Any("error", err))
	panic(http.ErrAbortHandler) // a broken stream must not look like a whole one
}

// untilStopping ends a stream when the server drains.
func (a *api) untilStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if a.cfg.Stopping == nil {
		return ctx, cancel
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-a.cfg.Stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-done }
}

// lineWriter writes records as NDJSON.
type lineWriter struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	gone bool // the client is
}

func (l *lineWriter) start() {
	l.w.Header().Set("Content-Type", ndjson)
	l.w.WriteHeader(http.StatusOK)
}

func (l *lineWriter) all(records []invocation.Record) {
	l.start()
	for _, r := range records {
		if l.put(r) != nil {
			break
		}
	}
	l.end()
}

// end takes the deadline off the connection: its next request is not ours.
func (l *lineWriter) end() { _ = l.rc.SetWriteDeadline(time.Time{}) }

func (l *lineWriter) put(r invocation.Record) error {
	line, err := json.Marshal(LogRecord(r))
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	_ = l.rc.SetWriteDeadline(time.Now().Add(streamWriteTimeout)) // without deadlines, the server has its own
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		l.gone = true
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// LogRecord is a record as the API shows it.
func LogRecord(r invocation.Record) wire.LogRecord {
	return wire.LogRecord{
		Time: r.Time, Level: string(r.Level), Message: r.Message, Function: string(r.Function),
		Version: r.Version, Request: r.Request, Trace: r.Trace, Fields: r.Fields,
	}
}

// moment reads a time or a duration before now; the zero time for none.
func moment(name, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if d, err := function.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-time.Duration(d)), nil
	}
	return time.Time{}, refuse(http.StatusBadRequest, "invalid_request",
		"%s is a time such as 2026-01-31T12:00:00Z or a duration such as 15m, not %q.", name, text)
}
