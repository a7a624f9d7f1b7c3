package live

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/wire"
)

// bare is a running hub with sources that know nothing, and a client of it whose
// other side reads and forgets.
func bare(t testing.TB) (*Hub, *client) {
	t.Helper()
	h, err := New(Config{
		Authenticate: func(*http.Request) (access.Principal, error) { return access.Principal{}, nil },
		Step:         time.Hour,
		Healths:      func() []wire.Health { return nil },
		Function:     func(function.Name) (wire.FunctionPoint, bool) { return wire.FunctionPoint{}, false },
		Alerts:       func(context.Context) ([]wire.Alert, error) { return nil, nil },
		Deployments:  func(context.Context) ([]wire.Deployment, error) { return nil, nil },
		LogHistory:   func(context.Context, function.Name, int) ([]invocation.Record, error) { return nil, nil },
		LogFollow: func(ctx context.Context, _ function.Name, _ int, _ func(invocation.Record) error) error {
			<-ctx.Done()
			return nil
		},
		MaxTopics: 16,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	server, other := socket(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, _, err := other.NextReader(); err != nil {
				return
			}
		}
	}()
	c := &client{
		hub: h, conn: server, who: access.Principal{Name: "ada", Grants: access.Granted(access.Admin, access.Everything)},
		wake: make(chan struct{}, 1), replies: make(chan []byte, maxReplies),
	}
	c.ctx, c.cancel = context.WithCancelCause(h.ctx)
	t.Cleanup(func() {
		_ = server.Close()
		_ = other.Close()
		<-done
		if err := h.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, c
}

// socket is both ends of a websocket.
func socket(t testing.TB) (server, other *websocket.Conn) {
	t.Helper()
	got := make(chan *websocket.Conn, 1)
	upgrader := websocket.Upgrader{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
		}
		got <- conn
	}))
	defer s.Close()
	other, res, err := websocket.DefaultDialer.Dial(strings.Replace(s.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return <-got, other
}
