package api_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/dashgen"
	"hadron/ui/api"
	"hadron/ui/client"
)

// The rules are asked for as they were, and of functions that the caller may know of.
func TestRules(t *testing.T) {
	var got api.RulesQuery
	s := serve(t, func(c *api.Config) {
		c.Rules = func(_ context.Context, q api.RulesQuery) ([]byte, error) {
			got = q
			return dashgen.Rules(dashgen.RulesSpec{Windows: q.Windows, Interval: time.Second, Labels: q.Labels}, q.Format)
		}
	})
	text, err := s.client(t, "hdn_growth").Rules(t.Context(), client.RuleOptions{
		Format: "prometheus-operator", Windows: []string{"30d", "7d"}, Tests: true, RulesFile: "a.yaml",
		Namespace: "ops", Datasource: "uid", Labels: []string{"a=b", "c=d=e,f"},
	})
	// A label's value cannot hold a comma, which is told; the query came whole all the same.
	if client.Code(err) != "invalid_request" || text != "" {
		t.Errorf("%q, %v", text, err)
	}
	want := []time.Duration{30 * 24 * time.Hour, 7 * 24 * time.Hour}
	if !slices.Equal(got.Windows, want) || !got.Tests || got.RulesFile != "a.yaml" || got.Namespace != "ops" || got.Datasource != "uid" || got.Labels["c"] != "d=e,f" {
		t.Errorf("%+v", got)
	}
	if !got.Visible("growth/signup/greeting") || got.Visible("payments/core/charge") {
		t.Error("a team is told of another's functions")
	}
	res, body := s.do(t, http.MethodGet, "/api/v1/rules?window=30d", "hdn_viewer", "")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/yaml" || !strings.Contains(body, "alert: SLOBurnRate") {
		t.Errorf("%d %s %.200s", res.StatusCode, res.Header.Get("Content-Type"), body)
	}
	for _, query := range []string{"format=nagios", "window=2d", "label=x", "format=prometheus-operator&label=x=" + strings.Repeat("y", 64)} {
		if res, body := s.do(t, http.MethodGet, "/api/v1/rules?"+query, "hdn_viewer", ""); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
}
