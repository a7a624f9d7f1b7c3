package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/tenant"
	"hadron/ui/live"
	"hadron/ui/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a hub over a real socket, and all that it watches.
type world struct {
	t    testing.TB
	hub  *live.Hub
	http *httptest.Server
	reg  *prometheus.Registry
	tick chan struct{}
	wake chan struct{}

	mu          sync.Mutex
	healths     map[string]wire.Health
	alerts      []wire.Alert
	deployments []wire.Deployment
	log         []invocation.Record
	follower    func(invocation.Record)
	tokens      map[string]access.Principal
	logErr      error
}

func open(t testing.TB, change func(*live.Config)) *world {
	t.Helper()
	w := &world{
		t: t, reg: prometheus.NewRegistry(), tick: make(chan struct{}), wake: make(chan struct{}), healths: map[string]wire.Health{},
		tokens: map[string]access.Principal{
			"hdn_admin":  {Name: "ada", Grants: access.Granted(access.Admin, access.Everything)},
			"hdn_pay":    {Name: "pat", Grants: access.Granted(access.Viewer, "pay")},
			"hdn_invoke": {Name: "ivy", Grants: access.Granted(access.Invoker, access.Everything)},
		},
	}
	cfg := live.Config{
		Version: "test", Step: time.Second, Registerer: w.reg,
		Authenticate: func(r *http.Request) (access.Principal, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			who, known := w.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
			if !known {
				return who, tenant.ErrUnauthenticated
			}
			return who, nil
		},
		Ticks: func() (<-chan struct{}, func()) { return w.tick, func() {} },
		Wake:  func() (<-chan struct{}, func()) { return w.wake, func() {} },
		Names: func(name function.Name) bool { return !strings.Contains(string(name), "missing") },
		Healths: func() []wire.Health {
			w.mu.Lock()
			defer w.mu.Unlock()
			out := make([]wire.Health, 0, len(w.healths))
			for _, h := range w.healths {
				h.UpdatedAt = time.Now() // always another: it must not count as a change
				out = append(out, h)
			}
			return out
		},
		Function: func(name function.Name) (wire.FunctionPoint, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			h, there := w.healths[string(name)]
			return wire.FunctionPoint{Health: h}, there
		},
		Alerts: func(context.Context) ([]wire.Alert, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.alerts), nil
		},
		Deployments: func(context.Context) ([]wire.Deployment, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.deployments), nil
		},
		LogHistory: func(_ context.Context, _ function.Name, n int) ([]invocation.Record, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.log[max(0, len(w.log)-n):]), nil
		},
		LogFollow: w.follow,
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if w.hub, err = live.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := w.hub.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewServer(w.hub)
	t.Cleanup(func() {
		if err := w.hub.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		w.http.Close()
	})
	return w
}

func (w *world) follow(ctx context.Context, _ function.Name, n int, emit func(invocation.Record) error) error {
	type line struct {
		r    invocation.Record
		done chan error
	}
	lines := make(chan line)
	w.mu.Lock()
	backlog := slices.Clone(w.log[max(0, len(w.log)-n):])
	failure := w.logErr
	w.follower = func(r invocation.Record) {
		l := line{r, make(chan error, 1)}
		select {
		case lines <- l:
			<-l.done
		case <-ctx.Done():
		}
	}
	w.mu.Unlock()
	for _, r := range backlog {
		if err := emit(r); err != nil {
			return err
		}
	}
	if failure != nil {
		return failure
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-lines:
			err := emit(l.r)
			l.done <- err
			if err != nil {
				return err
			}
		}
	}
}

// write appends a line to the log and waits until it was emitted.
func (w *world) write(message string) {
	r := invocation.Record{Time: time.Unix(1, 0).UTC(), Level: invocation.Info, Message: message, Function: "pay/core/charge"}
	w.mu.Lock()
	w.log = append(w.log, r)
	follower := w.follower
	w.mu.Unlock()
	if follower != nil {
		follower(r)
	}
}

