package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// recorded is a profile of which fetch took 10 ms, 6 of them in render and 3 of
// those in a function of the same name that it called.
func recorded(t *testing.T) []byte {
	t.Helper()
	names := []*profile.Function{{ID: 1, Name: "fetch", Filename: "index.ts", StartLine: 3}, {ID: 2, Name: "render", Filename: "page.ts", StartLine: 7}, {ID: 3, Name: "tiny", Filename: "page.ts"}}
	var locations []*profile.Location
	for i, f := range names {
		locations = append(locations, &profile.Location{ID: uint64(i + 1), Line: []profile.Line{{Function: f, Line: f.StartLine + 1}}})
	}
	fetch, render, tiny := locations[0], locations[1], locations[2]
	sample := func(ns int64, stack ...*profile.Location) *profile.Sample {
		return &profile.Sample{Location: stack, Value: []int64{ns / 1e6, ns}}
	}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}, DurationNanos: 5e9,
		Function: names, Location: locations,
		Sample: []*profile.Sample{sample(4e6, fetch), sample(3e6, render, fetch), sample(3e6, render, render, fetch), sample(10, tiny, fetch)},
	}
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFlame(t *testing.T) {
	t.Parallel()
	data := recorded(t)
	s := serve(t, func(c *api.Config) {
		c.Profile = func(context.Context, function.ID, time.Duration) ([]byte, error) { return data, nil }
	})
	const name = "growth/signup/greeting"
	s.register(t, name, "export default () => 1", "")
	resp, body := s.do(t, http.MethodGet, "/api/v1/functions/"+name+"/flame?seconds=5", "hdn_growth", "")
	var got wire.Flame
	if err := json.NewDecoder(strings.NewReader(body)).Decode(&got); resp.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("%d %s %v", resp.StatusCode, body, err)
	}
	if got.Seconds != 5 || got.Samples != 10 || !got.Pruned || got.Root.Total < 0.01 || len(got.Root.Children) != 1 {
		t.Fatalf("%+v", got)
	}
	fetch := got.Root.Children[0]
	if fetch.Name != "fetch" || fetch.File != "index.ts" || fetch.Line != 3 || fetch.Self != 0.004 || len(fetch.Children) != 1 {
		t.Fatalf("%+v", fetch)
	}
	if render := fetch.Children[0]; render.Self != 0.003 || render.Total != 0.006 || len(render.Children) != 1 || render.Children[0].Total != 0.003 {
		t.Errorf("%+v", render)
	}
	if resp, _ := s.do(t, http.MethodGet, "/api/v1/functions/payments/core/charge/flame", "hdn_growth", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("another team's: %d", resp.StatusCode)
	}
}
