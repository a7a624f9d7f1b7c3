package alerting

import (
	"time"
)

// watchdogAlert is the name of the alert that always fires, as Prometheus's users know it.
const watchdogAlert = "Watchdog"

// watchdogLife is how many of its periods a watchdog's word is worth: a receiver that
// hears nothing for longer is to raise the alarm.
const watchdogLife = 3

// watchdogs adds to the change what targets are to hear of the pipeline itself: that an
// evaluation went well throughout. It takes the same way as any message, so its silence
// says that evaluation, store, outbox or target is not well. It returns who is told.
func (r *round) watchdogs(c *Change) (told []string) {
	if len(r.errs) > 0 {
		return nil
	}
	for _, t := range r.e.cfg.Targets {
		at, before := r.e.beats[t.Name]
		if t.Watchdog <= 0 || before && r.now.Sub(at) < t.Watchdog-r.e.cfg.Interval/2 {
			continue
		}
		until := r.now.Add(watchdogLife * max(t.Watchdog, r.e.cfg.Interval))
		c.Messages = append(c.Messages, Message{Created: r.now, Next: r.now, Event: Event{
			Action: Trigger, Watchdog: true, Target: t.Name, RoutingKey: t.Name, Alert: watchdogAlert, Component: "hadron",
			DedupKey: DedupKey(r.e.cfg.Installation, Objective{SLO: "watchdog"}), Source: oneLine("hadron "+r.e.cfg.Installation, maxText),
			Severity: "info", Class: "watchdog", SLO: "watchdog", Client: "Hadron",
			Summary:   "Alerts are evaluated and delivered. Where this is not heard, they are not.",
			Timestamp: r.now.UTC().Format(time.RFC3339Nano), Until: until.UTC().Format(time.RFC3339Nano),
		}})
		told = append(told, t.Name)
	}
	return told
}

// late reports whether an event is worth nothing any more: a test that whoever asked has
// given up (its end is sent all the same, for it may have arrived), and a watchdog's word
// of long ago, which would say that all is well where it is not.
func (e Event) late(now, created time.Time) bool {
	if e.Watchdog {
		until, err := time.Parse(time.RFC3339Nano, e.Until)
		return err == nil && now.After(until)
	}
	return e.Test && e.Action == Trigger && now.Sub(created) > maxDrill
}
