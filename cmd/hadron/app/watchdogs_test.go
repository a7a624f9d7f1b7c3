package app

import (
	"errors"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/ui/wire"
)

// What a target last took and what it last answered are told apart; three periods of
// silence are late, whether it ever heard anything or not.
func TestWatchdogsTellWhoHeardThem(t *testing.T) {
	start := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	at := func(after time.Duration) time.Time { return start.Add(after) }
	w := newWatchdogs([]alerting.Target{{Name: "snitch", Watchdog: time.Minute}, {Name: "room"}, {Name: "am", Watchdog: time.Minute}}, start)
	tell := func(target string, after time.Duration, err error) {
		w.observe(alerting.Message{Event: alerting.Event{Watchdog: true, Target: target}}, alerting.Attempt{Ended: at(after), Err: err})
	}
	tell("snitch", time.Minute, nil)
	tell("am", time.Minute, errors.New("no\nroute"))
	tell("gone", time.Minute, nil)
	w.observe(alerting.Message{Event: alerting.Event{Target: "snitch"}}, alerting.Attempt{Ended: at(time.Hour), Err: errors.New("of an incident")})

	list := w.list(at(2 * time.Minute))
	if len(list) != 2 || list[0].Target != "am" || list[0].HeardAt != nil || list[0].LastError != "no route" || list[0].State != wire.PartOK ||
		list[1].HeardAt == nil || !list[1].HeardAt.Equal(at(time.Minute)) || list[1].LastError != "" || list[1].Every != 60 {
		t.Errorf("%+v", list)
	}
	if parts := watchdogPart(list); len(parts) != 1 || parts[0].State != wire.PartOK {
		t.Errorf("%+v", parts)
	}
	tell("snitch", 3*time.Minute, errors.New("refused"))
	list = w.list(at(3*time.Minute + time.Second))
	if list[0].State != wire.PartDegraded || list[1].State != wire.PartOK || list[1].LastError != "refused" || !list[1].TriedAt.Equal(at(3*time.Minute)) || !list[1].HeardAt.Equal(at(time.Minute)) {
		t.Errorf("%+v", list)
	}
	if parts := watchdogPart(list); parts[0].State != wire.PartDegraded || parts[0].Detail != "am heard nothing for 3 periods, and should raise the alarm by now" {
		t.Errorf("%+v", parts)
	}
	var none *watchdogs
	if len(none.list(start)) != 0 || watchdogPart(nil) != nil {
		t.Error("one where there is none")
	}
}
