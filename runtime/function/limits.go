package function

import (
	"fmt"
	"strconv"
	"time"
)

// Limits bound one function. Zero means the default.
type Limits struct {
	Timeout     Duration `json:"timeout,omitzero"`     // to the response's head; to its last byte where buffered
	CPU         Duration `json:"cpu,omitzero"`         // inside the VM, over the whole call; zero: only wall time bounds it
	Stream      Duration `json:"stream,omitzero"`      // a streamed body
	Background  Duration `json:"background,omitzero"`  // what waitUntil holds, after the response
	Queue       Duration `json:"queue,omitzero"`       // wait for a VM
	Memory      Size     `json:"memory,omitzero"`      // one native allocation; the worker's budget when alone
	Stack       int      `json:"stack,omitzero"`       // calls within calls
	Concurrency int      `json:"concurrency,omitzero"` // calls at once on one node
	Body        Size     `json:"body,omitzero"`        // request body
	Response    Size     `json:"response,omitzero"`    // response body
	Headers     Size     `json:"headers,omitzero"`     // names and values of a request's or a response's headers
	Timers      int      `json:"timers,omitzero"`      // waiting at a time in one call
	Subrequests int      `json:"subrequests,omitzero"` // fetches of one call
	Logs        int      `json:"logs,omitzero"`        // log lines of one call
}

// DefaultLimits are those of a manifest that names none. CPU has none of its own.
func DefaultLimits() Limits {
	return Limits{
		Timeout: Duration(2 * time.Second), Stream: Duration(5 * time.Minute), Background: Duration(30 * time.Second),
		Queue: Duration(time.Second), Memory: 64 << 20, Stack: 1000, Concurrency: 64, Body: 1 << 20, Response: 256 << 20,
		Headers: 64 << 10, Timers: 1000, Subrequests: 200, Logs: 1000,
	}
}

// MaxLimits is what an operator allows unless configured otherwise.
func MaxLimits() Limits {
	return Limits{
		Timeout: Duration(5 * time.Minute), CPU: Duration(5 * time.Minute), Stream: Duration(time.Hour),
		Background: Duration(15 * time.Minute), Queue: Duration(30 * time.Second), Memory: 1 << 30, Stack: 10_000,
		Concurrency: 1024, Body: 64 << 20, Response: 16 << 30, Headers: 256 << 10, Timers: 10_000, Subrequests: 1000, Logs: 10_000,
	}
}

func (l Limits) or(d Limits) Limits {
	fill(&l.Timeout, d.Timeout)
	fill(&l.CPU, d.CPU)
	fill(&l.Stream, d.Stream)
	fill(&l.Background, d.Background)
	fill(&l.Queue, d.Queue)
	fill(&l.Memory, d.Memory)
	fill(&l.Stack, d.Stack)
	fill(&l.Concurrency, d.Concurrency)
	fill(&l.Body, d.Body)
	fill(&l.Response, d.Response)
	fill(&l.Headers, d.Headers)
	fill(&l.Timers, d.Timers)
	fill(&l.Subrequests, d.Subrequests)
	fill(&l.Logs, d.Logs)
	return l
}

// WithDefaults returns l with the default wherever it is zero.
func (l Limits) WithDefaults() Limits { return l.or(DefaultManifest().Limits) }

// Within says which limit is over the operator's maximum; a maximum of zero allows
// any. Its error is a *ManifestError.
func (l Limits) Within(most Limits) error {
	return firstOf(
		within("timeout", l.Timeout, most.Timeout),
		within("cpu", l.CPU, most.CPU),
		within("stream", l.Stream, most.Stream),
		within("background", l.Background, most.Background),
		within("queue", l.Queue, most.Queue),
		within("memory", l.Memory, most.Memory),
		within("stack", count(l.Stack), count(most.Stack)),
		within("concurrency", count(l.Concurrency), count(most.Concurrency)),
		within("body", l.Body, most.Body),
		within("response", l.Response, most.Response),
		within("headers", l.Headers, most.Headers),
		within("timers", count(l.Timers), count(most.Timers)),
		within("subrequests", count(l.Subrequests), count(most.Subrequests)),
		within("logs", count(l.Logs), count(most.Logs)),
	)
}

func within[T interface {
	~int | ~int64
	fmt.Stringer
}](key string, asked, most T,
) error {
	if most == 0 || asked <= most {
		return nil
	}
	return badKey("limits."+key, "this server allows at most %s", most)
}

type count int

func (c count) String() string { return strconv.Itoa(int(c)) }
