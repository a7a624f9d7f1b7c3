package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The corpus of testdata/hostile runs against the real server, a team each, several
// at a time. Each function ends in its documented code, within its timeout and a
// second, or is refused at deployment; a benign function of the same team answers
// afterwards; another team's loses no request and is about as fast as between the
// attacks; and when all is over the memory is given back.
func TestHostileFunctionsHurtNobodyElse(t *testing.T) {
	attacks := readAttacks(t)
	if len(attacks) < 80 {
		t.Fatalf("the corpus holds %d functions", len(attacks))
	}
	if only := os.Getenv("HADRON_HOSTILE"); only != "" { // to look at a few
		attacks = slices.DeleteFunc(attacks, func(a attack) bool { return !strings.Contains(a.name, only) })
	}
	p := startServer(t, t.TempDir(), "--dev", "--isolation=worker", "--workers.idle=3s", "--workers.memory="+budget, "--metrics.interval=5s")
	p.deploy("neighbour/app/steady", benign, nil)
	for i := range atOnce {
		p.deploy(fmt.Sprintf("quiet-%d/app/benign", i), benign, nil)
	}
	n := startNeighbour(p, p.url+"/fn/neighbour/app/steady", pace)
	control := startNeighbour(p, startBare(p), pace)
	p.rest() // to warm up
	base := p.memory(t, nil)

	began := time.Now()
	results := make([]result, len(attacks))
	for i, a := range attacks {
		results[i].attack = a
	}
	quiet := []span{p.rest()}
	each := func(together int, do func(r *result)) (spans []span) {
		for part := range slices.Chunk(results, (len(results)+parts-1)/parts) {
			spans = append(spans, attackAll(part, together, do))
			quiet = append(quiet, p.rest())
		}
		return spans
	}
	var deployed, called, single []span
	if raced { // at once, or the workers that deployment warms up are started twice
		called = each(atOnce, func(r *result) { p.admit(r); p.suffer(t, r) })
	} else {
		deployed = each(atOnce, p.admit)
		called = each(atOnce, func(r *result) { p.suffer(t, r) })
		single = each(1, func(r *result) { // some are in quarantine by now, and refused
			if !strings.HasPrefix(r.end, "refused") {
				p.provoke("/fn/"+r.team()+"/app/hostile", r.post)
			}
		})
	}
	took := time.Since(began)
	after := p.memory(t, func(m memory) bool { return m.total() <= base.allowed(registered(results)) })
	n.stop()
	control.stop()

	log := p.log()
	for i := range results {
		r := &results[i]
		r.killed = strings.Contains(log, `msg="worker ended"`) && endedWorker(log, r.team())
		if r.wrong != "" {
			t.Errorf("%s (%s): %s", r.name, r.what, r.wrong)
		}
	}
	if lost := n.failures(); len(lost) > 0 {
		t.Errorf("the neighbour lost %d requests: %q", len(lost), lost)
	}
	before, floor := n.seen(quiet), control.seen(quiet)
	during := []struct {
		what  string
		slack time.Duration
		load
		floor load
	}{
		{"while others were deployed", slack, n.seen(deployed), control.seen(deployed)},
		{"while they were called", slack, n.seen(called), control.seen(called)},
		{"while they were called one by one", jitter, n.seen(single), control.seen(single)},
	}
	for _, d := range during {
		if d.typical > max(most*before.typical, before.typical+d.slack) {
			t.Errorf("%s the neighbour's p99 was %s; in between, it was %s (of a bare server, %s and %s)", d.what, d.typical, before.typical, d.floor.typical, floor.typical)
		}
	}
	d, c, o := during[0], during[1], during[2]
	summary := fmt.Sprintf("%d functions, %d at a time, in %s. The neighbour made %d requests and lost none. "+
		"In quiet, while the others were deployed, while they were called, and while they were called one by one, its p50 was %s, %s, %s and %s; "+
		"the median of its windows' p99 %s, %s, %s and %s, which is %.1f, %.1f and %.1f times that in quiet; its p99 over all windows %s, %s, %s and %s; the worst window's %s, %s, %s and %s. "+
		"Of a bare net/http server in a process of its own, which the same client called at the same time, the median of the windows' p99 was %s, %s, %s and %s: %.1f, %.1f and %.1f times. "+
		"Before, the server held %s; afterwards, with %d functions registered, %s.",
		len(results), atOnce, took.Round(time.Second), len(n.calls), shortly(before.p50), shortly(d.p50), shortly(c.p50), shortly(o.p50),
		shortly(before.typical), shortly(d.typical), shortly(c.typical), shortly(o.typical), d.times(before), c.times(before), o.times(before),
		shortly(before.p99), shortly(d.p99), shortly(c.p99), shortly(o.p99),
		shortly(before.worst), shortly(d.worst), shortly(c.worst), shortly(o.worst),
		shortly(floor.typical), shortly(d.floor.typical), shortly(c.floor.typical), shortly(o.floor.typical), d.floor.times(floor), c.floor.times(floor), o.floor.times(floor),
		base, registered(results), after)
	t.Log(summary)
	if path := os.Getenv("HADRON_CHAOS"); path != "" && !t.Failed() {
		if err := writeTable(path, results, summary); err != nil {
			t.Fatal(err)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
}

// jitter is one turn of the scheduler, which a single attack may cost a call too.
const jitter = 4 * time.Millisecond

// attackAll does something for each attack, so many at a time.
func attackAll(results []result, together int, do func(r *result)) span {
	next := make(chan *result)
	var all sync.WaitGroup
	from := time.Now()
	for range together {
		all.Go(func() {
			for r := range next {
				do(r)
			}
		})
	}
	for i := range results {
		next <- &results[i]
	}
	close(next)
	all.Wait()
	return span{from, time.Now()}
}

// rest lets the neighbour be for a while, with benign functions in the attacks' place,
// called as often as those are.
func (p *process) rest() span {
	var all sync.WaitGroup
	from := time.Now()
	to := from.Add(time.Duration(windows) * window)
	for i := range atOnce {
		all.Go(func() {
			for time.Now().Before(to) {
				if end, _ := p.provoke(fmt.Sprintf("/fn/quiet-%d/app/benign", i), ""); end != "ok" {
					p.t.Errorf("a benign function ended %s", end)
				}
				<-time.After(restPace)
			}
		})
	}
	all.Wait()
	return span{from, to}
}

// restPace is the time between two calls where nobody attacks.
const restPace = 500 * time.Millisecond

const benign = `export default { async fetch(request) { return Response.json({ ok: true, path: new URL(request.url).pathname }); } };`

// deploy registers a function and returns the refusal's code, or nothing.
func (p *process) deploy(name, source string, manifest map[string]any, smap ...string) string {
	p.t.Helper()
	if manifest == nil {
		manifest = map[string]any{}
	}
	manifest["entry"] = "index.js"
	body := map[string]any{"source": source, "manifest": manifest}
	if len(smap) > 0 && smap[0] != "" {
		body["sourceMap"] = smap[0]
	}
	status, data := p.call(http.MethodPost, "/api/v1/functions/"+name+"/versions", body)
	if status == http.StatusCreated || status == http.StatusOK {
		return ""
	}
	return codeOf(status, data)
}

func codeOf(status int, data []byte) string {
	var problem struct{ Code string }
	if json.Unmarshal(data, &problem) != nil || problem.Code == "" {
		return strconv.Itoa(status)
	}
	return problem.Code
}

func (a attack) team() string { return "h-" + a.name }

func (a attack) names() (attack, kind string) {
	return a.team() + "/app/hostile", a.team() + "/app/benign"
}

// admit deploys an attack and a benign function beside it.
func (p *process) admit(r *result) {
	name, kind := r.names()
	manifest := map[string]any{"limits": r.limits, "env": map[string]any{"SELF": name}}
	began := time.Now()
	if code := p.deploy(name, r.source, manifest, r.smap); code != "" {
		r.took, r.end = time.Since(began), "refused "+code
		return
	}
	if code := p.deploy(kind, benign, nil); code != "" {
		r.wrong = "the benign function was refused: " + code
	}
}

// suffer calls an attack that was deployed, and looks at what is left of its team.
func (p *process) suffer(t *testing.T, r *result) {
	name, kind := r.names()
	if r.wrong != "" {
		return
	}
	if r.end == "" {
		r.end, r.took = p.provoke("/fn/"+name, r.post)
		if most := r.deadline(t) + time.Second; r.took > most {
			r.wrong = fmt.Sprintf("ended %s after %s, later than %s", r.end, r.took, most)
			return
		}
		if last := p.answers("/fn/" + kind); last != "" {
			r.wrong = fmt.Sprintf("ended %s; the benign function of its team does not answer: %s", r.end, last)
			return
		}
	}
	// Under the race detector, beside other tests, a timeout may come first: it is each
	// function's own documented end as well. make chaos is exact.
	if !slices.Contains(r.ends, r.end) && (r.end != "timeout" || !raced) {
		r.wrong = fmt.Sprintf("ended %s after %s, which is not documented", r.end, r.took)
	}
}

// provoke calls an attack and says how that ended.
func (p *process) provoke(path, post string) (end string, took time.Duration) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	method, body := http.MethodGet, io.Reader(nil)
	if post != "" {
		method, body = http.MethodPost, strings.NewReader(post)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		return err.Error(), 0
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error(), time.Since(began)
	}
	defer resp.Body.Close()
	var kept strings.Builder
	_, err = io.Copy(&kept, io.LimitReader(resp.Body, 1<<20))
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	took = time.Since(began)
	switch {
	case err != nil:
		return "cut", took
	case resp.StatusCode >= http.StatusBadRequest:
		return codeOf(resp.StatusCode, []byte(kept.String())), took
	}
	return "ok", took
}

// answers waits until a function answers, and says what it did else.
func (p *process) answers(path string) (last string) {
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		if last, _ = p.provoke(path, ""); last == "ok" {
			return ""
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-p.done:
			return "the server has ended"
		}
	}
	return last
}

// endedWorker reports whether the log tells of the end of a team's worker.
func endedWorker(log, team string) bool {
	for line := range strings.Lines(log) {
		if strings.Contains(line, `msg="worker ended"`) && (strings.Contains(line, "place="+team+" ") || strings.Contains(line, "place="+team+"/")) {
			return true
		}
	}
	return false
}
