package tsdb

import (
	"context"
	"log/slog"
)

// demoted turns Prometheus's Info records into Debug: it tells each step of its
// start and of every compaction, which an operator of Hadron need not read.
type demoted struct{ slog.Handler }

func demote(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}

func (h demoted) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, demote(level))
}

func (h demoted) Handle(ctx context.Context, record slog.Record) error {
	record.Level = demote(record.Level)
	return h.Handler.Handle(ctx, record)
}

func (h demoted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoted{h.Handler.WithAttrs(attrs)}
}

func (h demoted) WithGroup(name string) slog.Handler {
	return demoted{h.Handler.WithGroup(name)}
}
