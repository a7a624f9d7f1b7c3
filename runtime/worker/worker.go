// Package worker runs functions in processes of their own, a team a worker, so that
// what ends a process ends no other team's calls and never the server. Pool is the
// server's side and stands where the engine does in-process; Main is the child's.
//
//	gateway ─▶ Pool ─▶ worker of team a ══ socketpair, frames ══ Main ─▶ engine
//	            │ └──▶ worker of team b ══ status page ═════════ marks
//	            └────▶ compile worker, thrown away after one job
//
// Of a worker nothing is believed: see frame.go for what ends one, and death.go for
// what is concluded from its end.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Config is what a Pool needs. Command and Bundle are required; zero values have
// defaults.
type Config struct {
	// Command starts this very program as a worker: it must call Main. See Self.
	Command []string
	// Build is the version of the program, which a worker must say as well.
	Build string
	// Bundle returns what to run for a version. Its result is kept and not changed.
	Bundle func(ctx context.Context, id function.ID) (function.Bundle, error)
	// Secrets returns the values of those of the names that the function's team has
	// set. They go to the team's worker with LOAD. Nil: none.
	Secrets func(ctx context.Context, id function.ID, names []string) (map[string]string, error)
	// Budget is what a team's worker may use in place of Memory; 0, or nil: Memory.
	Budget func(team string) function.Size
	// Log takes what functions write to the console. It must not block. Nil drops it.
	Log func(invocation.Record)
	// Measure takes what functions count. It must not block. Nil drops it.
	Measure func(invocation.Measures)
	// Call takes fetches to ExternalURL + "/fn/…". Nil refuses them.
	Call func(ctx context.Context, caller invocation.Request, req *http.Request) (*http.Response, error)
	// ExternalURL is the base of this installation's addresses.
	ExternalURL string
	// Own returns the addresses that functions cannot dial: the server's listeners.
	Own func() []net.Addr
	// PrivateAllow lists what manifests may open of private addresses.
	PrivateAllow []string
	Logger       *slog.Logger          // nil discards
	Registerer   prometheus.Registerer // nil registers nothing

	MaxWorkers   int           // live workers, spares and compile workers not counted; default 64
	Spares       int           // blank workers kept ready; default 2
	IdleFor      time.Duration // a worker without calls stops after it; default 10m
	Memory       function.Size // what a worker may use beyond what it needs to start; default 512 MiB
	BuildMemory  function.Size // the same for a compile worker; default 1 GiB
	BuildTimeout time.Duration // of one compile job; default 20s
	MaxBuilds    int           // compile jobs at a time; default 2
	MaxQueue     time.Duration // the longest wait for a worker; default 5s
	MaxCall      time.Duration // more than any call may last, streams and background work included; default 2h
	Wedged       time.Duration // from a call's CANCEL to the end of its worker where it does not stop; default 2s

	// Quarantined are those that stood when the last process ended, Verdicts is told
	// of each change.
	Quarantined   []Quarantine
	Verdicts      Verdicts
	Quarantine    time.Duration // the first one; each further one is twice as long; default 10s
	MaxQuarantine time.Duration // the longest; default 1h
	Probation     time.Duration // a version that lived this long alone is let back; default 30s

	fair struct { // for tests
		forGood bool          // as if a priority could not be raised again
		cores   float64       // as if there were so many processors
		slice   time.Duration // as if the server had chosen it
		many    float64       // calls a second that are many
		cheap   time.Duration // of a call that is
	}
}

func (c Config) withDefaults() Config {
	or(&c.MaxWorkers, 64)
	or(&c.Spares, 2)
	or(&c.IdleFor, 10*time.Minute)
	or(&c.Memory, 512<<20)
	or(&c.BuildMemory, 1<<30)
	or(&c.BuildTimeout, 20*time.Second)
	or(&c.MaxBuilds, 2)
	or(&c.MaxQueue, 5*time.Second)
	or(&c.MaxCall, 2*time.Hour)
	or(&c.Wedged, 2*time.Second)
	or(&c.Quarantine, 10*time.Second)
	or(&c.MaxQuarantine, time.Hour)
	or(&c.Probation, 30*time.Second)
	if c.Log == nil {
		c.Log = func(invocation.Record) {}
	}
	if c.Measure == nil {
		c.Measure = func(invocation.Measures) {}
	}
	if c.Own == nil {
		c.Own = func() []net.Addr { return nil }
	}
	if c.Verdicts == nil {
		c.Verdicts = func(Quarantine, bool) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func or[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// minMemory is the least budget with which a worker is of use.
const minMemory = 32 << 20

// Validate says what is wrong with a configuration.
func (c Config) Validate() error {
	switch {
	case len(c.Command) == 0:
		return errors.New("validate worker config: Command is missing")
	case c.Bundle == nil:
		return errors.New("validate worker config: Bundle is missing")
	case c.MaxWorkers < 0 || c.Spares < 0 || c.MaxBuilds < 0:
		return errors.New("validate worker config: a number of workers is negative")
	}
	for key, m := range map[string]function.Size{"Memory": c.Memory, "BuildMemory": c.BuildMemory} {
		if m != 0 && m < minMemory {
			return fmt.Errorf("validate worker config: %s is below %d MiB", key, minMemory>>20)
		}
	}
	return nil
}
