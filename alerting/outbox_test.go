package alerting_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/target"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// far is everything at the other end of the wire: it answers anything, and remembers what
// it took. It is reached without a network, so that time can be the test's.
type far struct {
	mu     sync.Mutex
	luck   *rand.Rand
	calm   bool // it takes everything now
	lanes  map[string]*farLane
	broken []string // what must not happen
}

type farLane struct {
	asked    []time.Time
	until    time.Time // it asked not to be asked before
	took     []string  // "trigger dedup summary", also where the answer was lost
	open     map[string]bool
	opened   map[string]int
	inFlight int
}

func (f *far) lane(name string) *farLane {
	if f.lanes[name] == nil {
		f.lanes[name] = &farLane{open: map[string]bool{}, opened: map[string]int{}}
	}
	return f.lanes[name]
}

// RoundTrip implements http.RoundTripper.
func (f *far) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	name, action, dedup, says := readFar(r, body)
	f.mu.Lock()
	l := f.lane(name)
	now := time.Now()
	if now.Before(l.until) {
		f.broken = append(f.broken, fmt.Sprintf("%s was asked %s before its Retry-After", name, l.until.Sub(now)))
	}
	l.asked = append(l.asked, now)
	if n := len(l.asked); n > 100 && now.Sub(l.asked[n-101]) < time.Minute {
		f.broken = append(f.broken, fmt.Sprintf("%s was asked 101 times within %s", name, now.Sub(l.asked[n-101])))
	}
	if l.inFlight++; l.inFlight > 1 {
		f.broken = append(f.broken, name+" was asked twice at once")
	}
	dice := f.luck.IntN(100)
	if f.calm {
		dice = 100
	}
	take := dice >= 40 || dice < 10
	if take {
		l.took = append(l.took, action+" "+dedup+" "+says)
		if action == "trigger" && !l.open[dedup] {
			l.opened[dedup]++
		}
		l.open[dedup] = action == "trigger"
	}
	if dice >= 10 && dice < 20 {
		l.until = now.Add(17 * time.Second)
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		l.inFlight--
		f.mu.Unlock()
	}()
	switch {
	case dice < 5: // taken, and nobody hears of it
		return nil, errors.New("connection reset by peer")
	case dice < 10, dice >= 20 && dice < 25: // hangs, with what was asked taken or not
		<-r.Context().Done()
		return nil, r.Context().Err()
	case dice < 20:
		return answer(r, http.StatusTooManyRequests, http.Header{"Retry-After": {"17"}}), nil
	case dice < 33:
		return answer(r, http.StatusBadGateway, nil), nil
	case dice < 40:
		return nil, errors.New("connection refused")
	case name == "am" || name == "hook":
		return answer(r, http.StatusOK, nil), nil
	}
	return answer(r, http.StatusAccepted, nil), nil
}

func answer(r *http.Request, status int, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(`{"status":"success"}`)), Request: r}
}

// forget is the end of a process: what it was told and had not stored, and how fast it
// has been, it cannot know any more.
func (f *far) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lanes {
		l.asked, l.until = nil, time.Time{}
	}
}

// readFar says in whose lane a request is, and what it says of which incident.
func readFar(r *http.Request, body []byte) (lane, action, dedup, says string) {
	var pager struct {
		RoutingKey string `json:"routing_key"`
		Action     string `json:"event_action"`
		DedupKey   string `json:"dedup_key"`
		Payload    struct{ Summary string }
	}
	var hook struct {
		Action, Summary string
		DedupKey        string `json:"dedup_key"`
	}
	var am []struct {
		EndsAt      time.Time
		Annotations map[string]string
	}
	switch r.URL.Host {
	case "am":
		if json.Unmarshal(body, &am) != nil || len(am) == 0 {
			return "am", "unreadable", "", ""
		}
		action := "resolve"
		if am[0].EndsAt.After(time.Now()) {
			action = "trigger"
		}
		return "am", action, am[0].Annotations["dedup_key"], am[0].Annotations["summary"]
	case "hook":
		_ = json.Unmarshal(body, &hook)
		return "hook", hook.Action, hook.DedupKey, hook.Summary
	}
	_ = json.Unmarshal(body, &pager)
	return pager.RoutingKey, pager.Action, pager.DedupKey, pager.Payload.Summary
}

