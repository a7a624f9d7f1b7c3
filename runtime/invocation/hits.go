package invocation

import "iter"

// Hits are the limits that an invocation ran into: a set, passed by value.
type Hits uint16

// The limits that leave a mark in an outcome, named as the manifest's keys under
// limits. What is refused before a function is called leaves its code instead.
const (
	HitTimeout Hits = 1 << iota
	HitStream
	HitBackground
	HitCPU
	HitMemory
	HitStack
	HitQueue
	HitResponse
	HitHeaders
	HitTimers
	HitSubrequests
	HitLogs
	hitEnd
)

var hitNames = [...]string{
	"timeout", "stream", "background", "cpu", "memory", "stack", "queue", "response", "headers", "timers", "subrequests", "logs",
}

// HitCount is how many limits there are, and All goes through them.
const HitCount = len(hitNames)

// Known drops what is no limit.
func (h Hits) Known() Hits { return h & (hitEnd - 1) }

// All yields each limit of the set: its place, from 0 to below HitCount, and its name.
func (h Hits) All() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for at, name := range hitNames {
			if h&(1<<at) != 0 && !yield(at, name) {
				return
			}
		}
	}
}

// HitName is the manifest's key of the limit at a place.
func HitName(at int) string { return hitNames[at] }
