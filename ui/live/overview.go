package live

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hadron/ui/wire"
)

// overview holds the health of every function as JSON, encoded once for all who
// look, and anew only where more than the time of measuring changed. What a
// client is told of it is a view's: a tick costs a view what changed in it.
type overview struct {
	mu      sync.Mutex
	loaded  bool
	round   uint64 // of refreshing; never used twice
	entries map[string]*entry
	slots   []*entry // by id; nil where one is free
	free    []int
	changed []*entry // in the last round, new ones too
	gone    []*entry
	views   map[viewKey]*view
	sorted  map[string]*sorted
	scratch []byte
}

// entry is one function's health.
type entry struct {
	id     int
	name   string
	health wire.Health
	body   json.RawMessage
	basis  []byte // the body without updatedAt
	text   string // what a search looks through, in lower case
	rank   int    // of the state
	moved  uint64 // the last round in which a filter may say another thing of it
	seen   uint64 // the last round that named it
	born   uint64
}

func newOverview() overview {
	return overview{entries: map[string]*entry{}, views: map[viewKey]*view{}, sorted: map[string]*sorted{}}
}

// refresh takes the health of every function.
func (o *overview) refresh(healths []wire.Health) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.take(healths)
}

// ensure reads the healths where nobody did yet.
func (o *overview) ensure(read func() []wire.Health) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.loaded {
		o.take(read())
	}
}

func (o *overview) take(healths []wire.Health) {
	o.loaded = true
	o.round++
	for _, e := range o.gone {
		o.free = append(o.free, e.id)
	}
	o.changed, o.gone = o.changed[:0], o.gone[:0]
	for i := range healths {
		h := &healths[i]
		e, there := o.entries[h.Function]
		if !there {
			e = &entry{name: h.Function, id: o.slot(), born: o.round}
			o.entries[h.Function] = e
			o.slots[e.id] = e
		}
		e.seen = o.round
		if there && sameHealth(&e.health, h) {
			continue
		}
		if o.set(e, h) {
			o.changed = append(o.changed, e)
		}
	}
	if len(o.entries) > len(healths) {
		for name, e := range o.entries {
			if e.seen != o.round {
				delete(o.entries, name)
				o.slots[e.id] = nil
				o.gone = append(o.gone, e)
			}
		}
	}
	for key, v := range o.views {
		if o.round-v.used > 1 {
			delete(o.views, key) // no topic asked for it in the last round
			continue
		}
		v.follow(o)
	}
}

func (o *overview) slot() int {
	if n := len(o.free); n > 0 {
		id := o.free[n-1]
		o.free = o.free[:n-1]
		return id
	}
	o.slots = append(o.slots, nil)
	return len(o.slots) - 1
}

// set gives an entry its new health, and reports whether lists show another.
func (o *overview) set(e *entry, h *wire.Health) bool {
	if e.text == "" || e.health.State != h.State || e.health.Reason != h.Reason || e.health.DeployedBy != h.DeployedBy ||
		!slices.Equal(e.health.Versions, h.Versions) {
		e.text, e.moved = searched(h), o.round
	}
	e.health, e.rank = *h, rank(h.State)
	o.scratch = appendHealth(o.scratch[:0], h, time.Time{})
	if bytes.Equal(o.scratch, e.basis) {
		return false
	}
	e.basis = append(e.basis[:0], o.scratch...)
	o.scratch = append(o.scratch[:len(o.scratch)-1], `,"updatedAt":`...)
	o.scratch = append(appendTime(o.scratch, h.UpdatedAt), '}')
	e.body = bytes.Clone(o.scratch) // messages that are kept point to the old one
	return true
}

// searched is the text that words of a search are looked for in.
func searched(h *wire.Health) string {
	var b strings.Builder
	for _, part := range []string{h.Function, h.State, h.Reason, h.DeployedBy} {
		b.WriteString(part)
		b.WriteByte(' ')
	}
	for _, v := range h.Versions {
		b.WriteString("@" + strconv.Itoa(v.Version) + " ")
	}
	return strings.ToLower(b.String())
}

// forget frees what nobody looks at; ensure reads it anew.
func (o *overview) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.loaded {
		o.loaded, o.entries, o.slots, o.free, o.changed, o.gone = false, map[string]*entry{}, nil, nil, nil, nil
		o.views, o.sorted = map[viewKey]*view{}, map[string]*sorted{}
	}
}

// show brings a topic's stream up to the last round.
func (o *overview) show(t *topic, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.loaded || t.shown == o.round {
		return
	}
	s, v := t.stream.(*state), o.view(t.key.scope, t.look.filter)
	last := t.shown
	t.shown = o.round
	switch {
	case t.kind == wire.TopicSummary:
		s.update([]item{{key: wire.TopicSummary, body: encoded(o.summary(v))}}, now)
	case t.kind == wire.TopicGroups:
		s.update(o.groups(v), now)
	case t.look.limit > 0:
		s.updatePage(o.page(v, t.look), v.total, now)
	case v.whole && last+1 == o.round && v.since < o.round:
		s.patch(v.fresh, v.left, now)
	default:
		if !v.whole {
			v.whole, v.since = true, o.round
		}
		s.update(o.all(v), now)
	}
}

func (o *overview) all(v *view) []item {
	out := make([]item, 0, v.total)
	for _, e := range o.slots {
		if e != nil && v.has(e.id) {
			out = append(out, item{key: e.name, body: e.body})
		}
	}
	return out
}

// page is the part of a view that a topic looks at.
func (o *overview) page(v *view, l look) []item {
	if l.from >= v.total {
		return nil
	}
	out := make([]item, 0, min(l.limit, v.total-l.from))
	at := 0
	for _, e := range o.order(l.sort) {
		if !v.has(e.id) {
			continue
		}
		if at >= l.from {
			out = append(out, item{key: e.name, body: e.body})
			if len(out) == l.limit {
				break
			}
		}
		at++
	}
	return out
}
