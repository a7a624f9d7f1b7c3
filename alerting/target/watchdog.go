package target

import (
	"context"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
)

const (
	defaultHeartbeat = time.Minute
	leastWatchdog    = 10 * time.Second
	mostWatchdog     = time.Hour
)

// loadWatchdog reads how often the target hears of the watchdog.
func (c *Config) loadWatchdog() error {
	switch {
	case c.Watchdog == "" && c.Type == Heartbeat:
		c.watchdog = defaultHeartbeat
		return nil
	case c.Watchdog == "":
		return nil
	case c.Type != Heartbeat && c.Type != Alertmanager:
		return fmt.Errorf("a %s hears of incidents only: leave watchdog out, or add a target of type heartbeat", c.Type)
	}
	d, err := function.ParseDuration(c.Watchdog)
	if err != nil || time.Duration(d) < leastWatchdog || time.Duration(d) > mostWatchdog {
		return fmt.Errorf("watchdog %q: write a duration from %s to %s", c.Watchdog, function.Duration(leastWatchdog), function.Duration(mostWatchdog))
	}
	c.watchdog = time.Duration(d)
	return nil
}

// beat is the body of a heartbeat; what takes one mostly looks at the request alone.
type beat struct {
	Installation string `json:"installation"`
	Timestamp    string `json:"timestamp"`
	Until        string `json:"until"`
}

func (s *Sender) sendHeartbeat(ctx context.Context, e alerting.Event) error {
	if !e.Watchdog {
		return nil // it hears of no incident
	}
	body, err := encode(beat{s.opts.Installation, e.Timestamp, e.Until})
	if err != nil {
		return &alerting.FinalError{Err: err}
	}
	return s.post(ctx, s.cfg.URL, body, nil)
}

// sendWatchdog posts the alert that always fires. It ends by itself where it is not heard
// again: an inhibition, a route or a receiver for its end is the dead man's switch.
func (s *Sender) sendWatchdog(ctx context.Context, e alerting.Event) error {
	body, err := encode([]amAlert{{
		Labels:      map[string]string{"alertname": e.Alert, "severity": "none", "job": "hadron", "hadron": s.opts.Installation},
		Annotations: map[string]string{"summary": e.Summary}, EndsAt: e.Until,
	}})
	if err != nil {
		return &alerting.FinalError{Err: err}
	}
	return s.post(ctx, s.alertsURL(), body, nil)
}
