package trace

import (
	"cmp"
	"container/list"
	"slices"
	"sync"

	"hadron/runtime/function"
)

// memory holds the last calls of each function: half of its places are for those that
// failed or were slow, which others then cannot push out. All together have a bound
// past which the oldest go, whosever they are.
type memory struct {
	keep int
	most int64 // bytes

	mu      sync.Mutex
	bytes   int64
	order   *list.List // of *Call, oldest first
	shelves map[function.Name]*shelf
	traces  map[string][]*Call
}

// shelf is one function's calls, oldest first.
type shelf struct{ ordinary, notable []*Call }

func (s *shelf) of(c *Call) *[]*Call {
	if c.notable() {
		return &s.notable
	}
	return &s.ordinary
}

func newMemory(keep int, most int64) memory {
	return memory{keep: max(1, keep/2), most: most, order: list.New(), shelves: map[function.Name]*shelf{}, traces: map[string][]*Call{}}
}

func (m *memory) put(c *Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if row := *m.shelf(c.Function.Name).of(c); len(row) >= m.keep {
		m.drop(row[0])
	}
	row := m.shelf(c.Function.Name).of(c)
	*row = append(*row, c)
	c.order = m.order.PushBack(c)
	m.traces[c.Trace] = append(m.traces[c.Trace], c)
	m.bytes += c.bytes
	for m.bytes > m.most && m.order.Len() > 1 {
		m.drop(m.order.Front().Value.(*Call))
	}
}

func (m *memory) shelf(name function.Name) *shelf {
	s := m.shelves[name]
	if s == nil {
		s = &shelf{}
		m.shelves[name] = s
	}
	return s
}

// drop forgets a call. The caller holds mu.
func (m *memory) drop(c *Call) {
	m.order.Remove(c.order)
	m.bytes -= c.bytes
	name := c.Function.Name
	s := m.shelves[name]
	row := s.of(c)
	if *row = without(*row, c); len(s.ordinary)+len(s.notable) == 0 {
		delete(m.shelves, name)
	}
	if rest := without(m.traces[c.Trace], c); len(rest) > 0 {
		m.traces[c.Trace] = rest
	} else {
		delete(m.traces, c.Trace)
	}
}

func without(calls []*Call, c *Call) []*Call {
	if at := slices.Index(calls, c); at >= 0 {
		return slices.Delete(calls, at, at+1)
	}
	return calls
}

func (m *memory) remove(name function.Name) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.shelves[name]; s != nil {
		for _, c := range slices.Concat(s.ordinary, s.notable) {
			m.drop(c)
		}
	}
}

// settle gives a call its background work; false where it is not kept any more.
func (m *memory) settle(traceID, span string, b *Background) (Call, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range slices.Backward(m.traces[traceID]) {
		if c.Span == span {
			c.Background = b
			return *c, true
		}
	}
	return Call{}, false
}

func (m *memory) list(name function.Name, f Filter) []Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shelves[name]
	if s == nil {
		return nil
	}
	var out []Call
	for _, c := range slices.Concat(s.ordinary, s.notable) {
		if f.takes(c) {
			out = append(out, *c)
		}
	}
	slices.SortStableFunc(out, func(a, b Call) int { return cmp.Or(b.Began.Compare(a.Began), cmp.Compare(a.Span, b.Span)) })
	return out[:min(len(out), f.Limit)]
}

func (m *memory) get(traceID string) []Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls := m.traces[traceID]
	calls = calls[max(0, len(calls)-MaxCalls):]
	out := make([]Call, 0, len(calls))
	for _, c := range calls {
		out = append(out, *c)
	}
	slices.SortStableFunc(out, func(a, b Call) int { return a.Began.Compare(b.Began) })
	return out
}

func (m *memory) size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}
