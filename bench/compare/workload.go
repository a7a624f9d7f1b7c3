package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// workload is one kind of function. Its module is functions/<name>.js of the peers.
type workload struct {
	name   string
	title  string
	method string
	path   string
	body   []byte
	stream bool // the answer is bytes, not JSON
	bare   bool // the ceiling can run it: it needs no web platform worth the name
}

var workloads = []workload{
	{name: "hello", title: "Hello: a small JSON answer", method: http.MethodGet, path: "/", bare: true},
	{name: "bff", title: "BFF: three fetches at a time, merged (7 KB in, 3 KB out)", method: http.MethodGet, path: "/", bare: true},
	{name: "transform", title: "Transform: 30 KB of JSON in, half of the rows out in another shape", method: http.MethodPost, path: "/", body: rows(), bare: true},
	{name: "routes", title: "Routes: a Hono app of 50 routes with a middleware (Fastify: its own router)", method: http.MethodGet, path: "/api/resource37/item-42?page=3"},
	{name: "stream", title: "Stream: 16 chunks of 1 KB, made as they are read", method: http.MethodGet, path: "/", stream: true},
}

func workloadNames() []string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.name)
	}
	return names
}

type row struct {
	ID       int      `json:"id"`
	Name     string   `json:"name"`
	Active   bool     `json:"active"`
	Price    float64  `json:"price"`
	Quantity int      `json:"quantity"`
	Tags     []string `json:"tags"`
	Note     string   `json:"note"`
}

// rows is the body of the transform: 30 KB.
func rows() []byte {
	var body struct {
		Rows []row `json:"rows"`
	}
	for i := range 200 {
		body.Rows = append(body.Rows, row{
			ID: i, Name: fmt.Sprintf("item number %d", i), Active: i%2 == 0, Price: float64(i) * 1.25, Quantity: i % 7,
			Tags: []string{"blue", "large", "new"}, Note: "packed with care, sent by post",
		})
	}
	return encode(body)
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // values of this file
	}
	return data
}
