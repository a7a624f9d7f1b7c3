package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"hadron/runtime/function"
)

// caller calls functions of one server.
type caller struct {
	base   string
	client *http.Client
}

func newCaller(base string) *caller {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &caller{base: base, client: &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

// call does one call and says how long it took.
func (c *caller) call(ctx context.Context, name function.Name) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/fn/"+string(name)+"?name=bench", http.NoBody)
	if err != nil {
		return 0, err
	}
	started := time.Now()
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	took := time.Since(started)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.200s", name, resp.Status, body)
	}
	return took, err
}

// loaded is what a load found.
type loaded struct {
	calls     int
	functions int // that were called
	failed    int
	why       error // of the last failure
	rate      float64
	times     times
}

// load has some callers call what pick says, for a time.
func (c *caller) load(ctx context.Context, d time.Duration, pick func(*rand.Rand) int) (loaded, error) {
	const callers = 8
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var mu sync.Mutex
	var group sync.WaitGroup
	var l loaded
	seen := map[int]bool{}
	started := time.Now()
	for at := range callers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(at)))
			var mine times
			called := map[int]bool{}
			for ctx.Err() == nil {
				i := pick(random)
				took, err := c.call(ctx, nameOf(i))
				if err == nil {
					mine = append(mine, took)
					called[i] = true
				} else if ctx.Err() == nil {
					mu.Lock()
					l.failed, l.why = l.failed+1, err
					mu.Unlock()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			l.times = append(l.times, mine...)
			for i := range called {
				seen[i] = true
			}
		})
	}
	group.Wait()
	l.calls, l.functions = len(l.times), len(seen)
	l.rate = float64(l.calls) / time.Since(started).Seconds()
	if l.calls == 0 {
		return l, errors.Join(errors.New("no call was answered"), l.why)
	}
	return l, nil
}

// zipf picks the i-th function about 1/(i+1)^1.1 of the time, spread over teams.
func zipf(n int) func(*rand.Rand) int {
	var mu sync.Mutex
	byCaller := map[*rand.Rand]*rand.Zipf{}
	return func(r *rand.Rand) int {
		mu.Lock()
		z := byCaller[r]
		if z == nil {
			z = rand.NewZipf(r, 1.1, 1, uint64(n-1))
			byCaller[r] = z
		}
		mu.Unlock()
		return int(z.Uint64())
	}
}

type times []time.Duration

// quantile is the value that a share of them is not over.
func (t times) quantile(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
