package grafana

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "999999999": time.Hour,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
}

func TestRedact(t *testing.T) {
	tr := &transport{token: "secret-a", dataToken: "secret-b"}
	got := tr.redact("x secret-a y secret-b\n" + strings.Repeat("z", 1000))
	if strings.Contains(got, "secret") || strings.Contains(got, "\n") || len(got) > 2*shownMessage {
		t.Error(got)
	}
}

func TestBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(10)
		began := time.Now()
		for range 30 {
			if err := b.take(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("30 calls at 10 a second, a second's worth at once, took %s", took)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if b.take(ctx) == nil {
			t.Error("a call was let through after its context ended")
		}
	})
}

// A server that refuses is asked as often as it serves, without many refusals, and
// as often as before once it has stopped refusing.
func TestBucketFollowsTheServer(t *testing.T) {
	for _, limit := range []float64{3, 40, 900} {
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(1000)
			tokens, at := limit/10+1, time.Now()
			const round = 5 * time.Millisecond // of one call
			run := func(d time.Duration, limited bool) (served, refused float64) {
				var lock sync.Mutex
				var callers sync.WaitGroup
				until := time.Now().Add(d)
				for range 20 {
					callers.Go(func() {
						for time.Now().Before(until) {
							if err := b.take(t.Context()); err != nil {
								t.Error(err)
							}
							began := time.Now()
							time.Sleep(round)
							lock.Lock()
							now := time.Now()
							tokens = min(limit/10+1, tokens+limit*now.Sub(at).Seconds())
							at = now
							if limited && tokens < 1 {
								refused++
								b.refused(began)
							} else {
								tokens--
								served++
								b.answered()
							}
							lock.Unlock()
						}
					})
				}
				callers.Wait()
				return served, refused
			}
			run(20*time.Second, true) // it finds the limit
			served, refused := run(time.Minute, true)
			if served < 0.9*60*limit || refused > 0.05*served+30 {
				t.Errorf("of %v a second in a minute: %v served, %v refused", limit, served, refused)
			}
			t.Logf("limit %v: %.3f of it, %v refused", limit, served/60/limit, refused)
			run(20*time.Second, false)
			if b.rate != b.most {
				t.Errorf("it is still slow, %v a second, when nothing is refused any more", b.rate)
			}
		})
	}
}

// script is a server that answers as told, one answer for each call.
type script []int

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	status := (*s)[0]
	*s = (*s)[1:]
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"3"}}, Body: http.NoBody, Request: r}, nil
}

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		script script
		took   time.Duration
		status int // of the error; 0 without
	}{
		"rate limit":              {"POST", script{429, 200}, 3*time.Second + 20*time.Millisecond, 0}, // what was asked, then at half the rate
		"refused often":           {"POST", script{429, 429, 429, 429, 200}, 12*time.Second + 300*time.Millisecond, 0},
		"refused for too long":    {"POST", script{429, 429, 429, 429, 429}, 12*time.Second + 300*time.Millisecond, 429},
		"write is not done twice": {"POST", script{500}, 0, 500},
		"read is tried again":     {"GET", script{502, 503, 200}, 6 * time.Second, 0},
		"three tries":             {"GET", script{503, 503, 503}, 6 * time.Second, 503},
		"final":                   {"GET", script{404}, 0, 404},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := within{&transport{base: &c.script, token: "t", timeout: time.Minute, backoff: time.Second, bucket: newBucket(100)}, t.Context()}
				req, err := http.NewRequestWithContext(t.Context(), c.method, "http://grafana.example/api/x", nil)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				res, err := w.RoundTrip(req)
				if res != nil {
					res.Body.Close()
				}
				if statusOf(err) != c.status || time.Since(began) != c.took || len(c.script) > 0 {
					t.Errorf("%v after %s, %v left", err, time.Since(began), c.script)
				}
			})
		})
	}
}

func FuzzSayings(f *testing.F) {
	f.Add([]byte(`{"message":"m","status":"s"}`))
	f.Fuzz(func(_ *testing.T, body []byte) { sayings(body) })
}
