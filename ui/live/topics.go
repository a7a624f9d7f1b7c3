package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// topicKey names a topic as one kind of principal sees it: scope is the part of
// the installation that lists are limited to.
type topicKey struct {
	name  string
	scope access.Grants
}

// topic is a stream with its subscribers.
type topic struct {
	key    topicKey
	kind   string // the topic without a name; the label of metrics
	look   look
	stream stream
	shown  uint64             // the round of overview that the stream is of; under overview.mu
	cancel context.CancelFunc // ends what feeds it
	failed atomic.Bool        // for good: who subscribes again gets another

	// Under Hub.mu.
	subs map[*client]struct{}
	idle time.Time // since when there are none
}

// refusal is why there is no subscription, as the client is told.
type refusal struct{ code, detail string }

// kindOf splits a topic into its kind and the function it is about.
func kindOf(name string) (kind string, fn function.Name, l look, bad *refusal) {
	list, query, asks := strings.Cut(name, "?")
	switch list {
	case wire.TopicOverview, wire.TopicSummary, wire.TopicGroups, wire.TopicAlerts, wire.TopicDeployments:
		if !asks {
			return list, "", look{}, nil
		}
		l, err := parseLook(list, query)
		if err != nil {
			return "", "", look{}, &refusal{wire.LiveUnknownTopic, err.Error()}
		}
		return list, "", l, nil
	}
	for _, family := range []string{wire.TopicFunction, wire.TopicLogs} {
		rest, is := strings.CutPrefix(name, family)
		if !is {
			continue
		}
		fn, err := function.ParseName(rest)
		if err != nil {
			return "", "", look{}, &refusal{wire.LiveUnknownTopic, err.Error()}
		}
		return family, fn, look{}, nil
	}
	return "", "", look{}, &refusal{wire.LiveUnknownTopic, "topics are overview, summary, groups, function:<name>, alerts, logs:<name> and deployments"}
}

// wish is a topic that a client asks for.
type wish struct {
	key  topicKey
	kind string
	fn   function.Name
	look look
}

// authorise says what a principal gets of a topic.
func (h *Hub) authorise(who access.Principal, name string) (wish, *refusal) {
	kind, fn, look, bad := kindOf(name)
	if bad != nil {
		return wish{}, bad
	}
	w := wish{key: topicKey{name: name}, kind: kind, fn: fn, look: look}
	action := access.Read
	if kind == wire.TopicLogs || kind == wire.TopicFunction {
		action = access.ReadSource
	}
	allowed := access.Can(who, action, fn)
	if fn == "" {
		allowed, w.key.scope = access.Touches(who, action, access.Everything), seen(who)
	}
	switch {
	case fn != "" && !access.Can(who, access.Read, fn) && !access.Can(who, access.Invoke, fn): // every role has one of them
		return w, missing(fn) // another team's: it must not be known to be there
	case !allowed:
		return w, &refusal{wire.LiveForbidden, who.Name + " may not read this"}
	case !h.offers(kind):
		return w, &refusal{wire.LiveUnknownTopic, "this server runs without the part that knows this"}
	case fn != "" && h.cfg.Names != nil && !h.cfg.Names(fn):
		return w, missing(fn)
	}
	return w, nil
}

func (h *Hub) offers(kind string) bool {
	switch kind {
	case wire.TopicOverview, wire.TopicSummary, wire.TopicGroups:
		return h.cfg.Healths != nil
	case wire.TopicFunction:
		return h.cfg.Function != nil
	case wire.TopicAlerts:
		return h.cfg.Alerts != nil
	case wire.TopicDeployments:
		return h.cfg.Deployments != nil
	}
	return h.cfg.LogHistory != nil && h.cfg.LogFollow != nil
}

