package alerting_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
)

// memory is a Store and an Outbox that can fail: before it stores, or after.
type memory struct {
	mu        sync.Mutex
	alerts    map[alerting.Key]alerting.Status
	incidents map[alerting.Objective]alerting.Incident
	messages  []alerting.Message
	dead      []alerting.Message
	ended     []alerting.Ended
	hands     map[alerting.Objective]alerting.Hand
	written   []alerting.Message // every message ever
	last      int64
	fail      func(op string) (before, after bool)
}

var errStore = errors.New("the store fails, as the test asked")

func newMemory() *memory {
	return &memory{alerts: map[alerting.Key]alerting.Status{}, incidents: map[alerting.Objective]alerting.Incident{}, hands: map[alerting.Objective]alerting.Hand{}}
}

func (m *memory) do(op string, f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, after := false, false
	if m.fail != nil {
		before, after = m.fail(op)
	}
	if before {
		return errStore
	}
	f()
	if after {
		return errStore
	}
	return nil
}

func (m *memory) Hands(context.Context) (out map[alerting.Objective]alerting.Hand, err error) {
	err = m.do("hands", func() { out = maps.Clone(m.hands) })
	return out, err
}

func (m *memory) Load(_ context.Context, since time.Time) (alerting.Snapshot, error) {
	var s alerting.Snapshot
	err := m.do("load", func() {
		s = alerting.Snapshot{Alerts: maps.Clone(m.alerts), Incidents: maps.Clone(m.incidents)}
		for _, e := range m.ended {
			if e.ClosedAt.After(since) {
				s.Ended = append(s.Ended, e)
			}
		}
	})
	return s, err
}

func (m *memory) Commit(_ context.Context, c alerting.Change) error {
	return m.do("commit", func() {
		for k, s := range c.Alerts {
			if s.State == alerting.Inactive {
				delete(m.alerts, k)
			} else {
				m.alerts[k] = s
			}
		}
		for _, in := range c.Incidents {
			if was := m.incidents[in.Objective]; was.RoutingKey != "" {
				in.RoutingKey = was.RoutingKey
			}
			m.incidents[in.Objective] = in
			m.bindAll(func(x alerting.Message) string {
				if x.Event.DedupKey == in.DedupKey {
					return in.RoutingKey
				}
				return ""
			})
		}
		for _, x := range c.Messages {
			m.last++
			x.ID = m.last
			target, key := x.Event.Target, x.Event.RoutingKey
			if target == alerting.PagerDuty {
				key = m.routing(x.Event.DedupKey)
			}
			x.Event = stored(x.Event)
			x.Event.Target, x.Event.RoutingKey = target, key
			m.replace(&x)
			m.messages = append(m.messages, x)
			m.written = append(m.written, x)
		}
		for _, e := range c.Closed {
			delete(m.incidents, e.Objective)
			delete(m.hands, e.Objective)
			if e.SLO != alerting.Test {
				m.ended = append(m.ended, e)
			}
		}
		m.messages = slices.DeleteFunc(m.messages, func(x alerting.Message) bool {
			return x.Event.RoutingKey == "" && slices.Contains(c.Withdrawn, x.Event.DedupKey)
		})
	})
}

// replace takes out the trigger that x takes the place of.
func (m *memory) replace(x *alerting.Message) {
	for i, old := range slices.Backward(m.messages) {
		if old.Event.Target != x.Event.Target || old.Event.DedupKey != x.Event.DedupKey {
			continue
		}
		if old.Event.Action == alerting.Trigger && x.Event.Action == alerting.Trigger {
			x.Attempts = old.Attempts
			if old.Next.After(x.Next) {
				x.Next = old.Next
			}
			m.messages = slices.Delete(m.messages, i, i+1)
		}
		return
	}
}

func stored(e alerting.Event) alerting.Event {
	data, err := json.Marshal(e)
	var out alerting.Event
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

func (m *memory) routing(dedup string) string {
	for _, in := range m.incidents {
		if in.DedupKey == dedup {
			return in.RoutingKey
		}
	}
	return ""
}

func (m *memory) bindAll(key func(alerting.Message) string) {
	for i := range m.messages {
		if x := &m.messages[i]; x.Event.RoutingKey == "" {
			x.Event.RoutingKey = key(*x)
		}
	}
}

func (m *memory) Heads(_ context.Context, now time.Time, limit int) (heads []alerting.Message, next time.Time, err error) {
	err = m.do("heads", func() {
		seen := map[string]bool{}
		for _, x := range m.messages {
			lane := x.Event.Target + " " + x.Event.RoutingKey
			if x.Event.RoutingKey == "" || seen[lane] {
				continue
			}
			seen[lane] = true
			switch {
			case !x.Next.After(now) && len(heads) < limit:
				heads = append(heads, x)
			case x.Next.After(now) && (next.IsZero() || x.Next.Before(next)):
				next = x.Next
			}
		}
	})
	return heads, next, err
}

func (m *memory) Waiting(_ context.Context, limit int) (out []alerting.Message, err error) {
	err = m.do("waiting", func() {
		seen := map[function.Name]bool{}
		for _, x := range m.messages {
			if x.Event.RoutingKey == "" && !seen[x.Function] && len(out) < limit {
				seen[x.Function] = true
				out = append(out, x)
			}
		}
	})
	return out, err
}

func (m *memory) Bind(_ context.Context, name function.Name, routingKey string) error {
	return m.do("bind", func() {
		for o, in := range m.incidents {
			if o.Function == name && in.RoutingKey == "" {
				in.RoutingKey = routingKey
				m.incidents[o] = in
			}
		}
		m.bindAll(func(x alerting.Message) string {
			if x.Function == name {
				return cmp.Or(m.routing(x.Event.DedupKey), routingKey)
			}
			return ""
		})
	})
}

func (m *memory) remove(id int64) (out alerting.Message) {
	m.messages = slices.DeleteFunc(m.messages, func(x alerting.Message) bool {
		if x.ID == id {
			out = x
		}
		return x.ID == id
	})
	return out
}

func (m *memory) Delivered(_ context.Context, id int64) error {
	return m.do("delivered", func() { m.remove(id) })
}

func (m *memory) Postpone(_ context.Context, id int64, attempts int, next time.Time, reason string) error {
	return m.do("postpone", func() {
		for i := range m.messages {
			if x := &m.messages[i]; x.ID == id {
				x.Attempts, x.Next, x.Reason = attempts, next, reason
			}
		}
	})
}

func (m *memory) Bury(_ context.Context, id int64, at time.Time, reason string) error {
	return m.do("bury", func() {
		x := m.remove(id)
		x.Next, x.Reason = at, reason
		m.dead = append(m.dead, x)
	})
}

func (m *memory) Dead(_ context.Context, limit int) (out []alerting.Message, err error) {
	err = m.do("dead", func() {
		for _, x := range slices.Backward(m.dead) {
			if len(out) < limit {
				out = append(out, x)
			}
		}
	})
	return out, err
}

func (m *memory) Depth(context.Context) (waiting, dead int, err error) {
	err = m.do("depth", func() { waiting, dead = len(m.messages), len(m.dead) })
	return waiting, dead, err
}

var (
	_ alerting.Store  = (*memory)(nil)
	_ alerting.Outbox = (*memory)(nil)
)
