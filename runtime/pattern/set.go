package pattern

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// span is a range of code points, both ends in it.
type span struct{ from, to rune }

// set is a set of code points: spans in order, none touching the next.
type set []span

var all = set{{0, unicode.MaxRune}}

// normal makes a set of spans in any order.
func normal(spans []span) set {
	slices.SortFunc(spans, func(a, b span) int { return int(a.from) - int(b.from) })
	var out set
	for _, s := range spans {
		if n := len(out); n > 0 && s.from <= out[n-1].to+1 {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (s set) union(others ...set) set { return normal(slices.Concat(append([]set{s}, others...)...)) }

func (s set) complement() set {
	var out set
	next := rune(0)
	for _, r := range s {
		if r.from > next {
			out = append(out, span{next, r.from - 1})
		}
		next = r.to + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return out
}

func (s set) intersect(other set) set { return s.complement().union(other.complement()).complement() }

func (s set) subtract(other set) set { return s.complement().union(other).complement() }

func (s set) has(r rune) bool {
	_, found := slices.BinarySearchFunc(s, r, func(sp span, r rune) int {
		switch {
		case sp.to < r:
			return -1
		case sp.from > r:
			return 1
		}
		return 0
	})
	return found
}

// cased are the characters that differ from another in case only.
var cased = sync.OnceValue(func() []rune {
	var out []rune
	for r := rune(0); r <= 0x1ffff; r++ {
		if unicode.SimpleFold(r) != r {
			out = append(out, r)
		}
	}
	return out
})

// folded adds what differs from a member in case only.
func (s set) folded() set {
	spans := slices.Clone(s)
	for _, r := range cased() {
		if !s.has(r) {
			continue
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			spans = append(spans, span{f, f})
		}
	}
	return normal(spans)
}

// write writes the set as the inside of a class.
func (s set) write(b *strings.Builder) {
	for _, r := range s {
		escape(b, r.from)
		if r.to > r.from {
			b.WriteByte('-')
			escape(b, r.to)
		}
	}
}

func escape(b *strings.Builder, r rune) {
	b.WriteString(`\u{`)
	b.WriteString(strconv.FormatInt(int64(r), 16))
	b.WriteByte('}')
}

func ofTable(t *unicode.RangeTable) set {
	var spans []span
	add := func(from, to, stride rune) {
		if stride == 1 {
			spans = append(spans, span{from, to})
			return
		}
		for r := from; r <= to; r += stride {
			spans = append(spans, span{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return normal(spans)
}

// ofText reads ranges written as in this package's tables.
func ofText(text string) set {
	var spans []span
	for _, field := range strings.Fields(text) {
		from, to, ranged := strings.Cut(field, "-")
		if !ranged {
			to = from
		}
		lo, _ := strconv.ParseInt(from, 16, 32)
		hi, _ := strconv.ParseInt(to, 16, 32)
		spans = append(spans, span{rune(lo), rune(hi)})
	}
	return normal(spans)
}
