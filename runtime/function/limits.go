package function

import (
	"fmt"
	"strconv"
	"time"
)

// Limits bound one function. Zero means the default.
type Limits struct {
	Timeout     Duration `json:"timeout,omitzero"`    // to the response's head; to its last byte where buffered
	Stream      Duration `json:"stream,omitzero"`     // a streamed body
	Background  Duration `json:"background,omitzero"` // what waitUntil holds, after the response
	Memory      Size     `json:"memory,omitzero"`     // one native allocation; the worker's budget when alone
	Concurrency int      `json:"concurrency,omitzero"`
	Body        Size     `json:"body,omitzero"` // request body
}

// DefaultLimits are those of a manifest that names none.
func DefaultLimits() Limits {
	return Limits{
		Timeout: Duration(2 * time.Second), Stream: Duration(5 * time.Minute), Background: Duration(30 * time.Second),
		Memory: 64 << 20, Concurrency: 64, Body: 1 << 20,
	}
}

// MaxLimits is what an operator allows unless configured otherwise.
func MaxLimits() Limits {
	return Limits{
		Timeout: Duration(5 * time.Minute), Stream: Duration(time.Hour), Background: Duration(15 * time.Minute),
		Memory: 1 << 30, Concurrency: 1024, Body: 64 << 20,
	}
}

func (l Limits) or(d Limits) Limits {
	fill(&l.Timeout, d.Timeout)
	fill(&l.Stream, d.Stream)
	fill(&l.Background, d.Background)
	fill(&l.Memory, d.Memory)
	fill(&l.Concurrency, d.Concurrency)
	fill(&l.Body, d.Body)
	return l
}

// WithDefaults returns l with the default wherever it is zero.
func (l Limits) WithDefaults() Limits { return l.or(DefaultManifest().Limits) }

// Within says which limit is over the operator's maximum. Its error is a *ManifestError.
func (l Limits) Within(most Limits) error {
	over := func(key string, is bool, most fmt.Stringer) error {
		if !is {
			return nil
		}
		return badKey("limits."+key, "this server allows at most %s", most)
	}
	return firstOf(
		over("timeout", l.Timeout > most.Timeout, most.Timeout),
		over("stream", l.Stream > most.Stream, most.Stream),
		over("background", l.Background > most.Background, most.Background),
		over("memory", l.Memory > most.Memory, most.Memory),
		over("concurrency", l.Concurrency > most.Concurrency, count(most.Concurrency)),
		over("body", l.Body > most.Body, most.Body),
	)
}

type count int

func (c count) String() string { return strconv.Itoa(int(c)) }