// Three kinds of targets that answer anything, a process that ends at any point, a store
// that fails before or after it wrote: every incident is told in order to everybody, as
// the last thing that was written says; none is opened twice; no lane is asked faster than
// it may be, two at a time, or before it said.
func TestOutboxOfSeveralTargets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "targets.yaml")
	if err := os.WriteFile(path, []byte(`targets: [{name: am, type: alertmanager, url: "http://am"}, {name: hook, type: webhook, url: "http://hook"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	configs, err := target.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(t *testing.T, rt *rapid.T) { outboxOf(t, rt, configs) })
}

// written is what the outbox was given of one lane, in order.
type written struct {
	lane, action, dedup, says string
}

func outboxOf(t *testing.T, rt *rapid.T, configs []target.Config) {
	f := &far{luck: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "luck"), 0)), lanes: map[string]*farLane{}}
	m := newMemory()
	storeLuck, storeLock, trouble := rand.New(rand.NewPCG(f.luck.Uint64(), 1)), sync.Mutex{}, true
	m.fail = func(op string) (bool, bool) {
		storeLock.Lock()
		defer storeLock.Unlock()
		if op == "commit" || !trouble {
			return false, false
		}
		return storeLuck.IntN(12) == 0, storeLuck.IntN(12) == 0
	}
	sender, err := pagerduty.NewSender(pagerduty.SenderConfig{EventsURL: "http://pager", Transport: f})
	if err != nil {
		rt.Fatal(err)
	}
	sends := map[string]func(context.Context, alerting.Event) error{alerting.PagerDuty: sender.Send}
	for _, c := range configs {
		sends[c.Name] = target.NewSender(c, target.Options{Installation: "test", Transport: f}).Send
	}
	begin := func() *alerting.Deliverer {
		d, err := alerting.NewDeliverer(alerting.DelivererConfig{
			Outbox: m, Send: func(ctx context.Context, e alerting.Event) error { return sends[e.Target](ctx, e) },
			Workers: rapid.IntRange(1, 8).Draw(rt, "workers"),
		})
		if err == nil {
			err = d.Start(t.Context())
		}
		if err != nil {
			rt.Fatal(err)
		}
		return d
	}
	end := func(d *alerting.Deliverer) {
		if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
			rt.Fatal(err)
		}
		f.forget()
	}
	var all []written
	open, turns := map[alerting.Objective]bool{}, 0
	tell := func(o alerting.Objective, action alerting.Action) {
		turns++
		key, dedup, says := "key-of-"+o.Function.Base(), alerting.DedupKey("test", o), fmt.Sprintf("n%d", turns)
		c := alerting.Change{Incidents: []alerting.Incident{{Objective: o, DedupKey: dedup, RoutingKey: key, Class: slo.Page}}}
		for _, to := range []string{"am", "hook", alerting.PagerDuty} {
			lane := to
			if to == alerting.PagerDuty {
				lane = key
			}
			c.Messages = append(c.Messages, alerting.Message{Function: o.Function, Created: time.Now(), Next: time.Now(), Event: alerting.Event{
				Target: to, RoutingKey: lane, Action: action, DedupKey: dedup, Summary: says, Severity: "critical", Source: "test", Component: string(o.Function),
			}})
			all = append(all, written{lane, string(action), dedup, says})
		}
		open[o] = action == alerting.Trigger
		if err := m.Commit(t.Context(), c); err != nil {
			rt.Fatal(err)
		}
	}
	d := begin()
	for range rapid.IntRange(1, 25).Draw(rt, "steps") {
		o := alerting.Objective{
			Function: function.Name("a/b/" + rapid.SampledFrom([]string{"one", "two"}).Draw(rt, "function")),
			SLO:      rapid.SampledFrom([]string{"availability", "latency"}).Draw(rt, "slo"),
		}
		switch what := rapid.IntRange(0, 5).Draw(rt, "what"); {
		case what < 3:
			tell(o, alerting.Trigger)
		case what == 3 && open[o]:
			tell(o, alerting.Resolve)
		case what == 4: // it ends in the middle of whatever goes on
			end(d)
			d = begin()
		case what == 5: // a storm
			for i := range 40 {
				tell(alerting.Objective{Function: o.Function, SLO: fmt.Sprintf("s%d", i)}, alerting.Trigger)
			}
		}
		d.Wake()
		time.Sleep(time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "ms")) * time.Millisecond)
	}
	f.mu.Lock()
	f.calm = true
	f.mu.Unlock()
	storeLock.Lock()
	trouble = false
	storeLock.Unlock()
	time.Sleep(time.Hour)
	synctest.Wait()
	end(d)
	if len(m.messages) != 0 || len(m.dead) != 0 {
		rt.Fatalf("%d wait, %d are dead", len(m.messages), len(m.dead))
	}
	if len(f.broken) > 0 {
		rt.Fatalf("%d: %s", len(f.broken), f.broken[0])
	}
	judgeLanes(rt, f, all)
}

// judgeLanes holds what each lane took to what was written of it: the same order, nothing
// left out but triggers that a newer one took the place of, repeats only of the last.
func judgeLanes(rt *rapid.T, f *far, all []written) {
	lanes := map[string][]written{}
	for _, w := range all {
		lanes[w.lane] = append(lanes[w.lane], w)
	}
	for name, want := range lanes {
		l := f.lane(name)
		took := slices.Compact(slices.Clone(l.took)) // at least once
		last, seen := -1, map[string]bool{}
		for _, text := range took {
			at := slices.IndexFunc(want, func(w written) bool { return w.action+" "+w.dedup+" "+w.says == text })
			if at < 0 || at <= last {
				rt.Fatalf("%s took %q out of order, or nobody wrote it: %v", name, text, took)
			}
			last, seen[text] = at, true
		}
		episodes, isOpen, final := map[string]int{}, map[string]bool{}, map[string]written{}
		for _, w := range want {
			if w.action == "trigger" && !isOpen[w.dedup] {
				episodes[w.dedup]++
			}
			isOpen[w.dedup] = w.action == "trigger"
			if w.action == "resolve" && !seen["resolve "+w.dedup+" "+w.says] {
				rt.Fatalf("%s lost the end %s of %s", name, w.says, w.dedup)
			}
			final[w.dedup] = w
		}
		for dedup, w := range final {
			if !seen[w.action+" "+dedup+" "+w.says] || l.open[dedup] != isOpen[dedup] || l.opened[dedup] != episodes[dedup] {
				rt.Fatalf("%s of %s: last written %+v, open %v, opened %d of %d times", name, dedup, w, l.open[dedup], l.opened[dedup], episodes[dedup])
			}
		}
	}
}
