package grafana_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"hadron/dashgen/grafana"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/runtime/function"
)

// far is the way to a server in the same process that takes a while, by the test's clock.
type far struct {
	server *grafanatest.Server
	trip   time.Duration
}

func (f far) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(f.trip)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	f.server.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// calls counts what was asked, and of that what was refused as too much.
func calls(s *grafanatest.Server) (all, refused int) {
	for _, r := range s.Requests() {
		all++
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	return all, refused
}

// functions is how many a first run is tried with: docs/performance.md has it with 1,000 and 10,000.
var functions = flag.Int("functions", 400, "functions of TestFirstRunIsAsFastAsItMayBe")

// TestFirstRunIsAsFastAsItMayBe: hundreds of functions meet a Grafana at some distance.
// Whether it is our own rate that limits, or one that the server refuses by without
// telling it, nearly all that is allowed is used, few calls are wasted, and how far it
// is can be seen meanwhile. The clock is the test's own.
func TestFirstRunIsAsFastAsItMayBe(t *testing.T) {
	for name, c := range map[string]struct {
		ours, theirs, allowed float64
		functions             int
	}{
		"our own rate": {100, 0, 100, *functions},
		"the server's": {1000, 60, 60, max(500, *functions/2)}, // which is to be found out first
	} {
		t.Run(name, func(t *testing.T) {
			s := grafanatest.New(t)
			synctest.Test(t, func(t *testing.T) {
				want := many(c.functions)
				tg := target(t, s, func(cfg *grafana.Config) {
					cfg.Rate, cfg.Backoff, cfg.Slice = c.ours, 0, 0 // as the server has them
					cfg.Transport = far{s, 80 * time.Millisecond}
				})
				s.SetLimit(c.theirs)
				began, computed := time.Now(), processor()
				seen := map[int]bool{}
				done := make(chan struct{})
				go func() {
					defer close(done)
					for passes := 1; ; passes++ {
						result, err := tg.Reconcile(t.Context(), want)
						if err != nil || result.Failed > 0 || passes > 1000 {
							t.Errorf("pass %d: %+v, %v", passes, result, err)
							return
						}
						if result.Next == 0 {
							return
						}
					}
				}()
				for looking := true; looking; {
					select {
					case <-done:
						looking = false
					case <-time.After(time.Second):
						g := tg.Progress()
						if seen[g.Ready] = true; g.Total != boards(want) || g.Ready+g.Pending != g.Total || !g.Running && g.Pending > 0 {
							t.Errorf("it says %+v", g)
						}
					}
				}
				took := time.Since(began).Seconds()
				all, refused := calls(s)
				share := float64(all-refused) / took / c.allowed
				t.Logf("%d dashboards, %d calls in %.1f s: %.3f of the rate allowed, %d refused; %s of a processor for each, the server's included",
					boards(want), all-refused, took, share, refused, (processor()-computed)/time.Duration(boards(want)))
				computed = processor()
				if share < 0.85 {
					t.Errorf("%d calls in %.1f s are %.3f of what is allowed", all-refused, took, share)
				}
				// Two volleys find out what a server does not tell.
				if refused > 2*64+all/20 || all-refused > boards(want)+folders(want)+70+boards(want)/50 {
					t.Errorf("%d calls for %d dashboards, %d refused", all, boards(want), refused)
				}
				if float64(len(seen)) < took/2 {
					t.Errorf("in %.1f s it was seen to be %d times further", took, len(seen))
				}
				s.SetLimit(0)
				steady(t, s, tg, want)
				if n := len(s.Requests()); n > 60+boards(want)/1000 {
					t.Errorf("a pass that finds all in place reads %d times", n)
				}
				t.Logf("then a pass reads %d times and takes %s of a processor", len(s.Requests()), processor()-computed)
			})
		})
	}
}

// many are functions of ten teams and fifty projects.
func many(n int) []*function.Function {
	out := make([]*function.Function, n)
	for i := range out {
		out[i] = fn(fmt.Sprintf("t%d/p%d/f%05d", i%10, i%50, i))
	}
	return out
}

// processor is the time that this process has computed, the fake included.
func processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
