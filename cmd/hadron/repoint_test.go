package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hadron/ui/wire"
)

const (
	movedName = "moved/core/answer"
	movedPath = "/api/v1/functions/" + movedName
)

// meant is what an alias meant: the versions that it could send a call to, from when
// the change was asked for. It ends with the answer to the next change.
type meant struct {
	versions       []int
	asked, answers time.Time
}

// taken is one call that was answered.
type taken struct {
	alias      string // empty: by number
	version    int
	begun, end time.Time
}

// Under constant load 500 deploys, repoints, splits and rollbacks do not fail or
// misroute one call: each is answered by one version whole, and by one that its alias
// meant at some moment between the call's begin and its end.
//
// 60 of them are deploys; HADRON_DEPLOYS says how many others (make repoints: 500, and
// 500 other changes among them).
func TestRepointsUnderLoad(t *testing.T) {
	t.Parallel()
	deploys, changes := 60, 440
	if n, err := strconv.Atoi(os.Getenv("HADRON_DEPLOYS")); err == nil {
		deploys, changes = n, 500
	}
	o := newOperator(t, startServer(t, t.TempDir(), "--dev"))
	o.deploy()
	o.put("stable", []int{1})

	stop, seen := make(chan struct{}), &traffic{url: o.p.url}
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { seen.run(t, stop, &o.latest) })
	}
	kinds := make([]int, 0, deploys+changes)
	for i := range deploys + changes {
		kind := 0 // a deploy
		if i >= deploys {
			kind = 1 + i%4
		}
		kinds = append(kinds, kind)
	}
	o.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	var puts []time.Duration
	for _, kind := range kinds {
		begun := time.Now()
		switch kind {
		case 0:
			o.deploy()
			continue
		case 1:
			o.put("live", []int{o.any()})
		case 2:
			o.put("stable", []int{o.any()})
		case 3:
			o.put([]string{"live", "stable"}[o.random.IntN(2)], o.some(2+o.random.IntN(2)))
		case 4:
			o.rollback()
			continue
		}
		puts = append(puts, time.Since(begun))
	}
	close(stop)
	running.Wait()

	misrouted := 0
	for _, c := range seen.taken {
		if c.alias != "" && !o.could(c) {
			if misrouted++; misrouted <= 5 {
				t.Errorf("@%s answered by version %d between %s and %s, which it meant at no moment of these", c.alias, c.version, c.begun.Format(micros), c.end.Format(micros))
			}
		}
	}
	if len(seen.taken) < deploys+changes {
		t.Errorf("%d calls during %d changes are no load", len(seen.taken), deploys+changes)
	}
	slices.Sort(puts)
	t.Logf("%d deploys and %d other changes during %d calls: %d failed, %d misrouted; a repoint by the API took %s at the median, %s at most",
		deploys, changes, len(seen.taken), seen.failed, misrouted, puts[len(puts)/2], puts[len(puts)-1])
}

const micros = "15:04:05.000000"

// operator changes one function, one change after the other, and keeps what its
// aliases meant when.
type operator struct {
	p       *process
	random  *rand.Rand
	latest  atomic.Int64
	aliases map[string][]meant
}

func newOperator(t *testing.T, p *process) *operator {
	t.Helper()
	return &operator{p: p, random: rand.New(rand.NewPCG(5, 500)), aliases: map[string][]meant{}}
}

// set notes what a change that was asked for at a time made of an alias.
func (o *operator) set(alias string, asked time.Time, versions []int) {
	o.aliases[alias] = append(o.aliases[alias], meant{versions: versions, asked: asked, answers: time.Now()})
}

func (o *operator) deploy() {
	next := int(o.latest.Load()) + 1
	var got wire.Registered
	asked := time.Now()
	o.p.want(http.StatusCreated, http.MethodPost, movedPath+"/versions?alias=live", wire.Register{Source: fmt.Sprintf("export default () => new Response(%q);\n", strconv.Itoa(next)), Manifest: patient}, &got)
	o.set("live", asked, []int{next})
	if got.Version != next || !got.Live {
		o.p.t.Fatalf("deployed %+v, want version %d", got, next)
	}
	o.latest.Store(int64(next))
}

