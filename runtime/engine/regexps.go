package engine

import (
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
)

var regexpsBounded sync.Once

// boundRegexps bounds matches that backtrack, which nothing can interrupt. What runs
// out of time is told to functions as "no match", so the bound is longer than any
// call lasts: by then the call has been answered and its VM is to be thrown away,
// and the wrong answer is seen by nobody. The bound is the process's: the first
// engine's holds.
func boundRegexps(longest time.Duration) {
	regexpsBounded.Do(func() { regexp2.DefaultMatchTimeout = longest + time.Minute })
}

// Bounds of an expression that is made of text at run time: its parser recurses, and
// what it makes takes more memory than the text.
const (
	maxPattern       = 64 << 10
	maxPatternGroups = 500
)

// boundPattern refuses an expression that is too long, or goes too deep.
func (h *hardener) boundPattern(source string) {
	switch {
	case len(source) > maxPattern:
		h.throw("SyntaxError", "Invalid regular expression: it is longer than 65536 bytes")
	case len(source) > maxPatternGroups && nesting([]byte(source)) > maxPatternGroups:
		h.throw("SyntaxError", "Invalid regular expression: its groups go more than 500 deep")
	}
}
