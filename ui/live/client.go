package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hadron/runtime/access"
	"hadron/ui/wire"
)

const (
	maxMessage = 4 << 10 // bytes that a client may send at once
	maxReplies = 16      // refusals that wait for a client to read
	burst      = 100     // messages a client may send at once, and then
	perSecond  = 20      // a second
	closeWait  = time.Second
)

// client is one connection. ServeHTTP's goroutine reads, one other writes; only
// that one touches positions.
type client struct {
	hub     *Hub
	conn    *websocket.Conn
	request *http.Request
	who     access.Principal

	wake    chan struct{}
	replies chan []byte
	ctx     context.Context // ends when the connection shall
	cancel  context.CancelCauseFunc

	mu   sync.Mutex
	subs []*subscription

	// The writer's own.
	tick  uint64
	wrote bool // since that tick

	// The reader's own.
	tokens   float64
	refilled time.Time
}

type subscription struct {
	topic *topic
	at    position
	asked bool // the client waits for the answer to its subscribe
}

func (c *client) poke() { signal(c.wake) }

// sever cuts the connection, from any goroutine.
func (c *client) sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// run serves the connection until it ends.
func (c *client) run() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.write()
	}()
	c.cancel(c.read())
	<-done
	c.goodbye()
	c.mu.Lock()
	subs := c.subs
	c.subs = nil
	c.mu.Unlock()
	for _, s := range subs {
		c.hub.part(c, s.topic)
		c.hub.metrics.subscriptions.WithLabelValues(s.topic.kind).Dec()
	}
}

// read takes messages until the connection fails or the client misbehaves.
func (c *client) read() error {
	alive := func() error { return c.conn.SetReadDeadline(time.Now().Add(c.hub.cfg.Patience)) }
	c.conn.SetReadLimit(maxMessage)
	c.conn.SetPongHandler(func(string) error { return alive() })
	c.tokens, c.refilled = burst, time.Now()
	if err := alive(); err != nil {
		return err
	}
	for {
		kind, data, err := c.conn.ReadMessage()
		if err != nil {
			return err
		}
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		if err := alive(); err != nil {
			return err
		}
		if kind != websocket.TextMessage {
			return &closing{websocket.CloseUnsupportedData, "messages are JSON text"}
		}
		if !c.allow(time.Now()) {
			c.hub.metrics.refused.WithLabelValues("flood").Inc()
			return &closing{wire.CloseFlood, "too many messages"}
		}
		if bad := c.handle(data); bad != nil && !c.reply(bad) {
			return &closing{wire.CloseFlood, "too many bad messages"}
		}
	}
}

// allow paces what a client may ask.
func (c *client) allow(now time.Time) bool {
	c.tokens = min(burst, c.tokens+now.Sub(c.refilled).Seconds()*perSecond)
	c.refilled = now
	if c.tokens < 1 {
		return false
	}
	c.tokens--
	return true
}

func (c *client) reply(e *wire.LiveError) bool {
	e.Type = wire.TypeError
	data, _ := json.Marshal(e) // strings always encode
	select {
	case c.replies <- data:
		return true
	default:
		return false
	}
}

// handle does what a message asks; what it returns goes back to the client.
func (c *client) handle(data []byte) *wire.LiveError {
	var m wire.Subscribe
	if err := json.Unmarshal(data, &m); err != nil {
		return &wire.LiveError{Code: wire.LiveInvalidMessage, Detail: "this is not a JSON message of the protocol"}
	}
	switch m.Type {
	case wire.TypeSubscribe:
		if bad := c.subscribe(m); bad != nil {
			return &wire.LiveError{Topic: m.Topic, Code: bad.code, Detail: bad.detail}
		}
	case wire.TypeUnsubscribe:
		c.unsubscribe(m.Topic)
	default:
		return &wire.LiveError{Topic: m.Topic, Code: wire.LiveInvalidMessage, Detail: "type is subscribe or unsubscribe"}
	}
	return nil
}

func (c *client) subscribe(m wire.Subscribe) *refusal {
	w, bad := c.hub.authorise(c.who, m.Topic)
	if bad != nil {
		return bad
	}
	c.unsubscribe(m.Topic) // the same again starts anew
	c.mu.Lock()
	full := len(c.subs) >= c.hub.cfg.MaxSubscriptions
	c.mu.Unlock()
	if full {
		return &refusal{wire.LiveTooMany, "this connection has as many subscriptions as it may; unsubscribe from one"}
	}
	t, bad := c.hub.join(c, w)
	if bad != nil {
		return bad
	}
	s := &subscription{topic: t, asked: true}
	if m.After != nil {
		s.at = position{seq: *m.After, has: true}
	}
	c.mu.Lock()
	c.subs = append(c.subs, s)
	c.mu.Unlock()
	c.hub.metrics.subscriptions.WithLabelValues(w.kind).Inc()
	c.poke()
	return nil
}

