//go:build !race

package main

import "time"

// raced says that the race detector watches.
const raced = false

// What the hostile corpus is run with.
const (
	budget  = "128MiB"              // of a worker
	pace    = 10 * time.Millisecond // between two calls of the neighbour
	windows = 3                     // of quiet, between two parts of the attacks
	parts   = 2                     // that attacks are made in
	most    = 2                     // times what the neighbour's p99 is in quiet
)