// join makes the client a subscriber of a topic, which is made if need be.
func (h *Hub) join(c *client, w wish) (*topic, *refusal) {
	h.mu.Lock()
	t, there := h.topics[w.key]
	if there {
		t.subs[c] = struct{}{}
		h.mu.Unlock()
		return t, nil
	}
	if len(h.topics) >= h.cfg.MaxTopics && !h.evict() {
		h.mu.Unlock()
		h.metrics.refused.WithLabelValues("topics").Inc()
		return nil, &refusal{wire.LiveTooMany, "this server streams too many topics already"}
	}
	first := h.floor + 1
	h.mu.Unlock()

	// Its first items are read outside of the lock: a source may take its time.
	fresh := h.open(h.ctx, w, first) // it outlives the client that asked first
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, there = h.topics[w.key]; there || h.state != running {
		fresh.cancel() // somebody was faster
		if !there {
			return nil, &refusal{wire.LiveInternal, errStopped.Error()}
		}
	} else if t = fresh; !t.failed.Load() { // while it was opened; this client is told
		h.topics[w.key] = t
	}
	t.subs[c] = struct{}{}
	return t, nil
}

// part ends a subscription.
func (h *Hub) part(c *client, t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(t.subs, c)
	if len(t.subs) == 0 {
		t.idle = time.Now()
	}
}

// reap drops topics that nobody has listened to for a while.
func (h *Hub) reap(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		if len(t.subs) == 0 && now.Sub(t.idle) > h.cfg.Linger {
			h.drop(t)
		}
	}
}

// evict makes room for one more topic. h.mu is held.
func (h *Hub) evict() bool {
	for _, t := range h.topics {
		if len(t.subs) == 0 {
			h.drop(t)
			return true
		}
	}
	return false
}

func (h *Hub) drop(t *topic) {
	h.floor = max(h.floor, t.stream.last())
	delete(h.topics, t.key)
	t.cancel()
}

// each calls f for every topic of a kind.
func (h *Hub) each(kind string, f func(*topic)) {
	h.mu.Lock()
	var found []*topic
	for _, t := range h.topics {
		if t.kind == kind {
			found = append(found, t)
		}
	}
	h.mu.Unlock()
	for _, t := range found {
		f(t)
	}
}

// streams reports whether there is a topic of one of the kinds.
func (h *Hub) streams(kinds ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range h.topics {
		if slices.Contains(kinds, t.kind) {
			return true
		}
	}
	return false
}

// tell wakes the topic's subscribers.
func (h *Hub) tell(t *topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range t.subs {
		c.poke()
	}
}

func (h *Hub) open(ctx context.Context, w wish, first uint64) *topic {
	ctx, cancel := context.WithCancel(ctx)
	t := &topic{key: w.key, kind: w.kind, look: w.look, cancel: cancel, subs: map[*client]struct{}{}, idle: time.Now()}
	if w.kind == wire.TopicLogs {
		lines := newTail(w.fn, first, h.cfg.MaxLines, h.cfg.MaxTopicBytes)
		t.stream = lines
		h.follow(ctx, t, lines, w.fn)
		return t
	}
	most := h.cfg.MaxTopicBytes
	if w.look != (look{}) {
		most /= 8 // there may be as many of them as clients
	}
	s := newState(w.key.name, first, h.cfg.MaxReplay, most)
	s.forgets = w.kind == wire.TopicDeployments
	t.stream = s
	now := time.Now()
	switch w.kind {
	case wire.TopicOverview, wire.TopicSummary, wire.TopicGroups:
		h.overview.ensure(h.cfg.Healths)
		h.overview.show(t, now)
	case wire.TopicFunction:
		s.update(h.functionItems(w.fn), now)
	case wire.TopicAlerts:
		h.updateAlerts(ctx, []*topic{t}, now)
	case wire.TopicDeployments:
		h.updateDeployments(ctx, []*topic{t}, now)
	}
	return t
}

// seen is the part of the installation that a principal may read, as viewer grants:
// those who see the same share topics.
func seen(who access.Principal) access.Grants {
	var grants []access.Grant
	for _, s := range who.Grants.Scopes(access.Read) {
		grants = append(grants, access.Grant{Role: access.Viewer, Scope: s})
	}
	return access.NewGrants(grants...)
}

// sees reports whether lists limited to what was seen hold the function.
func sees(seen access.Grants, name function.Name) bool {
	return access.Can(access.Principal{Grants: seen}, access.Read, name)
}

