package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// endedIncidents are over, newest first: by turns one of growth and one of payments.
type endedIncidents struct {
	n     int
	reads int
}

func (e *endedIncidents) Open(context.Context) ([]wire.Incident, error) {
	return []wire.Incident{{Function: "growth/signup/greeting", SLO: "availability"}, {Function: "payments/core/charge", SLO: "availability"}}, nil
}

func (e *endedIncidents) Ended(_ context.Context, scope string, before int64, limit int) ([]wire.Incident, error) {
	e.reads++
	var out []wire.Incident
	for id := int64(e.n); id > 0 && len(out) < limit; id-- {
		name := "growth/signup/greeting"
		if id%2 == 0 {
			name = "payments/core/charge"
		}
		if (before == 0 || id < before) && (scope == "" || scope == function.Name(name).Team()) {
			out = append(out, wire.Incident{ID: id, Function: name, SLO: fmt.Sprint(id)})
		}
	}
	return out, nil
}

func (e *endedIncidents) Acknowledge(context.Context, string, function.Name, string, string) (wire.Incident, error) {
	return wire.Incident{}, nil
}

func TestEndedIncidentsAreThoseThatTheCallerMayRead(t *testing.T) {
	t.Parallel()
	all := &endedIncidents{n: 11_000}
	s := serve(t, func(c *api.Config) { c.Incidents = all })
	growth, admin := s.client(t, "hdn_growth"), s.client(t, "hdn_admin")
	ids := func(list wire.List[wire.Incident], err error) (out []int64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range list.Items {
			out = append(out, in.ID)
		}
		return out
	}
	first, err := growth.EndedIncidents(t.Context(), "", client.Page{Limit: 3})
	if got := ids(first, err); !slices.Equal(got, []int64{10_999, 10_997, 10_995}) || first.Next == "" {
		t.Errorf("the first page: %v, next %q", got, first.Next)
	}
	second, err := growth.EndedIncidents(t.Context(), "", client.Page{Limit: 3, Cursor: first.Next})
	if got := ids(second, err); !slices.Equal(got, []int64{10_993, 10_991, 10_989}) {
		t.Errorf("the second: %v", got)
	}
	if got := ids(admin.EndedIncidents(t.Context(), "payments", client.Page{Limit: 2})); !slices.Equal(got, []int64{11_000, 10_998}) {
		t.Errorf("of a team: %v", got)
	}

	// Who may read next to nothing does not have the server read everything at once.
	all.reads = 0
	page, err := s.client(t, "hdn_as=viewer:elsewhere").EndedIncidents(t.Context(), "", client.Page{})
	if got := ids(page, err); len(got) != 0 || page.Next == "" || all.reads > 10 {
		t.Errorf("of others: %v, next %q after %d reads", got, page.Next, all.reads)
	}
	page, err = s.client(t, "hdn_as=viewer:elsewhere").EndedIncidents(t.Context(), "", client.Page{Cursor: "5"})
	if got := ids(page, err); len(got) != 0 || page.Next != "" {
		t.Errorf("the end: %v, next %q", got, page.Next)
	}

	if open := ids(admin.Incidents(t.Context(), "", client.Page{})); len(open) != 2 {
		t.Errorf("open ones: %v", open)
	}
	for _, query := range []string{"?state=over", "?state=ended&cursor=x", "?state=ended&limit=0"} {
		if resp, _ := s.do(t, http.MethodGet, "/api/v1/incidents"+query, "hdn_admin", ""); resp.StatusCode/100 != 4 {
			t.Errorf("%s: %d", query, resp.StatusCode)
		}
	}
}
