package delivery

import (
	"encoding/json"
	"fmt"
	"time"

	"hadron/runtime/function"
)

// Observation is what is to be known for a rollout's next move. Zero fields are
// nothing seen.
type Observation struct {
	Gone       string     // why function or alias are no more there
	Displaced  *Displaced // somebody else set the alias
	Command    *Command   // somebody asks for something
	Work       *Work      // how what the state asked for ended
	Harm       string     // a page or quarantine, in words
	Freeze     *Freeze    // in force, and not overridden for this rollout
	Objectives []function.Objective
	History    *Histogram // durations of the old version before the rollout
	Sample     *Sample
	Trouble    string // why there is no sample
	Drained    bool   // no call of the version that lost its traffic is under way
}

// Displaced is a change of the alias that is not the rollout's.
type Displaced struct{ By, What string }

// Work is the end of what a state does once.
type Work struct {
	Of  State // Prewarming or Probing
	Err string
}

// Verb is what somebody asks of a rollout.
type Verb string

// The verbs.
const (
	Pause   Verb = "pause"
	Resume  Verb = "resume"
	Promote Verb = "promote" // to the next step
	Finish  Verb = "finish"  // all the way
	Abort   Verb = "abort"
)

// Command is a verb with who asks.
type Command struct {
	Verb   Verb
	By     string
	Reason string // of an abort
}

// Action is what a move asks to be written: the alias's weights, at most once, and events.
type Action struct {
	Point *Repoint
	Event *Event
}

// Repoint sets the alias.
type Repoint struct {
	Weights []function.Weight
	Settle  bool
	Kind    string
	Text    string
}

// Bounds of states that wait for something.
const (
	workLimit  = 5 * time.Minute // of prewarming and of probing
	drainLimit = 2 * time.Minute // then calls that still run are let be
)

// Allowed reports whether a command means anything in the rollout's state. Its errors
// wrap ErrEnded or ErrNotNow.
func Allowed(r Rollout, v Verb) error {
	if r.State.Ended() {
		return fmt.Errorf("deployment %d: %w: %s, %s", r.ID, ErrEnded, r.State, r.Reason)
	}
	ok := false
	switch v {
	case Pause:
		ok = r.State == Running && r.Plan.Strategy != function.StrategyManual
	case Resume:
		ok = r.State == Paused && r.Plan.Strategy != function.StrategyManual
	case Promote, Finish:
		ok = r.State.live()
	case Abort:
		ok = r.State != Promoting && r.State != RollingBack
	}
	if ok {
		return nil
	}
	hint := ""
	switch {
	case r.State == Promoting && v == Abort:
		hint = "; hadron rollback brings the version before back"
	case r.Plan.Strategy == function.StrategyManual && v == Resume:
		hint = "; a manual one goes on by promote"
	}
	return fmt.Errorf("deployment %d cannot %s: %w: it is %s%s", r.ID, v, ErrNotNow, r.State, hint)
}

// Next moves a rollout by at most one step. It is pure. No action means that nothing
// need be written: only the verdict, which lives in memory, may be newer.
func Next(r Rollout, o Observation, now time.Time) (Rollout, []Action) {
	if r.State.Ended() {
		return r, nil
	}
	m := move{r: r, o: o, now: now}
	switch {
	case o.Gone != "":
		m.end(Aborted, o.Gone, "")
	case o.Displaced != nil:
		m.end(Aborted, fmt.Sprintf("ended by %s: %s", o.Displaced.By, o.Displaced.What), o.Displaced.By)
	case o.Command != nil:
		m.command(*o.Command)
	default:
		m.goOn()
	}
	if len(m.actions) > 0 {
		m.r.UpdatedAt = now
	}
	return m.r, m.actions
}

// move is one Next under way.
type move struct {
	r       Rollout
	o       Observation
	now     time.Time
	actions []Action
}

func (m *move) goOn() {
	switch m.r.State {
	case Pending:
		m.become(Prewarming, "the new version is being loaded", "")
	case Prewarming:
		m.worked(Prewarming, "the new version could not be loaded", func() {
			if m.r.Plan.Probe.Path != "" {
				m.become(Probing, "the new version is asked for "+m.r.Plan.Probe.Path, "")
				return
			}
			m.begin()
		})
	case Probing:
		m.worked(Probing, "the new version did not pass its probe", m.begin)
	case Running, Paused:
		m.atStep()
	case Promoting:
		if m.o.Drained || m.now.Sub(m.r.StateAt) >= drainLimit {
			m.end(Completed, fmt.Sprintf("%s is at version %d", m.r.Alias, m.r.To), "")
		}
	case RollingBack:
		if m.o.Drained || m.now.Sub(m.r.StateAt) >= drainLimit {
			m.end(m.r.Ending, m.r.Reason, "")
		}
	default: // it has ended
	}
}

