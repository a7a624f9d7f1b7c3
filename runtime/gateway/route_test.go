package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/gateway"
	"hadron/runtime/invocation"
)

// reply answers with the version's number, in the body and in X-Version.
var reply = invoke(func(_ context.Context, r *invocation.Request, w invocation.Writer) invocation.Outcome {
	number := strconv.Itoa(r.Version.Version)
	if w.Head(200, http.Header{"X-Version": {number}}, false) == nil {
		_ = w.Write([]byte(number))
	}
	return ok
})

// hit calls the gateway without a network.
func hit(g http.Handler, path string, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, path, nil)
	for name, values := range header {
		req.Header[name] = values
	}
	rec := httptest.NewRecorder()
	g.ServeHTTP(rec, req)
	return rec
}

func weighted(weights []function.Weight, sticky function.Sticky) function.Function {
	f := function2(greeting, "public", 1)
	f.Versions = nil
	for _, w := range weights {
		f.Versions = append(f.Versions, function.Version{ID: function.ID{Name: greeting, Version: w.Version}, Manifest: f.Spec})
		f.Latest = max(f.Latest, w.Version)
	}
	f.Aliases[0].Weights, f.Aliases[0].Sticky = weights, sticky
	return f
}

func TestAliasWeightsAreMet(t *testing.T) {
	g := open(t, reply, nil)
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) function.Weight {
			return function.Weight{Version: rapid.IntRange(1, 20).Draw(t, "version"), Weight: rapid.IntRange(0, 100).Draw(t, "weight")}
		}), 1, 5, func(w function.Weight) int { return w.Version }).Draw(t, "weights")
		sum := 0
		for _, w := range weights {
			sum += w.Weight
		}
		if sum == 0 {
			return
		}
		by := rapid.SampledFrom([]string{"chance", "header", "cookie", "both"}).Draw(t, "by")
		sticky := map[string]function.Sticky{"header": {Header: "x-user"}, "cookie": {Cookie: "visitor"}, "both": {Header: "X-User", Cookie: "visitor"}}[by]
		g.Apply(weighted(weights, sticky))
		const n = 800
		got := map[int]int{}
		for i := range n {
			user := fmt.Sprintf("user-%d", i)
			header := http.Header{"X-User": {user}, "Cookie": {"a=b; visitor=" + user}}
			rec := hit(g, "/fn/"+string(greeting), header)
			v, err := strconv.Atoi(rec.Body.String())
			if err != nil {
				t.Fatalf("%d %s", rec.Code, rec.Body)
			}
			got[v]++
			if by != "chance" && i%50 == 0 {
				if again := hit(g, "/fn/"+string(greeting), header).Body.String(); again != strconv.Itoa(v) {
					t.Fatalf("%s met %d, then %s", user, v, again)
				}
			}
		}
		for _, w := range weights {
			p := float64(w.Weight) / float64(sum)
			if off := math.Abs(float64(got[w.Version]) - n*p); off > 6*math.Sqrt(n*p*(1-p)) {
				t.Errorf("version %d by %s: %d of %d, want about %.0f", w.Version, by, got[w.Version], n, n*p)
			}
		}
	})
}

// Whoever met the new version keeps meeting it as its share grows.
func TestStickyVisitorsStayAsTheShareGrows(t *testing.T) {
	g := open(t, reply, nil)
	met := map[string]bool{}
	for _, share := range []int{1, 5, 20, 50, 100} {
		g.Apply(weighted([]function.Weight{{Version: 1, Weight: 100 - share}, {Version: 2, Weight: share}}, function.Sticky{Header: "X-User"}))
		for i := range 500 {
			user := strconv.Itoa(i)
			isNew := hit(g, "/fn/"+string(greeting), http.Header{"X-User": {user}}).Body.String() == "2"
			if met[user] && !isNew {
				t.Fatalf("user %s went back at %d %%", user, share)
			}
			met[user] = isNew
		}
	}
}

func TestApplyIsInEffectWhenItReturned(t *testing.T) {
	g := open(t, reply, nil)
	for i := range 100 {
		live := 1 + i%2
		g.Apply(function2(greeting, "public", live))
		if rec := hit(g, "/fn/"+string(greeting), nil); rec.Body.String() != strconv.Itoa(live) || rec.Header().Get("Hadron-Version") != strconv.Itoa(live) {
			t.Fatalf("repointed to %d, got %s", live, rec.Body)
		}
	}
	g.Remove(greeting)
	if rec := hit(g, "/fn/"+string(greeting), nil); rec.Code != 404 {
		t.Fatalf("after removal: %d", rec.Code)
	}
	g.Remove(greeting)
}

// While versions are repointed, functions made and removed beside it, no call fails
// and none sees one version's header with another's body.
func TestRepointUnderLoad(t *testing.T) {
	g := open(t, reply, nil)
	var stop atomic.Bool
	var callers, operators sync.WaitGroup
	cl := client(t)
	for range 4 {
		callers.Go(func() {
			for range 300 {
				res, err := cl.Get(g.url + "/fn/growth/signup/greeting")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK || string(body) != res.Header.Get("Hadron-Version") || string(body) != res.Header.Get("X-Version") {
					t.Errorf("%d %q, header %s: %v", res.StatusCode, body, res.Header.Get("Hadron-Version"), err)
					return
				}
			}
		})
	}
	operators.Go(func() {
		for i := 0; !stop.Load(); i++ {
			g.Apply(function2(greeting, "public", 1+i%2))
		}
	})
	operators.Go(func() {
		for i := 0; !stop.Load(); i++ {
			name := function.Name(fmt.Sprintf("growth/signup/f%d", i%50))
			g.Apply(function2(name, "public", 1))
			g.Remove(name)
		}
	})
	callers.Wait()
	stop.Store(true)
	operators.Wait()
	if len(g.outcomes) != 1200 || g.begun != 1200 || len(g.refused) != 0 {
		t.Errorf("%d outcomes of %d begun, %d refused", len(g.outcomes), g.begun, len(g.refused))
	}
}

