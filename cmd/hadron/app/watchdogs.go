package app

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/alerting"
	"hadron/ui/wire"
)

// watchdogLate is how many periods may pass before a target is to have raised the alarm.
const watchdogLate = 3

// watchdogs knows how the dead man's switch of each target goes, since the start.
type watchdogs struct {
	mu    sync.Mutex
	since time.Time
	of    map[string]*wire.Watchdog
}

// newWatchdogs is those of the targets that have one.
func newWatchdogs(targets []alerting.Target, now time.Time) *watchdogs {
	w := &watchdogs{since: now, of: map[string]*wire.Watchdog{}}
	for _, t := range targets {
		if t.Watchdog > 0 {
			w.of[t.Name] = &wire.Watchdog{Target: t.Name, Every: t.Watchdog.Seconds()}
		}
	}
	return w
}

// observe notes what came of sending one.
func (w *watchdogs) observe(m alerting.Message, a alerting.Attempt) {
	if !m.Event.Watchdog {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.of[m.Event.Target]
	if one == nil {
		return // of a target that is not configured any more
	}
	one.TriedAt, one.LastError = &a.Ended, ""
	if a.Err != nil {
		one.LastError = alerting.Line(a.Err.Error(), maxWatchdogError)
		return
	}
	one.HeardAt = &a.Ended
}

const maxWatchdogError = 400 // characters

// list is all of them, by name. One that no target took for three periods is late: whoever
// waits for it has raised the alarm.
func (w *watchdogs) list(now time.Time) []wire.Watchdog {
	out := []wire.Watchdog{}
	if w == nil {
		return out
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range w.of {
		v := *one
		heard := w.since
		if v.HeardAt != nil {
			heard = *v.HeardAt
		}
		v.State = wire.PartOK
		if now.Sub(heard) > watchdogLate*time.Duration(v.Every*float64(time.Second)) {
			v.State = wire.PartDegraded
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b wire.Watchdog) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// watchdogPart says which of them are late; none where there are none.
func watchdogPart(list []wire.Watchdog) []wire.Part {
	if len(list) == 0 {
		return nil
	}
	part := wire.Part{Name: "watchdog", State: wire.PartOK}
	var late []string
	for _, w := range list {
		if w.State != wire.PartOK {
			late = append(late, w.Target)
		}
	}
	if len(late) > 0 {
		part.State = wire.PartDegraded
		part.Detail = fmt.Sprintf("%s heard nothing for %d periods, and should raise the alarm by now", strings.Join(late, ", "), watchdogLate)
	}
	return []wire.Part{part}
}
