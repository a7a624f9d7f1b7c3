package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hadron/ui/wire"
)

const (
	maxLiveMessage = 64 << 20
	liveSilence    = 90 * time.Second // the server pings every 30 s, and beats each step
	liveWrite      = 10 * time.Second
)

// Message is what the server streams. Type says which of the other fields hold.
type Message struct {
	Type    string            `json:"type"`
	Topic   string            `json:"topic"`
	Seq     uint64            `json:"seq"`
	Items   []json.RawMessage `json:"items"`
	Removed []string          `json:"removed"`
	Total   int               `json:"total"`  // of a page: how many items fit
	Code    string            `json:"code"`   // of an error
	Detail  string            `json:"detail"` // of an error
}

// Decode reads the items of a message as values of one type.
func Decode[T any](m Message) ([]T, error) {
	out := make([]T, len(m.Items))
	for i, item := range m.Items {
		if err := json.Unmarshal(item, &out[i]); err != nil {
			return nil, fmt.Errorf("read item %d of %s: %w", i, m.Topic, err)
		}
	}
	return out, nil
}

// Closed is why the server ended a live connection.
type Closed struct {
	Code   int // a close code of docs/live-protocol.md
	Reason string
}

func (e *Closed) Error() string {
	return fmt.Sprintf("the server closed the live connection: %s (%d)", e.Reason, e.Code)
}

// Retry reports whether connecting again may help.
func (e *Closed) Retry() bool {
	switch e.Code {
	case wire.CloseUnauthorized, wire.CloseFlood, websocket.CloseUnsupportedData, websocket.CloseMessageTooBig, websocket.ClosePolicyViolation:
		return false
	}
	return true
}

// Live is one live connection. Subscribe, Unsubscribe and Close may be called
// from any goroutine, Next from one at a time.
type Live struct {
	hello wire.Hello
	conn  *websocket.Conn
	stop  func() bool

	mu sync.Mutex // one writer at a time
}

// Live connects, and returns when the server has said hello and was asked for the
// topics. The connection ends with ctx or Close.
func (c *Client) Live(ctx context.Context, topics ...string) (*Live, error) {
	address := *c.base
	address.Scheme = map[string]string{"http": "ws", "https": "wss"}[c.base.Scheme]
	header := http.Header{"User-Agent": {"hadron-client"}}
	if c.token != "" {
		header.Set("Authorization", "Bearer "+c.token)
	}
	dialer := websocket.Dialer{HandshakeTimeout: liveWrite, Proxy: http.ProxyFromEnvironment}
	conn, res, err := dialer.DialContext(ctx, address.JoinPath("/api/v1/live").String(), header)
	if err != nil {
		if res != nil {
			defer func() { _ = res.Body.Close() }()
			return nil, refusal(res)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &Unreachable{Server: c.URL(), Err: err}
	}
	l := &Live{conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	conn.SetReadLimit(maxLiveMessage)
	conn.SetPingHandler(func(data string) error {
		l.alive()
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(liveWrite))
	})
	if err := l.read(ctx, &l.hello); err != nil {
		_ = l.Close()
		return nil, err
	}
	for _, topic := range topics {
		if err := l.Subscribe(topic, nil); err != nil {
			_ = l.Close()
			return nil, err
		}
	}
	return l, nil
}

// Hello is what the server said first.
func (l *Live) Hello() wire.Hello { return l.hello }

// Subscribe asks for a topic, from behind sequence number after where it is not nil.
func (l *Live) Subscribe(topic string, after *uint64) error {
	return l.write(wire.Subscribe{Type: wire.TypeSubscribe, Topic: topic, After: after})
}

// Unsubscribe ends a subscription; a message that was on its way may still come.
func (l *Live) Unsubscribe(topic string) error {
	return l.write(wire.Subscribe{Type: wire.TypeUnsubscribe, Topic: topic})
}

func (l *Live) write(m wire.Subscribe) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(liveWrite)); err != nil {
		return fmt.Errorf("send to live: %w", err)
	}
	if err := l.conn.WriteJSON(m); err != nil {
		return fmt.Errorf("send to live: %w", err)
	}
	return nil
}

// Next returns the next message but heartbeats. Its error is a *Closed where the
// server ended the connection. After an error the connection is of no more use.
func (l *Live) Next(ctx context.Context) (Message, error) {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Close() })
	defer stop()
	for {
		var m Message
		if err := l.read(ctx, &m); err != nil {
			return m, err
		}
		if m.Type != wire.TypeHeartbeat {
			return m, nil
		}
	}
}

func (l *Live) alive() { _ = l.conn.SetReadDeadline(time.Now().Add(liveSilence)) }

func (l *Live) read(ctx context.Context, out any) error {
	l.alive()
	err := l.conn.ReadJSON(out)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var bye *websocket.CloseError
	if errors.As(err, &bye) && bye.Code != websocket.CloseAbnormalClosure {
		return &Closed{Code: bye.Code, Reason: bye.Text}
	}
	return fmt.Errorf("read live message: %w", err)
}

// Close ends the connection.
func (l *Live) Close() error {
	l.stop()
	_ = l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	return l.conn.Close()
}
