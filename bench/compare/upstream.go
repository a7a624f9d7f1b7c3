package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// upstream is the service that the BFF asks, in this process: three documents of
// 0.5, 4 and 2.5 KB.
type upstream struct {
	url    string
	server *http.Server
}

func (u *upstream) start(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start upstream: %w", err)
	}
	mux := http.NewServeMux()
	for path, document := range map[string][]byte{"/user": user(), "/orders": orders(), "/picks": picks()} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(document)
		})
	}
	u.url = "http://" + l.Addr().String()
	u.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = u.server.Serve(l) }() // stop ends it
	return nil
}

func (u *upstream) stop() { _ = u.server.Close() }

func user() []byte {
	type address struct {
		Street, City, Country string
	}
	return encode(map[string]any{
		"id": 42, "name": "Ada Lovelace", "email": "ada@example.com", "since": "2019-03-01T12:00:00Z",
		"addresses": []address{{"1 Main Street", "London", "GB"}, {"2 Side Street", "Paris", "FR"}, {"3 High Street", "Rome", "IT"}},
		"settings":  map[string]any{"language": "en", "newsletter": true, "theme": "dark", "currency": "GBP"},
	})
}

func orders() []byte {
	var items []map[string]any
	for i := range 20 {
		items = append(items, map[string]any{
			"id": 1000 + i, "status": "delivered", "total": 12.5 * float64(i), "placedAt": "2026-10-01T08:30:00Z",
			"lines": []map[string]any{{"sku": fmt.Sprintf("sku-%d", i), "quantity": 2, "price": 6.25}},
		})
	}
	return encode(map[string]any{"total": len(items), "items": items})
}

func picks() []byte {
	var items []map[string]any
	for i := range 20 {
		items = append(items, map[string]any{"sku": fmt.Sprintf("pick-%d", i), "title": "A thing that you might like", "score": 0.5, "image": "/img/pick.jpg"})
	}
	return encode(items)
}
