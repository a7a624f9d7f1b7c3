package alerting

import (
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// The conditions of the platform itself, of no function: one function stands for each, and
// whoever is told of that function's tickets is told of it.
const (
	Removals   = "removals"   // a pass would remove so much elsewhere that it asks
	Reconciler = "reconciler" // what is kept in other systems has not been as wanted for long
	Orphans    = "orphans"    // messages about functions that have no alerts any more could not be delivered
)

// platformKinds is what is said of them. What to do is the same whoever stands for it.
func platformKinds() []slo.Symptom {
	return []slo.Symptom{
		{
			Kind: Removals, Alert: "RemovalsHeld", Title: "asks before it removes so much", Over: "nothing waits for a word any more",
			Felt: "nothing; what should go stays as it is, and all else is done",
			Do:   "if it is right that they go, run the command named here; if not, look at what was deleted, disabled or set otherwise of late: hadron audit",
		},
		{
			Kind: Reconciler, Alert: "ReconcilerFailing", Title: "cannot keep other systems as they are to be", Over: "a pass went well throughout",
			Felt: "nothing; what was made before works on, and what is new or changed since is not there",
			Do:   "the System page says what the last pass ran into; it is tried again by itself",
		},
		{
			Kind: Orphans, Alert: "NotificationsUndelivered", Title: "could not tell the end of alerts of functions that are gone", Over: "no message about such a function was given up in the last day",
			Felt: "nothing; an incident may stay open at the target though it is over",
			Do:   "mend the target that is named, and resolve there by hand what is still open",
		},
	}
}

// OfPlatform reports whether the name in an objective's place is that of a condition of
// the platform itself: the function beside it only stands for it.
func OfPlatform(name string) bool { return name == Removals || name == Reconciler || name == Orphans }

// platform is who has the incident, in the words of a page.
const platform = "Hadron"

func (in Incident) who() string {
	if OfPlatform(in.SLO) {
		return platform
	}
	return oneLine(in.Function.Base(), maxWho)
}

// standIn is the function that stands for a condition of the platform: the one that did
// before, else the first by name that somebody is told of now. Empty where none has alerts.
func (r *round) standIn(kind string) function.Name {
	for k, a := range r.e.alerts {
		if k.SLO == kind && k.Class == slo.Ticket && a.State == Firing && r.stands(k.Function, kind, false) {
			return k.Function
		}
	}
	best, most := function.Name(""), 0
	for name, s := range r.specs {
		if s.disabled {
			continue
		}
		rank := 1
		if r.stands(name, kind, false) {
			rank = 2
			if r.reachable(name) {
				rank = 3
			}
		}
		if rank > most || rank == most && name < best {
			best, most = name, rank
		}
	}
	return best
}

// reachable reports whether a ticket of the function's goes out at once.
func (r *round) reachable(name function.Name) bool {
	if r.e.cfg.Routing != nil {
		_, ok := r.e.cfg.Routing(name)
		return ok
	}
	return r.e.Tells(name, slo.Ticket)
}