// index is a Resolve that counts its questions.
type index struct {
	asked    atomic.Int64
	versions sync.Map // string → function.Version
	err      error
}

func (x *index) resolve(_ context.Context, ref function.Ref) (function.Version, error) {
	x.asked.Add(1)
	if x.err != nil {
		return function.Version{}, x.err
	}
	if v, found := x.versions.Load(ref.String()); found {
		return v.(function.Version), nil
	}
	return function.Version{}, fmt.Errorf("look up: %w", gateway.ErrNotFound)
}

func TestVersionsWithoutAliasAreLookedUpOnce(t *testing.T) {
	x := &index{}
	g := open(t, reply, func(c *gateway.Config) { c.Resolve, c.MaxResolved = x.resolve, 8 })
	f := function2(greeting, "public", 9)
	f.Latest = 9
	f.Versions = []function.Version{{ID: function.ID{Name: greeting, Version: 9}, Manifest: f.Spec}}
	g.Apply(f)
	digest := "sha256:0123456789ab"
	v3 := function.Version{ID: function.ID{Name: greeting, Version: 3}, Manifest: f.Spec}
	x.versions.Store(string(greeting)+"@3", v3)
	x.versions.Store(string(greeting)+"@"+digest, v3)

	for range 5 {
		for _, ref := range []string{"@3", "@" + digest} {
			if rec := hit(g, "/fn/"+string(greeting)+ref, nil); rec.Body.String() != "3" {
				t.Fatalf("%s: %d %s", ref, rec.Code, rec.Body)
			}
		}
	}
	if n := x.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	for range 5 {
		if rec := hit(g, "/fn/"+string(greeting)+"@5", nil); rec.Code != 404 {
			t.Fatalf("@5: %d", rec.Code)
		}
	}
	if n := x.asked.Load(); n != 3 {
		t.Errorf("asked %d times, want 3: a miss is remembered too", n)
	}
	hit(g, "/fn/"+string(greeting)+"@10", nil)
	hit(g, "/fn/"+string(greeting)+"@nope", nil)
	if n := x.asked.Load(); n != 3 {
		t.Errorf("asked %d times, want 3: no version is above the latest, and aliases are known", n)
	}
	// A miss does not outlive a change of the function.
	x.versions.Store(string(greeting)+"@5", function.Version{ID: function.ID{Name: greeting, Version: 5}, Manifest: f.Spec})
	g.Apply(f)
	if rec := hit(g, "/fn/"+string(greeting)+"@5", nil); rec.Body.String() != "5" {
		t.Errorf("@5 after the change: %d %s", rec.Code, rec.Body)
	}
	// Nothing is remembered of a function that was removed in between.
	g.Remove(greeting)
	x.versions.Delete(string(greeting) + "@3")
	g.Apply(f)
	if rec := hit(g, "/fn/"+string(greeting)+"@3", nil); rec.Code != 404 {
		t.Errorf("@3 of the function made anew: %d", rec.Code)
	}
	x.err = errors.New("the index is down")
	rec := hit(g, "/fn/"+string(greeting)+"@4", nil)
	if rec.Code != 503 || rec.Header().Get("Retry-After") == "" {
		t.Errorf("while the index is down: %d %s", rec.Code, rec.Body)
	}
}

func TestClosedFunctionsAreNotLookedUpForStrangers(t *testing.T) {
	x := &index{}
	g := open(t, reply, func(c *gateway.Config) { c.Resolve = x.resolve })
	f := function2(greeting, "team", 1)
	f.Latest = 100
	g.Apply(f)
	for i := range 50 {
		if rec := hit(g, fmt.Sprintf("/fn/%s@%d", greeting, 10+i), nil); rec.Code != 401 {
			t.Fatal(rec.Code)
		}
	}
	if n := x.asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestDedicatedListenerHasNoSandbox(t *testing.T) {
	g := open(t, text(200, http.Header{"Strict-Transport-Security": {"max-age=1"}, "Set-Cookie": {"hadron_x=1"}}, ""), nil)
	rec := hit(g.Dedicated(), "/fn/"+string(greeting), nil)
	if h := rec.Header(); h.Get("Content-Security-Policy") != "" || h.Get("Strict-Transport-Security") == "" || h.Get("Set-Cookie") != "" {
		t.Errorf("header %v", h)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := gateway.Config{Invoker: reply, Dev: true, ExternalURL: "http://127.0.0.1:8080"}
	if _, err := gateway.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*gateway.Config){
		"no invoker":  func(c *gateway.Config) { c.Invoker = nil },
		"no auth":     func(c *gateway.Config) { c.Dev = false },
		"no url":      func(c *gateway.Config) { c.ExternalURL = "" },
		"half a url":  func(c *gateway.Config) { c.ExternalURL = "/x" },
		"bad scheme":  func(c *gateway.Config) { c.ExternalURL = "ftp://x" },
		"negative":    func(c *gateway.Config) { c.MaxInFlight = -1 },
		"bad resolve": func(c *gateway.Config) { c.MaxResolved = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := gateway.New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