func (o *operator) put(alias string, versions []int) {
	var body wire.PutAlias
	for _, v := range versions {
		body.Weights = append(body.Weights, wire.Weight{Version: v, Weight: 1 + o.random.IntN(99)})
	}
	asked := time.Now()
	o.p.want(http.StatusOK, http.MethodPut, movedPath+"/aliases/"+alias, body, nil)
	o.set(alias, asked, versions)
}

// rollback goes back, or to some version where there is nothing to go back to.
func (o *operator) rollback() {
	var body wire.Rollback
	if o.random.IntN(2) == 0 {
		body.Version = o.any()
	}
	asked := time.Now()
	status, data := o.p.call(http.MethodPost, movedPath+"/rollback", body)
	if status == http.StatusConflict && body.Version == 0 {
		return // live has no way back left, and stays
	}
	var got wire.RolledBack
	if status != http.StatusOK || json.Unmarshal(data, &got) != nil || len(got.Weights) != 1 {
		o.p.t.Fatalf("rollback: %d %s", status, data)
	}
	o.set("live", asked, []int{got.Version})
}

// any is one of the last versions, which most calls are for.
func (o *operator) any() int {
	latest := int(o.latest.Load())
	return latest - o.random.IntN(min(latest, 12))
}

func (o *operator) some(n int) []int {
	var out []int
	for range n {
		if v := o.any(); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// could reports whether the call's alias meant its version while it ran.
func (o *operator) could(c taken) bool {
	history := o.aliases[c.alias]
	for i, m := range history {
		over := i+1 < len(history) && history[i+1].answers.Before(c.begun)
		if !over && !m.asked.After(c.end) && slices.Contains(m.versions, c.version) {
			return true
		}
	}
	return false
}

// traffic calls the function and keeps what came of it.
type traffic struct {
	url    string
	mu     sync.Mutex
	taken  []taken
	failed int
}

// run calls at a constant pace until it is stopped, by alias and by number in turns.
func (l *traffic) run(t *testing.T, stop <-chan struct{}, latest *atomic.Int64) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	tick := time.NewTicker(pace / 2)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		c, ref, number := taken{alias: "live"}, "", 0
		switch i % 4 {
		case 1:
			ref = "@live"
		case 2:
			c.alias, ref = "stable", "@stable"
		case 3:
			number = max(1, int(latest.Load())-i%5)
			c.alias, ref = "", "@"+strconv.Itoa(number)
		}
		c.begun = time.Now()
		why := l.call(t, client, ref, &c)
		c.end = time.Now()
		if why == "" && number != 0 && c.version != number {
			why = fmt.Sprintf("answered by version %d", c.version)
		}
		l.mu.Lock()
		if why == "" {
			l.taken = append(l.taken, c)
		} else if l.failed++; l.failed <= 5 {
			t.Errorf("call %d of %q: %s", i, ref, why)
		}
		l.mu.Unlock()
	}
}

// call makes one call and says what is wrong with its answer.
func (l *traffic) call(t *testing.T, client *http.Client, ref string, c *taken) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url+"/fn/"+movedName+ref, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	version, variant := resp.Header.Get("Hadron-Version"), resp.Header.Get("Hadron-Variant")
	switch c.version, _ = strconv.Atoi(version); {
	case err != nil:
		return err.Error()
	case resp.StatusCode != http.StatusOK:
		return fmt.Sprintf("%d %s", resp.StatusCode, body)
	case string(body) != version:
		return fmt.Sprintf("version %s answered %q", version, body)
	case variant != "" && variant != c.alias+"="+version:
		return fmt.Sprintf("version %s is called variant %q", version, variant)
	}
	return ""
}
