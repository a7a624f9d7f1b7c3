package app

import (
	"testing"
	"time"

	"hadron/runtime/function"
)

// A match that backtracks is cut off only after the longest call there can be: before
// that a function would see a wrong answer.
func TestLongestCallFollowsTheOperatorsLimits(t *testing.T) {
	c := LimitsConfig{
		Timeout: function.Duration(time.Minute), Stream: function.Duration(24 * time.Hour), Background: function.Duration(3 * time.Hour),
	}
	if got, want := c.longest(), 27*time.Hour+time.Minute; got != want {
		t.Errorf("a call may last %s, not %s", got, want)
	}
}
