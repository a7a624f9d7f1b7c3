package live

import (
	"context"
	"encoding/json"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/wire"
)

// flushEvery bounds how many messages of a log a second are sent, so that a
// function that logs in a loop costs few large ones instead of many small.
const flushEvery = 50 * time.Millisecond

// follow feeds a log topic. It returns when the history is there, or could not
// be had in time. What is followed does not say where history ends; it holds at
// least as many lines as there were a moment before.
func (h *Hub) follow(ctx context.Context, t *topic, lines *tail, fn function.Name) {
	known, err := h.cfg.LogHistory(ctx, fn, h.cfg.MaxLines)
	if err != nil && ctx.Err() == nil {
		h.failed("read", wire.TopicLogs, err)
	}
	history := len(known)
	ready := make(chan struct{})
	if history == 0 {
		close(ready)
	}
	dirty := make(chan struct{}, 1)
	h.wg.Go(func() { h.flushLines(ctx, t, lines, dirty) })
	h.wg.Go(func() {
		seen := 0
		err := h.cfg.LogFollow(ctx, fn, h.cfg.MaxLines, func(r invocation.Record) error {
			lines.add(encodeRecords(r))
			if seen++; seen == history {
				lines.flush(time.Now())
				close(ready)
			}
			if seen > history {
				signal(dirty)
			}
			return ctx.Err()
		})
		if ctx.Err() == nil {
			h.failed("follow", wire.TopicLogs, err)
			h.forget(t)
		}
	})
	wait := time.NewTimer(historyWait)
	defer wait.Stop()
	select {
	case <-ready:
	case <-wait.C: // retention took lines in between
		lines.flush(time.Now())
	case <-ctx.Done():
	}
}

const historyWait = 2 * time.Second

func (h *Hub) flushLines(ctx context.Context, t *topic, lines *tail, dirty <-chan struct{}) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-dirty:
		}
		if lines.flush(time.Now()) {
			h.tell(t)
		}
		pause.Reset(flushEvery)
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
	}
}

// forget gives up a topic that has failed. Its clients are told when they look, also
// those that are about to subscribe.
func (h *Hub) forget(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t.failed.Store(true)
	if h.topics[t.key] == t {
		h.drop(t)
	}
	t.cancel()
	for c := range t.subs {
		c.poke()
	}
}

func encodeRecords(records ...invocation.Record) []json.RawMessage {
	out := make([]json.RawMessage, 0, len(records))
	for _, r := range records {
		line, err := json.Marshal(wire.LogRecord{
			Time: r.Time, Level: string(r.Level), Message: r.Message, Function: string(r.Function),
			Version: r.Version, Request: r.Request, Trace: r.Trace, Fields: r.Fields,
		})
		if err == nil { // fields that are no JSON: hadron logs shows the line
			out = append(out, line)
		}
	}
	return out
}

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it is signalled already
	}
}
