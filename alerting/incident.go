package alerting

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"hadron/collector/slo"
)

// Incident is what the targets were told of an objective, kept until they are told
// that it ended. There is one per objective at most.
type Incident struct {
	Objective
	DedupKey string
	Class    slo.Class // the worst that fires: as the targets last heard
	Window   string    // the fastest alert window that fires in it
	OpenedAt time.Time
	// Told are the names of the targets that were told of it, or have the message in the
	// outbox: "alertmanager,pagerduty". None where there is no target, or a silence holds.
	Told list
	// RoutingKey is where PagerDuty's trigger went, and so where the end must go; empty
	// while the function has no service yet. In the store, the first one stays.
	RoutingKey string
	// CalmSince is when nothing fired any more in an incident that is held open because
	// it came and went; zero where something fires.
	CalmSince time.Time
}

// DedupKey names the one incident of an objective: the same for ever, and another
// for each installation. Neither class nor window is in it, so that an incident
// that gets worse stays the same incident.
func DedupKey(installation string, o Objective) string {
	sum := sha256.Sum256([]byte(installation + "\x00" + string(o.Function) + "\x00" + o.SLO))
	return "hadron-" + hex.EncodeToString(sum[:16])
}

// Ended is an incident that is over, kept to be looked at.
type Ended struct {
	Incident
	ID       int64 // the store's
	ClosedAt time.Time
	Why      string
	AckedBy  string // by the store; empty: nobody
}

// MaxEnded bounds the ended incidents kept, MaxEndedAge for how long.
const (
	MaxEnded    = 10_000
	MaxEndedAge = 90 * 24 * time.Hour
)

// Damping: an incident that closed flapClosings times within flapWithin is held open at
// its next end until nothing has fired for flapCalm.
const (
	flapClosings = 2
	flapWithin   = time.Hour
	flapCalm     = 15 * time.Minute
)

// telling is one message that a target is to get.
type telling struct {
	target string
	action Action
}

// situation is what decide goes by.
type situation struct {
	installation string
	objective    Objective
	open         *Incident // nil: none
	firing       []Key     // its firing alerts, fastest window first
	now          time.Time
	targets      []Target
	hushed       func(slo.Class) string // why nobody is told; empty: they are
	acknowledged bool                   // somebody has it
	flapping     bool                   // it closed often of late
	gone         bool                   // the function or objective: there is nothing to wait for
	due          func(target string) bool
}

// decide says what the targets are to hear of an objective. The incident returned is
// nil where none is open any more. A page inhibits the ticket: of both, one incident
// is open, with the class of the worse. It is pure.
func decide(s situation) (*Incident, []telling) {
	var out []telling
	if len(s.firing) == 0 {
		if s.open == nil {
			return nil, nil
		}
		if held := s.hold(); held != nil {
			return held, nil
		}
		for _, t := range s.targets {
			if holds(s.open.Told, t.Name) {
				out = append(out, telling{t.Name, Resolve})
			}
		}
		return nil, out
	}
	worst := s.firing[0]
	for _, k := range s.firing {
		if k.Class == slo.Page {
			worst = k
			break
		}
	}
	in := Incident{Objective: s.objective, DedupKey: DedupKey(s.installation, s.objective), OpenedAt: s.now, Class: worst.Class}
	if s.open != nil {
		in = *s.open
	}
	// Whoever has acknowledged it need not hear that it got better.
	changed := in.Class != worst.Class && (worst.Class == slo.Page || !s.acknowledged)
	in.Class, in.Window, in.CalmSince = worst.Class, worst.Window, time.Time{}
	quiet := s.hushed(worst.Class) != ""
	for _, t := range s.targets {
		told, wants := holds(in.Told, t.Name), t.wants(s.objective.Function, worst.Class)
		switch {
		case told && !wants:
			in.Told = without(in.Told, t.Name)
			out = append(out, telling{t.Name, Resolve})
		case wants && told && t.Repeat > 0 && s.due(t.Name),
			wants && !quiet && (!told || changed):
			in.Told = with(in.Told, t.Name)
			out = append(out, telling{t.Name, Trigger})
		}
	}
	return &in, out
}

// hold keeps an incident open that comes and goes; nil lets it end.
func (s situation) hold() *Incident {
	in := *s.open
	switch {
	case s.gone, in.Told == "", !s.flapping && in.CalmSince.IsZero():
		return nil
	case in.CalmSince.IsZero():
		in.CalmSince = s.now
	case s.now.Sub(in.CalmSince) >= flapCalm:
		return nil
	}
	return &in
}

// flapping reports whether an objective's incident closed often of late.
func (r *round) flapping(o Objective) bool {
	n := 0
	for _, at := range r.e.closed[o] {
		if r.now.Sub(at) < flapWithin {
			n++
		}
	}
	return n >= flapClosings
}

// closing notes that an incident ends now, and forgets what is long past.
func (e *Evaluator) closing(o Objective, now time.Time) {
	if o.SLO == Test {
		return // one after the other is no flapping
	}
	for name, list := range e.closed {
		var kept []time.Time
		for _, at := range list {
			if now.Sub(at) < flapWithin {
				kept = append(kept, at)
			}
		}
		if e.closed[name] = kept; len(kept) == 0 {
			delete(e.closed, name)
		}
	}
	e.closed[o] = append(e.closed[o], now)
}

// Hand is what people did about an open incident, here or at the pager.
type Hand struct {
	Objective
	Opened   time.Time // when the incident was opened; told by Handle alone
	AckedAt  time.Time // zero: nobody has it
	AckedBy  string
	Via      string // where: "hadron" or "pagerduty"
	Assignee string // whom the pager gave it
	PagerID  string // of the incident at the pager
	PagerURL string
	Notes    []Note // newest last, at most MaxNotes
}

// Note is what somebody wrote about an incident.
type Note struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// MaxNotes bounds the notes kept of one incident.
const MaxNotes = 50

// Held says in words that an incident waits to end; empty where it does not.
func (in Incident) Held() string {
	if in.CalmSince.IsZero() {
		return ""
	}
	return fmt.Sprintf("it came and went: it ends after %s without an alert, at %s", words(flapCalm), in.CalmSince.Add(flapCalm).UTC().Format(time.RFC3339))
}

// Acknowledged is what targets hear when somebody has an incident: those that were told
// of it, but for the one that said so.
func Acknowledged(installation string, in Incident, h Hand, at time.Time, except string) []Message {
	var out []Message
	for name := range strings.SplitSeq(in.Told, ",") {
		if name == "" || name == except {
			continue
		}
		p := page{installation: installation, action: Acknowledge, incident: in, sample: noSample, at: at}
		e := p.event()
		e.Summary = oneLine(fmt.Sprintf("%s: %s has it.", in.who(), cmp.Or(oneLine(h.AckedBy, maxWho), "somebody")), MaxSummary)
		e.Details = nil
		if n := len(h.Notes); n > 0 {
			if note := oneLine(h.Notes[n-1].Text, maxError); note != "" {
				e.Details = []Field{{"note", note}}
			}
		}
		e.Target, e.RoutingKey = name, name
		if name == PagerDuty {
			e.RoutingKey = in.RoutingKey
		}
		out = append(out, Message{Function: in.Function, Event: e, Created: at, Next: at})
	}
	return out
}
