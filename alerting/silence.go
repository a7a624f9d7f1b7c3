package alerting

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Silence keeps incidents that begin, or get worse, from being told while it lasts. It
// ends no incident, and what still fires when it ends is told then. Alerts themselves go
// on: the UI, ALERTS and the judgement of a deployment see them as before.
type Silence struct {
	ID      int64
	Scope   string    // a team, team/project or team/project/name; empty: everything
	SLO     string    // empty: every objective
	Class   slo.Class // empty: pages and tickets
	Kind    string    // SilenceKind or MaintenanceKind
	Starts  time.Time
	Ends    time.Time
	Owner   string // who made it
	Reason  string
	Created time.Time
	EndedAt time.Time // before its time; zero: not
	EndedBy string
}

// Kinds of silences. They do the same; the second was planned.
const (
	SilenceKind     = "silence"
	MaintenanceKind = "maintenance"
)

// The kinds of change that the log of changes has of alerting.
const (
	KindSilenceAdded = "silence_added"
	KindSilenceEnded = "silence_ended"
	KindTested       = "alerts_tested"
)

// Bounds of silences.
const (
	MaxSilence       = 30 * 24 * time.Hour // from its begin to its end
	MaxAhead         = 90 * 24 * time.Hour // from now to its begin
	MaxSilences      = 1000                // that are not over
	maxSilenceReason = 500
)

// Refusals.
var (
	ErrSilence    = errors.New("invalid silence") // wrapped with what is wrong
	ErrNoSilence  = errors.New("no such silence")
	ErrNoIncident = errors.New("no such incident is open")

	// ErrUnsigned is a pager's message that no known secret signed: somebody else's.
	ErrUnsigned = errors.New("the signature is of no secret that is known here")
	// ErrNoSecret is returned while no secret is known.
	ErrNoSecret = errors.New("no webhook secret is known: set pagerduty.webhooks or pagerduty.webhook_secrets_file")
)

// Validate says what is wrong with a new silence. Reason is made one line.
func (s *Silence) Validate(now time.Time) error {
	s.Reason = oneLine(s.Reason, maxSilenceReason)
	if s.Kind == "" {
		s.Kind = SilenceKind
	}
	if s.Starts.IsZero() {
		s.Starts = now
	}
	switch {
	case s.Reason == "":
		return fmt.Errorf("%w: say why, in reason: whoever wonders where the page is reads it", ErrSilence)
	case s.Owner == "":
		return fmt.Errorf("%w: it has no owner", ErrSilence)
	case s.Kind != SilenceKind && s.Kind != MaintenanceKind:
		return fmt.Errorf("%w: kind is silence or maintenance", ErrSilence)
	case s.Class != "" && s.Class != slo.Page && s.Class != slo.Ticket:
		return fmt.Errorf("%w: class is page or ticket, or left out for both", ErrSilence)
	case !s.Ends.After(now) || !s.Ends.After(s.Starts):
		return fmt.Errorf("%w: it ends in the future, and after it starts", ErrSilence)
	case s.Ends.Sub(s.Starts) > MaxSilence:
		return fmt.Errorf("%w: it lasts at most %s; an alert that nobody wants is turned off with alerts.disabled in the manifest", ErrSilence, words(MaxSilence))
	case s.Starts.Sub(now) > MaxAhead:
		return fmt.Errorf("%w: it starts within %s", ErrSilence, words(MaxAhead))
	}
	if s.Starts.Before(now) {
		s.Starts = now
	}
	return nil
}

// Active reports whether it holds at that time.
func (s Silence) Active(at time.Time) bool {
	return !at.Before(s.Starts) && at.Before(s.Ends) && (s.EndedAt.IsZero() || at.Before(s.EndedAt))
}

// Over reports whether it will never hold again.
func (s Silence) Over(at time.Time) bool { return !at.Before(s.Ends) || !s.EndedAt.IsZero() }

// Covers reports whether it is about the function's objective in that class.
func (s Silence) Covers(o Objective, class slo.Class) bool {
	return Within(s.Scope, o.Function) && (s.SLO == "" || s.SLO == o.SLO) && (s.Class == "" || s.Class == class)
}

// Within reports whether a function lies in a scope: a team, team/project or a function.
func Within(scope string, name function.Name) bool {
	return scope == "" || string(name) == scope || strings.HasPrefix(string(name), scope+"/")
}

// why is what an alert that it keeps quiet says.
func (s Silence) why() string {
	word := "silenced"
	if s.Kind == MaintenanceKind {
		word = "in maintenance"
	}
	return fmt.Sprintf("%s by %s until %s: %s", word, oneLine(s.Owner, maxWho), s.Ends.UTC().Format(time.RFC3339), s.Reason)
}

// hushed says why an objective's incident is told to nobody now; empty: it is told.
func (r *round) hushed(o Objective, class slo.Class) string { return r.e.hushed(o, class, r.now) }

// hushed is what round's does. The caller holds e.mu, or is the loop.
func (e *Evaluator) hushed(o Objective, class slo.Class, at time.Time) string {
	if why := silenced(e.silences, o, class, at); why != "" {
		return why
	}
	return e.follows[o]
}

// silenced says which silence holds, in words; empty: none does.
func silenced(silences []Silence, o Objective, class slo.Class, at time.Time) string {
	for _, s := range silences {
		if s.Active(at) && s.Covers(o, class) {
			return s.why()
		}
	}
	return ""
}