func (w *world) set(name, state string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.healths[name] = wire.Health{Function: name, State: state}
}

func (w *world) step() { w.tick <- struct{}{} }

// message is any message of the server.
type message struct {
	Type    string            `json:"type"`
	Topic   string            `json:"topic"`
	Seq     uint64            `json:"seq"`
	Total   int               `json:"total"`
	Epoch   string            `json:"epoch"`
	Step    float64           `json:"step"`
	Items   []json.RawMessage `json:"items"`
	Removed []string          `json:"removed"`
	Code    string            `json:"code"`
}

// peer is one client.
type peer struct {
	t     testing.TB
	conn  *websocket.Conn
	hello message
}

func (w *world) dial(token string) *peer {
	w.t.Helper()
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(w.http.URL, "http", "ws", 1), http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	p := &peer{t: w.t, conn: conn}
	w.t.Cleanup(func() { _ = conn.Close() })
	p.hello = p.next()
	if p.hello.Type != wire.TypeHello || p.hello.Epoch == "" || p.hello.Step != 1 {
		w.t.Fatalf("hello: %+v", p.hello)
	}
	return p
}

func (p *peer) read() (message, error) {
	var m message
	_ = p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	err := p.conn.ReadJSON(&m)
	return m, err
}

// next is the next message but heartbeats.
func (p *peer) next() message {
	p.t.Helper()
	for {
		m, err := p.read()
		if err != nil {
			p.t.Fatal(err)
		}
		if m.Type != wire.TypeHeartbeat {
			return m
		}
	}
}

// quiet holds that steps bring nothing but a heartbeat. It takes more than one:
// none is sent for a step in which something was, nor for each of several at once.
func (p *peer) quiet(w *world) {
	p.t.Helper()
	heard := make(chan struct{})
	var steps sync.WaitGroup
	steps.Go(func() {
		for {
			select {
			case <-heard:
				return
			case w.tick <- struct{}{}:
			}
		}
	})
	m, err := p.read()
	close(heard)
	steps.Wait()
	if err != nil || m.Type != wire.TypeHeartbeat {
		p.t.Fatalf("not quiet: %+v %v", m, err)
	}
}

func (p *peer) send(text string, args ...any) {
	p.t.Helper()
	if err := p.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, text, args...)); err != nil {
		p.t.Fatal(err)
	}
}

// ask subscribes and returns the answer.
func (p *peer) ask(topic string, after ...uint64) message {
	p.t.Helper()
	if len(after) > 0 {
		p.send(`{"type":"subscribe","topic":%q,"after":%d}`, topic, after[0])
	} else {
		p.send(`{"type":"subscribe","topic":%q}`, topic)
	}
	return p.next()
}

// closed reads until the connection ends, and returns the close code.
func (p *peer) closed() int {
	p.t.Helper()
	for {
		_, err := p.read()
		var bye *websocket.CloseError
		if errors.As(err, &bye) {
			return bye.Code
		}
		if err != nil {
			p.t.Fatalf("not closed in order: %v", err)
		}
	}
}

// texts picks one field out of every item.
func texts(t testing.TB, m message, field string) []string {
	t.Helper()
	out := []string{}
	for _, raw := range m.Items {
		var item map[string]any
		if err := json.Unmarshal(raw, &item); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(item[field]))
	}
	return out
}

func want(t testing.TB, m message, kind, topic, field string, values ...string) {
	t.Helper()
	if got := texts(t, m, field); m.Type != kind || m.Topic != topic || m.Seq == 0 || !slices.Equal(got, values) && len(got)+len(values) > 0 {
		t.Fatalf("got %s %s %d %v removed %v %s, want %s %s %v", m.Type, m.Topic, m.Seq, got, m.Removed, m.Code, kind, topic, values)
	}
}

// gauge finds a gauge among what was registered.
func gauge(t testing.TB, reg *prometheus.Registry, name string) prometheus.Collector {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name})
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				g.Add(m.GetGauge().GetValue() + m.GetCounter().GetValue())
			}
		}
	}
	return g
}
