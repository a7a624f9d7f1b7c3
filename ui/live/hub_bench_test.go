package live

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hadron/runtime/access"
	"hadron/ui/wire"
)

// BenchmarkFanOut is one tick of 1,000 functions, of which a tenth changed, to
// 1,000 clients over real sockets, until the last of them has it.
func BenchmarkFanOut(b *testing.B) {
	const functions, clients, changed = 1000, 1000, 100
	healths := make([]wire.Health, functions)
	for i := range healths {
		healths[i] = wire.Health{Function: fmt.Sprintf("team/project/f%04d", i), State: "healthy", Trend: make([]float64, 24)}
	}
	tick := make(chan struct{})
	var round atomic.Int64
	h, err := New(Config{
		Authenticate: func(*http.Request) (access.Principal, error) {
			return access.Principal{Name: "ada", Grants: access.Granted(access.Admin, access.Everything)}, nil
		},
		Ticks: func() (<-chan struct{}, func()) { return tick, func() {} },
		Healths: func() []wire.Health {
			for i := range changed {
				healths[i].Rate = float64(round.Load())
			}
			return healths
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := h.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	defer func() { _ = h.Stop(context.Background()) }()
	var readers, subscribed sync.WaitGroup
	got := make(chan struct{}, clients)
	for range clients {
		conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(s.URL, "http", "ws", 1), http.Header{"Authorization": {"Bearer hdn_ada"}})
		if err != nil {
			b.Fatal(err)
		}
		_ = res.Body.Close()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","topic":"overview"}`)); err != nil {
			b.Fatal(err)
		}
		subscribed.Add(1)
		readers.Go(func() {
			defer func() { _ = conn.Close() }()
			for {
				_, data, err := conn.ReadMessage()
				if err != nil {
					return
				}
				switch {
				case strings.HasPrefix(string(data), `{"type":"snapshot"`):
					subscribed.Done()
				case strings.HasPrefix(string(data), `{"type":"delta"`):
					got <- struct{}{}
				}
			}
		})
	}
	subscribed.Wait()
	b.ResetTimer()
	start := time.Now()
	for b.Loop() {
		round.Add(1)
		tick <- struct{}{}
		for range clients {
			<-got
		}
	}
	b.ReportMetric(float64(clients)*float64(b.N)/time.Since(start).Seconds(), "messages/s")
	b.StopTimer()
	_ = h.Stop(context.Background())
	readers.Wait()
}

// BenchmarkRefresh is what a tick costs whatever is sent: 10,000 functions of which
// a tenth changed, for everything, a page of it, and 100 searches.
func BenchmarkRefresh(b *testing.B) {
	healths := make([]wire.Health, 10_000)
	for i := range healths {
		healths[i] = wire.Health{Function: fmt.Sprintf("team/project/f%04d", i), State: "healthy", Trend: make([]float64, 24)}
	}
	o := newOverview()
	topics := []*topic{{kind: wire.TopicOverview}, {kind: wire.TopicSummary}, {kind: wire.TopicOverview, look: look{sort: "rate", limit: 100}}}
	for i := range 100 {
		topics = append(topics, &topic{kind: wire.TopicOverview, look: look{sort: "worst", limit: 100, filter: filter{words: strconv.Itoa(100 + i)}}})
	}
	for _, t := range topics {
		t.key.scope = access.Granted(access.Viewer, access.Everything)
		t.stream = newState(wire.TopicOverview, 1, 120, 1<<20)
	}
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		for i := range 1000 {
			healths[i].Rate = float64(round)
		}
		o.refresh(healths)
		for _, t := range topics {
			o.show(t, time.Now())
		}
	}
}
