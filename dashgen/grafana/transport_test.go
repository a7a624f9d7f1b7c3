package grafana

import (
	"context"
	"net/http"
	"strings"
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

// A server that has enough is left in peace, and asked as often as before once it has
// answered for a while.
func TestBucketFollowsTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(100)
		took := func(calls int) time.Duration {
			began := time.Now()
			for range calls {
				if err := b.take(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(began)
		}
		took(200) // what was saved up
		for range 3 {
			b.slowDown(time.Now())
		}
		if got := took(10); got < 700*time.Millisecond {
			t.Errorf("after three refusals ten calls took %s", got)
		}
		every, volley := b.every, b.slowed.Add(-time.Millisecond)
		if b.slowDown(volley); b.every != every {
			t.Errorf("calls refused in one volley slowed it down twice: %s, then %s", every, b.every)
		}
		for range 500 {
			b.speedUp()
		}
		if got := took(100); got > time.Second {
			t.Errorf("after many answers a hundred calls took %s", got)
		}
	})
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
		"rate limit":              {"POST", script{429, 200}, 3*time.Second + 20*time.Millisecond, 0}, // what was asked, then at half the rate,
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