// worked goes on where the state's work ended well. A freeze holds before traffic moves.
func (m *move) worked(of State, failed string, then func()) {
	w := m.o.Work
	switch {
	case m.o.Harm != "":
		m.end(Failed, m.o.Harm, "")
	case w != nil && w.Of == of && w.Err != "":
		m.end(Failed, failed+": "+w.Err, "")
	case w != nil && w.Of == of:
		then()
	case m.now.Sub(m.r.StateAt) >= workLimit && !m.o.Freeze.holds(m.now):
		m.end(Failed, failed+fmt.Sprintf(": not within %s", workLimit), "")
	}
}

// begin gives the new version its first traffic.
func (m *move) begin() {
	if m.held() {
		return
	}
	switch m.r.Plan.Strategy {
	case function.StrategyCanary, function.StrategyManual:
		m.step(1, "")
	case function.StrategyBlueGreen:
		text := fmt.Sprintf("all traffic is at version %d; version %d stays ready for %s", m.r.To, m.r.From, m.r.Plan.Interval)
		m.point(whole(m.r.To), false, "repointed", text)
		m.r.StepAt = m.now
		m.become(Running, text, "")
	default:
		m.promote("")
	}
}

// held reports whether a freeze keeps the rollout where it is, and notes it once.
func (m *move) held() bool {
	if !m.o.Freeze.holds(m.now) {
		return false
	}
	text := fmt.Sprintf("held: team %s is frozen until %s: %s", m.o.Freeze.Team, m.o.Freeze.Until.UTC().Format(time.RFC3339), m.o.Freeze.Reason)
	if m.r.Reason != text {
		m.r.Reason = text
		m.event(EventFreeze, text, "")
	}
	return true
}

func (m *move) step(n int, by string) {
	m.r.Step, m.r.StepAt, m.r.Extensions = n, m.now, 0
	m.r.Mark = Mark{}
	if s := m.o.Sample; s != nil {
		m.r.Mark = Mark{s.Canary.Calls, s.Baseline.Calls}
	}
	text := fmt.Sprintf("step %d of %d: %d %% of the traffic", n, len(m.r.Plan.Steps), m.r.percent())
	m.point(m.r.split(m.r.percent()), false, "repointed", text)
	m.event(EventStep, text, by)
	if m.r.Plan.Strategy == function.StrategyManual {
		m.become(Paused, text+"; it waits for somebody to promote it", by)
		return
	}
	m.become(Running, text, by)
}

func (m *move) promote(by string) {
	text := fmt.Sprintf("all traffic is at version %d", m.r.To)
	m.point(whole(m.r.To), true, "deployed", text)
	m.event(EventStep, text, by)
	m.become(Promoting, fmt.Sprintf("%s; calls of version %d end", text, m.r.From), by)
}

// back returns all traffic to the old version.
func (m *move) back(ending State, reason, by string) {
	m.point(whole(m.r.From), true, "rolled_back", reason)
	m.r.Ending = ending
	m.event(EventStep, fmt.Sprintf("all traffic is back at version %d", m.r.From), by)
	m.become(RollingBack, reason, by)
}

func (m *move) point(weights []function.Weight, settle bool, kind, text string) {
	m.r.Weights = weights
	m.actions = append(m.actions, Action{Point: &Repoint{Weights: weights, Settle: settle, Kind: kind, Text: text}})
}

func (m *move) become(s State, reason, by string) {
	m.r.State, m.r.StateAt, m.r.Reason = s, m.now, reason
	m.event(EventState, string(s)+": "+reason, by)
}

func (m *move) end(s State, reason, by string) {
	m.r.State, m.r.StateAt, m.r.Reason = s, m.now, reason
	m.event(EventEnded, string(s)+": "+reason, by)
}

func (m *move) event(kind EventKind, text, by string) {
	e := Event{Time: m.now, Kind: kind, Text: text, By: by}
	if kind == EventVerdict && m.r.Verdict != nil {
		e.Data, _ = json.Marshal(m.r.Verdict) // plain numbers and texts
	}
	m.actions = append(m.actions, Action{Event: &e})
}