func (c *client) unsubscribe(name string) {
	c.mu.Lock()
	i := slices.IndexFunc(c.subs, func(s *subscription) bool { return s.topic.key.name == name })
	if i < 0 {
		c.mu.Unlock()
		return
	}
	s := c.subs[i]
	c.subs = slices.Delete(c.subs, i, i+1)
	c.mu.Unlock()
	c.hub.part(c, s.topic)
	c.hub.metrics.subscriptions.WithLabelValues(s.topic.kind).Dec()
}

// write sends until the connection shall end, and then says why and closes it.
func (c *client) write() {
	ping := time.NewTicker(c.hub.cfg.Ping)
	defer ping.Stop()
	var over <-chan time.Time // when the token or session ends
	if until := c.who.Until; !until.IsZero() {
		end := time.NewTimer(time.Until(until))
		defer end.Stop()
		over = end.C
	}
	err := c.hello()
	for err == nil {
		select {
		case <-c.ctx.Done():
			err = context.Cause(c.ctx)
		case data := <-c.replies:
			err = c.send(prepare(wire.TypeError, data))
		case <-c.wake:
			err = c.drain()
		case <-ping.C:
			err = c.check()
		case <-over:
			err = &closing{wire.CloseUnauthorized, "the token or session has expired"}
		}
	}
	c.cancel(err)
	c.close(err)
}

func (c *client) hello() error {
	data, err := json.Marshal(wire.Hello{
		Type: wire.TypeHello, Epoch: c.epoch(), Step: c.hub.cfg.Step.Seconds(), Version: c.hub.cfg.Version,
	})
	if err != nil {
		return err
	}
	return c.send(prepare(wire.TypeHello, data))
}

// epoch differs between scopes: one's sequence numbers say nothing to another.
func (c *client) epoch() string {
	seen := seen(c.who)
	if seen == access.Granted(access.Viewer, access.Everything) {
		return c.hub.epoch
	}
	sum := sha256.Sum256([]byte(seen))
	return c.hub.epoch + "." + hex.EncodeToString(sum[:6])
}

// drain sends what each subscription has to be told, and a heartbeat where the
// last tick had nothing.
func (c *client) drain() error {
	c.mu.Lock()
	subs := slices.Clone(c.subs)
	c.mu.Unlock()
	tick := c.hub.ticks.Load()
	for _, s := range subs {
		if err := c.advance(s); err != nil {
			return err
		}
	}
	if tick != c.tick {
		if !c.wrote {
			if err := c.send(c.hub.beat); err != nil {
				return err
			}
		}
		c.tick, c.wrote = tick, false
	}
	return nil
}

func (c *client) advance(s *subscription) error {
	if s.topic.failed.Load() {
		c.unsubscribe(s.topic.key.name)
		data, _ := json.Marshal(wire.LiveError{
			Type: wire.TypeError, Topic: s.topic.key.name, Code: wire.LiveInternal, Detail: "this topic cannot be read now; subscribe again later",
		})
		return c.send(prepare(wire.TypeError, data))
	}
	for c.ctx.Err() == nil {
		at := s.at
		f := s.topic.stream.next(at)
		if f == nil && s.asked {
			f = s.topic.stream.next(position{}) // every subscription is answered
		}
		if f == nil {
			return nil
		}
		c.account(s, f)
		s.asked = false
		s.at = position{seq: f.seq, has: true, upto: f.upto, counted: true}
		if err := c.send(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) account(s *subscription, f *frame) {
	m := c.hub.metrics
	switch {
	case s.asked && s.at.has && f.kind == wire.TypeDelta:
		m.resumes.WithLabelValues("replayed").Inc()
	case s.asked && s.at.has:
		m.resumes.WithLabelValues("snapshot").Inc()
	case !s.asked && f.kind == wire.TypeSnapshot:
		m.conflated.WithLabelValues(s.topic.kind).Inc()
	}
	if f.lost > 0 {
		m.lost.Add(float64(f.lost))
	}
	if !s.asked && !f.made.IsZero() {
		m.delay.Observe(time.Since(f.made).Seconds())
	}
}

func (c *client) send(f *frame) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.hub.cfg.WriteTimeout)); err != nil {
		return err
	}
	if err := c.conn.WritePreparedMessage(f.prepared); err != nil {
		var n net.Error
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout() {
			c.hub.metrics.slow.Inc()
		}
		return err
	}
	c.wrote = true
	c.hub.metrics.messages.WithLabelValues(f.kind).Inc()
	c.hub.metrics.bytes.Add(float64(f.bytes))
	return nil
}
