package collector

import (
	"slices"
	"time"
)

// mostMoves bounds the versions that live moved to lately; past it the one of longest ago
// is forgotten.
const mostMoves = 8

// move counts how often live moved towards a version. What it was when the process began
// is no move, so a start draws no deployment.
type move struct {
	version int
	times   uint64
	last    time.Time
}

// countMove counts a change of live. The caller holds t.mu.
func (t *tracked) countMove(version int, now time.Time) {
	at := slices.IndexFunc(t.moves, func(m move) bool { return m.version == version })
	if at < 0 {
		if len(t.moves) == mostMoves {
			t.moves = slices.Delete(t.moves, 0, 1)
		}
		at = len(t.moves)
		t.moves = append(t.moves, move{version: version})
	}
	m := t.moves[at]
	m.times, m.last = m.times+1, now
	t.moves = append(slices.Delete(t.moves, at, at+1), m) // the latest is last
}

// forgetMoves ends the series of moves that are an hour old: queries find them in the
// store. The caller holds t.mu.
func (t *tracked) forgetMoves(now time.Time) (changed bool) {
	before := len(t.moves)
	t.moves = slices.DeleteFunc(t.moves, func(m move) bool { return now.Sub(m.last) >= linger })
	if len(t.moves) == before {
		return false
	}
	if len(t.moves) == 0 {
		t.moves = nil
	}
	t.dirty = true
	return true
}
