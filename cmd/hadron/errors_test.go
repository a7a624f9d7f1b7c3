package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"hadron/ui/wire"
)

// What failed, how often, since when and in which call is known after an orderly
// restart to the last call, goes on from there, and outlives kill -9.
func TestErrorGroupsOutliveTheServer(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/functions/e2e/core/flaky"
	dir := t.TempDir()
	p := startServer(t, dir, "--dev")
	p.want(http.StatusCreated, http.MethodPost, path+"/versions", map[string]any{
		"source": `export default { async fetch(request: Request) { throw new TypeError("basket " + new URL(request.url).searchParams.get("n") + " is gone") } }`,
	}, &wire.Registered{})
	fail := func(p *process) {
		t.Helper()
		if status, body := p.call(http.MethodGet, "/fn/e2e/core/flaky?n=7", nil); status != http.StatusInternalServerError {
			t.Fatalf("%d: %s", status, body)
		}
	}
	group := func(p *process, count ...int64) (g wire.ErrorGroup) {
		t.Helper()
		eventually(t, "one group of errors", 20*time.Second, func() (bool, string) {
			var list wire.List[wire.ErrorGroup]
			p.want(http.StatusOK, http.MethodGet, path+"/errors", nil, &list)
			if len(list.Items) != 1 || !slices.Contains(count, list.Items[0].Count) {
				return false, sprint(list.Items)
			}
			g = list.Items[0]
			return true, ""
		})
		return g
	}
	at := func(a, b time.Time) bool { return a.Sub(b).Abs() < time.Millisecond } // the database keeps microseconds
	same := func(when string, got, want wire.ErrorGroup) {
		t.Helper()
		if got.Fingerprint != want.Fingerprint || got.Code != "function_error" || got.Message != want.Message || !at(got.FirstSeen, want.FirstSeen) ||
			got.Request == "" || !slices.Equal(got.Versions, []int{1}) || len(got.Stack) == 0 || got.Stack[0] != want.Stack[0] {
			t.Fatalf("%s: %+v, want %+v", when, got, want)
		}
	}
	for range 3 {
		fail(p)
	}
	first := group(p, 3)
	if code := p.stop(); code != 0 {
		t.Fatalf("the server ended with %d", code)
	}

	p = startServer(t, dir, "--dev")
	restarted := group(p, 3)
	same("after a restart", restarted, first)
	if !at(restarted.LastSeen, first.LastSeen) || restarted.Request != first.Request {
		t.Fatalf("after a restart %+v, want %+v", restarted, first)
	}
	fail(p)
	more := group(p, 4)
	same("after one more", more, first)
	if !more.LastSeen.After(first.LastSeen) {
		t.Fatalf("last seen at %s, before that at %s", more.LastSeen, first.LastSeen)
	}
	p.kill()

	p = startServer(t, dir, "--dev")
	killed := group(p, 3, 4) // the last ten seconds may be lost, what was there before them is not
	same("after kill -9", killed, first)
	if known := []string{first.Request, more.Request}; !slices.Contains(known, killed.Request) {
		t.Fatalf("after kill -9 the sample is %s, none of %v", killed.Request, known)
	}
	fail(p)
	same("and goes on", group(p, killed.Count+1), first)
}
