package live

import (
	"cmp"
	"slices"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// viewKey is who looks and at what.
type viewKey struct {
	scope  access.Grants
	filter filter
}

// view is which entries fit a filter, of those that its principals may see. It is
// kept up with each round's changes.
type view struct {
	key     viewKey
	members []uint64 // a bit for each id
	total   int
	used    uint64 // the last round a topic asked for it
	whole   bool   // a topic shows all of it, since a round: it is told what changed
	since   uint64
	fresh   []item // members that are new or changed in the last round
	left    []string
}

// view returns what fits a filter as of the last round. o.mu is held.
func (o *overview) view(scope access.Grants, f filter) *view {
	key := viewKey{scope, f}
	v := o.views[key]
	if v == nil {
		v = &view{key: key}
		for _, e := range o.slots {
			if e != nil {
				v.put(e)
			}
		}
		o.views[key] = v
	}
	v.used = o.round
	return v
}

func (v *view) has(id int) bool {
	return id>>6 < len(v.members) && v.members[id>>6]&(1<<(id&63)) != 0
}

// put looks at an entry again, and reports whether it is a member now.
func (v *view) put(e *entry) bool {
	if !v.key.filter.holds(e) || !sees(v.key.scope, function.Name(e.name)) {
		v.take(e)
		return false
	}
	for e.id>>6 >= len(v.members) {
		v.members = append(v.members, 0)
	}
	if !v.has(e.id) {
		v.members[e.id>>6] |= 1 << (e.id & 63)
		v.total++
	}
	return true
}

func (v *view) take(e *entry) bool {
	if !v.has(e.id) {
		return false
	}
	v.members[e.id>>6] &^= 1 << (e.id & 63)
	v.total--
	return true
}

// follow takes over what changed in the last round.
func (v *view) follow(o *overview) {
	v.fresh, v.left = v.fresh[:0], v.left[:0]
	for _, e := range o.gone {
		if v.take(e) {
			v.left = append(v.left, e.name)
		}
	}
	for _, e := range o.changed {
		was := v.has(e.id)
		is := was
		if e.moved == o.round {
			is = v.put(e)
		}
		switch {
		case !v.whole:
		case is:
			v.fresh = append(v.fresh, item{key: e.name, body: e.body})
		case was:
			v.left = append(v.left, e.name)
		}
	}
}

// calm is how many rounds an order by a number holds before it is made again:
// rows that change places each second cannot be read.
const calm = 5

// sorted is every entry in one order.
type sorted struct {
	entries []*entry
	round   uint64 // that it is of
	made    uint64 // the round it was sorted in
}

// order returns all entries in an order. o.mu is held.
func (o *overview) order(by string) []*entry {
	s := o.sorted[by]
	if s == nil {
		s = &sorted{}
		o.sorted[by] = s
	}
	if s.round == o.round {
		return s.entries
	}
	again := s.made == 0 || s.round+1 != o.round // it is new, or missed a round
	if again {
		s.entries = s.entries[:0]
		for _, e := range o.slots {
			if e != nil {
				s.entries = append(s.entries, e)
			}
		}
	} else {
		if len(o.gone) > 0 {
			s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool { return e.seen != o.round })
		}
		for _, e := range o.changed {
			if e.born == o.round {
				s.entries = append(s.entries, e)
			}
		}
	}
	s.round = o.round
	if again || by == "worst" || by == "name" || o.round-s.made >= calm {
		slices.SortFunc(s.entries, orders[by])
		s.made = o.round
	}
	return s.entries
}

// orders are how pages may be sorted. What has no value stands last.
var orders = map[string]func(a, b *entry) int{
	// Only changes of state move a row here: newest trouble first, the rest by name.
	"worst": func(a, b *entry) int {
		if c := cmp.Compare(a.rank, b.rank); c != 0 {
			return c
		}
		if a.rank < 2 {
			if c := b.health.Since.Compare(a.health.Since); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.name, b.name)
	},
	"name":     func(a, b *entry) int { return cmp.Compare(a.name, b.name) },
	"rate":     falling(func(h *wire.Health) *float64 { return &h.Rate }),
	"errors":   falling(func(h *wire.Health) *float64 { return h.ErrorRatio }),
	"p50":      falling(func(h *wire.Health) *float64 { return h.P50 }),
	"p99":      falling(func(h *wire.Health) *float64 { return h.P99 }),
	"inflight": func(a, b *entry) int { return cmp.Or(b.health.InFlight-a.health.InFlight, cmp.Compare(a.name, b.name)) },
	"deployed": func(a, b *entry) int {
		return cmp.Or(b.health.DeployedAt.Compare(a.health.DeployedAt), cmp.Compare(a.name, b.name))
	},
	"budget": falling(func(h *wire.Health) *float64 {
		if h.BudgetLeft == nil {
			return nil
		}
		spent := -*h.BudgetLeft
		return &spent
	}),
}

func falling(value func(*wire.Health) *float64) func(a, b *entry) int {
	return func(a, b *entry) int {
		x, y := value(&a.health), value(&b.health)
		switch {
		case x == nil && y == nil, x != nil && y != nil && *x == *y:
			return cmp.Compare(a.name, b.name)
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		return cmp.Compare(*y, *x)
	}
}