func missing(fn function.Name) *refusal {
	return &refusal{wire.LiveNotFound, "there is no function " + string(fn)}
}

func (h *Hub) refreshHealth(now time.Time) {
	switch {
	case h.cfg.Healths == nil:
	case h.streams(wire.TopicOverview, wire.TopicSummary, wire.TopicGroups):
		h.overview.refresh(h.cfg.Healths())
		for _, kind := range []string{wire.TopicOverview, wire.TopicSummary, wire.TopicGroups} {
			h.each(kind, func(t *topic) { h.overview.show(t, now) })
		}
	default: // nobody looks, and there may be many functions
		h.overview.forget()
	}
	if h.cfg.Function != nil {
		h.each(wire.TopicFunction, func(t *topic) {
			t.stream.(*state).update(h.functionItems(function.Name(strings.TrimPrefix(t.key.name, wire.TopicFunction))), now)
		})
	}
}

func (h *Hub) functionItems(fn function.Name) []item {
	p, there := h.cfg.Function(fn)
	if !there {
		return nil
	}
	if p.Errors == nil {
		p.Errors = []wire.ErrorGroup{}
	}
	fill(&p.Health)
	body, err := json.Marshal(p)
	if err != nil {
		h.failed("encode", wire.TopicFunction, err)
		return nil
	}
	return []item{{key: string(fn), body: body}}
}

const slowRefresh = 10 * time.Second

func (h *Hub) refreshAlerts(ctx context.Context) {
	h.slowly(ctx, wire.TopicAlerts, h.updateAlerts)
}

func (h *Hub) refreshDeployments(ctx context.Context) {
	h.slowly(ctx, wire.TopicDeployments, h.updateDeployments)
}

func (h *Hub) slowly(ctx context.Context, kind string, update func(context.Context, []*topic, time.Time)) {
	var topics []*topic
	h.each(kind, func(t *topic) { topics = append(topics, t) })
	if len(topics) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, slowRefresh)
	defer cancel()
	update(ctx, topics, time.Now())
}

func (h *Hub) updateAlerts(ctx context.Context, topics []*topic, now time.Time) {
	alerts, err := h.cfg.Alerts(ctx)
	if err != nil {
		h.failed("read", wire.TopicAlerts, err)
		return // what was known stays
	}
	update(h, topics, now, alerts, func(a wire.Alert) (string, function.Name) {
		return strings.Join([]string{a.Function, a.Name, a.SLO, a.Window}, "/"), function.Name(a.Function)
	})
}

func (h *Hub) updateDeployments(ctx context.Context, topics []*topic, now time.Time) {
	deployments, err := h.cfg.Deployments(ctx)
	if err != nil {
		h.failed("read", wire.TopicDeployments, err)
		return
	}
	update(h, topics, now, deployments, func(d wire.Deployment) (string, function.Name) {
		return strconv.FormatInt(d.ID, 10), function.Name(d.Function)
	})
}

// update gives each topic those of the values that its scope holds.
func update[T any](h *Hub, topics []*topic, now time.Time, values []T, keyOf func(T) (string, function.Name)) {
	bodies := make([]item, len(values))
	owners := make([]function.Name, len(values))
	for i, v := range values {
		body, err := json.Marshal(v)
		if err != nil {
			h.failed("encode", topics[0].kind, err)
			return
		}
		bodies[i].key, owners[i] = keyOf(v)
		bodies[i].body = body
	}
	for _, t := range topics {
		visible := make([]item, 0, len(bodies))
		for i, it := range bodies {
			if t.look.filter.covers(owners[i]) && sees(t.key.scope, owners[i]) {
				visible = append(visible, it)
			}
		}
		if t.stream.(*state).update(visible, now) {
			h.tell(t)
		}
	}
}

func (h *Hub) failed(what, kind string, err error) {
	h.metrics.failures.WithLabelValues(kind).Inc()
	if h.ctx.Err() == nil {
		h.log.LogAttrs(h.ctx, slog.LevelWarn, "topic not refreshed",
			slog.String("topic", kind), slog.String("step", what), slog.Any("error", err))
	}
}
