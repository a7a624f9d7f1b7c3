package function

import "slices"

// Part is a stretch of visitors who meet one version. Parts stand side by side and
// hold everyone.
type Part struct {
	Version int    `json:"version"`
	Size    uint64 `json:"size"` // of everyone
}

const (
	everyone = 1 << 32
	// maxParts bounds how finely visitors are divided.
	maxParts = 256
)

// Pick chooses a version by weight: key is uniform over its whole range, and the
// same key and alias give the same version. It returns 0 for an alias that Validate
// refuses.
func (a Alias) Pick(key uint64) int {
	version, _ := a.Place(key)
	return version
}

// Place is Pick, and says where within the version's share the key lies: from 0 to
// under its weight.
func (a Alias) Place(key uint64) (version, at int) {
	sum := a.sum()
	visitor := key >> 32
	if len(a.Parts) == 0 {
		left := visitor * sum / everyone
		for _, w := range a.Weights {
			if left < uint64(w.Weight) {
				return w.Version, int(left)
			}
			left -= uint64(w.Weight)
		}
		return 0, 0
	}
	left := visitor
	for i, p := range a.Parts {
		if left >= p.Size {
			left -= p.Size
			continue
		}
		for _, before := range a.Parts[:i] {
			if before.Version == p.Version {
				left += before.Size
			}
		}
		return p.Version, int(left * sum / everyone)
	}
	return 0, 0
}

func (a Alias) sum() uint64 {
	var sum uint64
	for _, w := range a.Weights {
		sum += uint64(w.Weight)
	}
	return sum
}

// Arranged returns a with Parts that follow from those of the alias as it was: only
// as many visitors move as the weights ask for, from versions whose share falls to
// those whose share grows. So while some shares only fall and the others only grow, in
// however many steps, nobody moves more than once. Weights alone cannot do that with
// three versions or more: whatever is worked out from them without regard to where
// visitors were sends some on twice.
//
// The shares are met to 1 in 2^32 a version. After changes to and fro that would
// divide visitors into more than 256 parts they are arranged anew.
func (a Alias) Arranged(was Alias) Alias {
	a.Parts = nil
	if a.Whole() != 0 || a.sum() == 0 {
		return a // one version has all
	}
	l := layout{parts: was.laidOut()}
	if len(l.parts) == 0 {
		l.parts = a.laidOut()
	}
	have := l.sizes()
	want := a.sizes(have)
	for _, loser := range l.versions() {
		for _, gainer := range a.Weights {
			n := min(over(have[loser], want[loser]), over(want[gainer.Version], have[gainer.Version]))
			if n == 0 {
				continue
			}
			l.move(loser, gainer.Version, n)
			have[loser] -= n
			have[gainer.Version] += n
		}
	}
	if len(l.parts) > maxParts {
		l.parts = a.inOrder()
	}
	a.Parts = l.parts
	return a
}

func over(a, b uint64) uint64 {
	if a > b {
		return a - b
	}
	return 0
}

// laidOut returns a copy of a's parts, those that its weights mean where it has none.
func (a Alias) laidOut() []Part {
	switch {
	case len(a.Parts) > 0:
		return slices.Clone(a.Parts)
	case a.sum() == 0:
		return nil
	}
	return a.inOrder()
}

func (a Alias) inOrder() []Part {
	sizes := a.sizes(nil)
	var parts []Part
	for _, w := range a.Weights {
		if w.Weight > 0 {
			parts = append(parts, Part{Version: w.Version, Size: sizes[w.Version]})
		}
	}
	return parts
}

// sizes is how many of everyone each version is to have. What rounding leaves stays
// with those who have it.
func (a Alias) sizes(have map[int]uint64) map[int]uint64 {
	sum, left := a.sum(), uint64(everyone)
	out := make(map[int]uint64, len(a.Weights))
	for _, w := range a.Weights {
		out[w.Version] = everyone * uint64(w.Weight) / sum
		left -= out[w.Version]
	}
	for _, w := range a.Weights {
		if w.Weight > 0 {
			n := min(left, over(have[w.Version], out[w.Version]))
			out[w.Version] += n
			left -= n
		}
	}
	for i := 0; left > 0; i++ {
		if v := a.Weights[i]; v.Weight > 0 {
			out[v.Version] += left
			left = 0
		}
	}
	return out
}

// layout is parts being rearranged.
type layout struct{ parts []Part }

func (l *layout) sizes() map[int]uint64 {
	out := make(map[int]uint64)
	for _, p := range l.parts {
		out[p.Version] += p.Size
	}
	return out
}

// versions lists those that have parts, as they first come.
func (l *layout) versions() []int {
	var out []int
	for _, p := range l.parts {
		if !slices.Contains(out, p.Version) {
			out = append(out, p.Version)
		}
	}
	return out
}

// move gives n visitors of one version to another: where the two are neighbours their
// border moves, so that parts stay few.
func (l *layout) move(from, to int, n uint64) {
	for n > 0 {
		i, after := l.border(from, to)
		if i < 0 {
			i, after = l.smallest(from), true
		}
		some := min(n, l.parts[i].Size)
		n -= some
		l.parts[i].Size -= some
		if after {
			i++
		}
		l.parts = slices.Insert(l.parts, i, Part{Version: to, Size: some})
		l.tidy()
	}
}

// border returns a part of from that stands beside one of to, and whether that one
// comes after it; -1 where there is none.
func (l *layout) border(from, to int) (at int, after bool) {
	for i, p := range l.parts {
		switch {
		case p.Version != from:
		case i+1 < len(l.parts) && l.parts[i+1].Version == to:
			return i, true
		case i > 0 && l.parts[i-1].Version == to:
			return i, false
		}
	}
	return -1, false
}

func (l *layout) smallest(of int) int {
	best := -1
	for i, p := range l.parts {
		if p.Version == of && (best < 0 || p.Size < l.parts[best].Size) {
			best = i
		}
	}
	return best
}

// tidy drops empty parts and joins neighbours of one version.
func (l *layout) tidy() {
	kept := l.parts[:0]
	for _, p := range l.parts {
		switch last := len(kept) - 1; {
		case p.Size == 0:
		case last >= 0 && kept[last].Version == p.Version:
			kept[last].Size += p.Size
		default:
			kept = append(kept, p)
		}
	}
	l.parts = kept
}
