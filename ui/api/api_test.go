package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

const (
	greeting = function.Name("growth/signup/greeting")
	base     = "/api/v1/functions/growth/signup/greeting"
	source   = "export default () => new Response('hi')"
)

func TestRegisterAnswersTheReceipt(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	c := s.client(t, "hdn_admin")
	got, err := c.Register(t.Context(), string(greeting), "", wire.Register{Source: source, Manifest: json.RawMessage(`{"description":"says hi"}`), Message: "first"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || !got.Created || !got.Live || !strings.HasPrefix(got.Digest, "sha256:") || got.URL != s.URL+"/fn/growth/signup/greeting" ||
		got.Operability.Dashboard.UID != "hdn-1" || len(got.Operability.SLO.Objectives) != 2 || got.Operability.Alerts == nil {
		t.Errorf("first: %+v", got)
	}
	res, body := s.do(t, http.MethodPost, base+"/versions", "hdn_admin", `{"source":`+quote(source)+`,"manifest":{"description":"says hi"}}`)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"version":1`) || strings.Contains(body, "$schema") {
		t.Errorf("the same again: %s %s", res.Status, body)
	}
	res, body = s.do(t, http.MethodPost, base+"/versions", "hdn_admin", `{"source":"export default 2"}`)
	if res.StatusCode != http.StatusCreated || !strings.Contains(body, `"version":2`) || !strings.Contains(body, `"live":false`) {
		t.Errorf("second without alias: %s %s", res.Status, body)
	}
	if at := res.Header.Get("Location"); at != s.URL+base+"/versions/2" {
		t.Errorf("location %q", at)
	}
	third, err := c.Register(t.Context(), string(greeting), "live", wire.Register{Source: "export default 3"})
	if err != nil || third.Version != 3 || !third.Live || third.Previous != 1 {
		t.Errorf("third with alias: %+v %v", third, err)
	}
	text, err := c.Source(t.Context(), string(greeting), "1")
	if err != nil || text != source {
		t.Errorf("source: %q %v", text, err)
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *api.Config) { c.MaxUpload = 1 << 10 })
	post := func(status int, code, path, body string) wire.Problem {
		t.Helper()
		return s.refused(t, status, code, http.MethodPost, path, "hdn_admin", body)
	}
	p := post(422, "source_invalid", base+"/versions", `{"source":"syntax error"}`)
	if p.Line != 14 || p.Column != 9 || p.File != "src/index.ts" || p.Frame == "" {
		t.Errorf("source problem: %+v", p)
	}
	p = post(422, "manifest_invalid", base+"/versions", `{"source":"x","manifest":{"slo":{"window":"2d"}}}`)
	if !strings.Contains(p.Detail, "slo.window") {
		t.Errorf("manifest problem: %+v", p)
	}
	post(422, "manifest_invalid", base+"/versions", `{"source":"x","manifest":[1]}`)
	post(422, "manifest_invalid", base+"/versions", `{"source":"x","manifest":{"title":"x"}}`)
	post(400, "name_invalid", "/api/v1/functions/Growth/signup/greeting/versions", `{"source":"x"}`)
	post(400, "name_invalid", "/api/v1/functions/growth/signup/a%2Fb/versions", `{"source":"x"}`)
	post(400, "invalid_request", base+"/versions", ``)
	post(400, "invalid_request", base+"/versions", `{"source":`)
	post(400, "invalid_request", base+"/versions", `{"source":"x"} {}`)
	post(400, "invalid_request", base+"/versions", `{"source":7}`)
	post(400, "invalid_request", base+"/versions", `{"sauce":"x"}`)
	post(422, "alias_invalid", base+"/versions?alias=Live", `{"source":"x"}`)
	post(413, "body_too_large", base+"/versions", `{"source":"`+strings.Repeat("x", 2000)+`"}`)
	s.refused(t, 404, "function_not_found", http.MethodGet, base, "hdn_admin", "")
}

func TestFunctionsListFilterAndPage(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for i := range 5 {
		s.register(t, function.Name(fmt.Sprintf("growth/signup/f%d", i)), source, "")
	}
	s.register(t, "payments/core/charge", source, "")
	c := s.client(t, "hdn_admin")
	pages := 0
	all, err := client.All(func(cursor string) (wire.List[wire.Function], error) {
		pages++
		return c.Functions(t.Context(), client.FunctionFilter{Page: client.Page{Cursor: cursor, Limit: 2}})
	})
	if err != nil || len(all) != 6 || pages != 3 {
		t.Fatalf("%d functions in %d pages, %v", len(all), pages, err)
	}
	if f := all[0]; f.Function != "growth/signup/f0" || f.Live == nil || f.Live.Weights[0].Version != 1 || f.Spec.Timeout != "2s" || f.Spec.SLO.Window != "30d" {
		t.Errorf("first: %+v", f)
	}
	some, err := c.Functions(t.Context(), client.FunctionFilter{Team: "payments", Query: "CHAR"})
	if err != nil || len(some.Items) != 1 || some.Next != "" {
		t.Errorf("filtered: %+v %v", some, err)
	}
	scoped, err := s.client(t, "hdn_payments").Functions(t.Context(), client.FunctionFilter{})
	if err != nil || len(scoped.Items) != 1 || scoped.Items[0].Function != "payments/core/charge" {
		t.Errorf("scoped: %+v %v", scoped, err)
	}
	foreign, err := s.client(t, "hdn_payments").Functions(t.Context(), client.FunctionFilter{Team: "growth"})
	if err != nil || len(foreign.Items) != 0 {
		t.Errorf("foreign: %+v %v", foreign, err)
	}
	s.refused(t, 400, "invalid_request", http.MethodGet, "/api/v1/functions?cursor=zzz!", "hdn_admin", "")
	s.refused(t, 400, "invalid_request", http.MethodGet, "/api/v1/functions?limit=many", "hdn_admin", "")
	s.refused(t, 400, "invalid_request", http.MethodGet, "/api/v1/functions?limit=0", "hdn_admin", "")
	s.refused(t, 400, "invalid_request", http.MethodGet, "/api/v1/functions?project=core", "hdn_admin", "")
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	for i := range 5 {
		s.register(t, greeting, fmt.Sprintf("export default %d", i), "live")
	}
	c := s.client(t, "hdn_viewer")
	all, err := client.All(func(cursor string) (wire.List[wire.Version], error) {
		return c.Versions(t.Context(), string(greeting), client.Page{Cursor: cursor, Limit: 2})
	})
	if err != nil || len(all) != 5 || all[0].Version != 5 || all[4].Version != 1 || !slices.Equal(all[0].Aliases, []string{"live"}) || all[0].Author != "ada" {
		t.Fatalf("%+v %v", all, err)
	}
	for _, selector := range []string{"3", all[2].Digest, all[2].Digest[:19]} {
		v, err := c.Version(t.Context(), string(greeting), selector)
		if err != nil || v.Version != 3 || !strings.Contains(string(v.Manifest), `"timeout":"2s"`) {
			t.Errorf("%s: %+v %v", selector, v, err)
		}
	}
	s.refused(t, 404, "version_not_found", http.MethodGet, base+"/versions/9", "hdn_admin", "")
	s.refused(t, 404, "alias_not_found", http.MethodGet, base+"/versions/beta", "hdn_admin", "")
	s.refused(t, 400, "invalid_request", http.MethodGet, base+"/versions/01", "hdn_admin", "")
	s.refused(t, 404, "version_not_found", http.MethodGet, base+"/versions/9/source", "hdn_admin", "")
}

func TestAliasWithETag(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, "export default 1", "")
	s.register(t, greeting, "export default 2", "live")
	c := s.client(t, "hdn_growth")
	alias, etag, err := c.Alias(t.Context(), string(greeting), "live")
	if err != nil || etag == "" || alias.Weights[0].Version != 2 {
		t.Fatalf("%+v %q %v", alias, etag, err)
	}
	split := wire.PutAlias{Weights: []wire.Weight{{Version: 1, Weight: 95}, {Version: 2, Weight: 5}}, Sticky: &wire.Sticky{Header: "X-User", Cookie: "visitor", Issue: true}}
	put, newer, err := c.PutAlias(t.Context(), string(greeting), "live", split, client.PutOptions{IfMatch: etag})
	if err != nil || newer == etag || len(put.Weights) != 2 || put.Sticky == nil || *put.Sticky != *split.Sticky {
		t.Fatalf("%+v %q %v", put, newer, err)
	}
	if _, _, err = c.PutAlias(t.Context(), string(greeting), "live", split, client.PutOptions{IfMatch: etag}); client.Code(err) != "stale" {
		t.Errorf("stale: %v", err)
	}
	for _, match := range []string{`"x"`, `W/"1"`, "1", etag + ", " + newer} {
		s.refused(t, 412, "stale", http.MethodPut, base+"/aliases/live", "hdn_admin", `{"weights":[{"version":1,"weight":1}]}`, "If-Match", match)
	}
	s.refused(t, 412, "stale", http.MethodPut, base+"/aliases/beta", "hdn_admin", `{"weights":[{"version":1,"weight":1}]}`, "If-Match", "*")
	res, _ := s.do(t, http.MethodPut, base+"/aliases/live", "hdn_admin", `{"weights":[{"version":1,"weight":1}]}`, "If-Match", "*")
	if res.StatusCode != http.StatusOK || res.Header.Get("ETag") == "" {
		t.Errorf("If-Match *: %s", res.Status)
	}
	for body, code := range map[string]string{
		`{"weights":[]}`: "alias_invalid", `{"weights":[{"version":1,"weight":0}]}`: "alias_invalid",
		`{"weights":[{"version":1,"weight":-1}]}`: "alias_invalid", `{}`: "alias_invalid",
	} {
		s.refused(t, 422, code, http.MethodPut, base+"/aliases/live", "hdn_admin", body)
	}
	s.refused(t, 400, "invalid_request", http.MethodPut, base+"/aliases/live", "hdn_admin", `{"weights":[{"version":1,"weight":0.5}]}`)
	s.refused(t, 404, "version_not_found", http.MethodPut, base+"/aliases/live", "hdn_admin", `{"weights":[{"version":9,"weight":1}]}`)
	s.refused(t, 422, "alias_invalid", http.MethodPut, base+"/aliases/Live", "hdn_admin", `{"weights":[{"version":1,"weight":1}]}`)
	s.refused(t, 404, "alias_not_found", http.MethodGet, base+"/aliases/beta", "hdn_admin", "")
}

func TestRollback(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, "export default 1", "")
	s.refused(t, 409, "no_previous_version", http.MethodPost, base+"/rollback", "hdn_admin", `{}`)
	s.register(t, greeting, "export default 2", "live")
	res, _ := s.do(t, http.MethodPost, base+"/rollback", "hdn_admin", ``)
	if res.StatusCode != http.StatusOK {
		t.Errorf("without a body: %s", res.Status)
	}
	s.register(t, greeting, "export default 2", "live")
	c := s.client(t, "hdn_signup")
	back, err := c.Rollback(t.Context(), string(greeting), 0)
	if err != nil || back.Version != 1 || back.From != 2 || back.Name != "live" || back.Weights[0].Version != 1 {
		t.Fatalf("%+v %v", back, err)
	}
	if back, err = c.Rollback(t.Context(), string(greeting), 2); err != nil || back.Version != 2 {
		t.Errorf("to 2: %+v %v", back, err)
	}
	s.refused(t, 404, "version_not_found", http.MethodPost, base+"/rollback", "hdn_admin", `{"version":9}`)
	s.refused(t, 400, "invalid_request", http.MethodPost, base+"/rollback", "hdn_admin", `{"version":-1}`)
}

func TestDeleteAndDeployments(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, "export default 1", "")
	s.register(t, "payments/core/charge", "export default 1", "")
	s.register(t, greeting, "export default 2", "live")
	res, body := s.do(t, http.MethodDelete, base, "hdn_growth", "")
	if res.StatusCode != http.StatusNoContent || body != "" {
		t.Fatalf("%s %q", res.Status, body)
	}
	s.refused(t, 404, "function_not_found", http.MethodGet, base, "hdn_admin", "")
	s.refused(t, 404, "function_not_found", http.MethodDelete, base, "hdn_admin", "")

	c := s.client(t, "hdn_admin")
	all, err := client.All(func(cursor string) (wire.List[wire.Deployment], error) {
		return c.Deployments(t.Context(), "", client.Page{Cursor: cursor, Limit: 1})
	})
	var kinds []string
	for _, d := range all {
		kinds = append(kinds, d.Kind)
	}
	if err != nil || !slices.Equal(kinds, []string{"deleted", "deployed", "deployed", "deployed"}) {
		t.Fatalf("%v %v", kinds, err)
	}
	if d := all[1]; d.Function != string(greeting) || d.From[0].Version != 1 || d.To[0].Version != 2 || d.Author != "ada" {
		t.Errorf("deployed: %+v", d)
	}
	one, err := c.Deployments(t.Context(), string(greeting), client.Page{})
	if err != nil || len(one.Items) != 3 || one.Items[0].Author != "gus" || one.Items[0].To == nil {
		t.Errorf("of one: %+v %v", one, err)
	}
	scoped, err := s.client(t, "hdn_payments").Deployments(t.Context(), "", client.Page{Limit: 1})
	if err != nil || len(scoped.Items) != 1 || scoped.Items[0].Function != "payments/core/charge" {
		t.Errorf("scoped: %+v %v", scoped, err)
	}
}

func TestHealthErrorsAlertsAndSystem(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, source, "")
	s.register(t, "payments/core/cold", source, "")
	c := s.client(t, "hdn_admin")
	h, err := c.Health(t.Context(), string(greeting))
	if err != nil || h.State != "healthy" || h.Versions == nil || h.Trend == nil {
		t.Errorf("health: %+v %v", h, err)
	}
	if h, err = c.Health(t.Context(), "payments/core/cold"); err != nil || h.State != "unknown" || h.Availability != 0.999 {
		t.Errorf("unmeasured: %+v %v", h, err)
	}
	s.refused(t, 404, "function_not_found", http.MethodGet, "/api/v1/functions/a/b/c/health", "hdn_admin", "")
	_, body := s.do(t, http.MethodGet, base+"/health", "hdn_admin", "")
	if !strings.Contains(body, `"p50":null`) {
		t.Errorf("null is not shown: %s", body)
	}
	if all, err := c.Healths(t.Context()); err != nil || len(all.Items) != 2 {
		t.Errorf("healths: %+v %v", all, err)
	}
	if some, err := s.client(t, "hdn_payments").Healths(t.Context()); err != nil || len(some.Items) != 1 {
		t.Errorf("scoped healths: %+v %v", some, err)
	}
	if groups, err := c.Errors(t.Context(), string(greeting)); err != nil || len(groups.Items) != 1 {
		t.Errorf("errors: %+v %v", groups, err)
	}
	if alerts, err := s.client(t, "hdn_payments").Alerts(t.Context()); err != nil || len(alerts.Items) != 1 {
		t.Errorf("alerts: %+v %v", alerts, err)
	}
	if op, err := c.Operability(t.Context(), string(greeting)); err != nil || op.Dashboard.State != wire.Ready {
		t.Errorf("operability: %+v %v", op, err)
	}
	if d, err := c.Dashboard(t.Context(), string(greeting)); err != nil || d.Title != string(greeting) || len(d.Rows) != 1 {
		t.Errorf("dashboard: %+v %v", d, err)
	}
	if sys, err := c.System(t.Context()); err != nil || sys.Version != "test" || sys.State != wire.PartOK {
		t.Errorf("system: %+v %v", sys, err)
	}
	schema, err := c.ManifestSchema(t.Context())
	if err != nil || !json.Valid([]byte(schema)) {
		t.Errorf("schema: %q %v", schema, err)
	}
}

func TestPartsThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *api.Config) {
		*c = api.Config{Registry: c.Registry, Authenticate: c.Authenticate}
	})
	s.register(t, greeting, source, "")
	for _, path := range []string{base + "/health", base + "/errors", base + "/operability", base + "/dashboard", base + "/logs", "/api/v1/health", "/api/v1/alerts", "/api/v1/live"} {
		s.refused(t, 501, "not_available", http.MethodGet, path, "hdn_admin", "")
	}
	got, err := s.client(t, "hdn_admin").Register(t.Context(), string(greeting), "", wire.Register{Source: "export default 2"})
	if err != nil || got.Operability.Dashboard.State != wire.Pending {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, source, "")
	res, _ := s.do(t, http.MethodGet, base, "", "")
	if got := res.Header.Get("WWW-Authenticate"); got != `Bearer realm="hadron"` {
		t.Errorf("challenge %q", got)
	}
	s.refused(t, 401, "unauthorized", http.MethodGet, base, "", "")
	s.refused(t, 401, "unauthorized", http.MethodGet, base, "hdn_wrong", "")
	s.refused(t, 500, "internal", http.MethodGet, base, "hdn_unlucky", "") // not the token's fault
	s.refused(t, 401, "unauthorized", http.MethodPost, base+"/versions", "hdn_wrong", `{"source":"x"}`)
	p := s.refused(t, 403, "forbidden", http.MethodPost, base+"/versions", "hdn_viewer", `{"source":"x"}`)
	if !strings.Contains(p.Detail, "vera") || !strings.Contains(p.Detail, "viewer") {
		t.Errorf("forbidden: %q", p.Detail)
	}
	s.refused(t, 404, "function_not_found", http.MethodGet, base, "hdn_payments", "")
	s.refused(t, 403, "forbidden", http.MethodGet, base+"/logs", "hdn_invoker", "")
	s.refused(t, 403, "forbidden", http.MethodGet, "/api/v1/functions", "hdn_invoker", "")
	s.refused(t, 404, "function_not_found", http.MethodDelete, "/api/v1/functions/growth/other/greeting", "hdn_signup", "")
}

func TestBrowsersOfOtherSites(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *api.Config) { c.Dev = true; c.ExternalURL = "http://hadron.example" })
	s.register(t, greeting, source, "")
	s.refused(t, 403, "cross_origin", http.MethodDelete, base, "hdn_admin", "", "Sec-Fetch-Site", "cross-site")
	s.refused(t, 403, "cross_origin", http.MethodPost, base+"/versions", "hdn_admin", `{"source":"x"}`, "Origin", "http://evil.example")
	s.refused(t, 403, "foreign_host", http.MethodGet, base, "hdn_admin", "", "Host", "evil.example")
	for _, header := range [][]string{
		{"Origin", s.URL}, {"Origin", "http://hadron.example"}, {"Sec-Fetch-Site", "same-origin"}, {"Host", "hadron.example"}, {"Host", "localhost:99"},
	} {
		if res, body := s.do(t, http.MethodPost, base+"/versions", "hdn_admin", `{"source":"x"}`, header...); res.StatusCode/100 != 2 {
			t.Errorf("%v: %s %s", header, res.Status, body)
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.refused(t, 404, "not_found", http.MethodGet, "/api/v1/nothing", "hdn_admin", "")
	s.refused(t, 404, "not_found", http.MethodGet, "/api/v2/functions", "hdn_admin", "")
	s.refused(t, 404, "not_found", http.MethodPost, "/api/v1/", "hdn_admin", "")
	s.refused(t, 405, "method_not_allowed", http.MethodPatch, base, "hdn_admin", "")
	res, _ := s.do(t, http.MethodPatch, base, "hdn_admin", "")
	if allow := res.Header.Get("Allow"); !strings.Contains(allow, "DELETE") || !strings.Contains(allow, "GET") {
		t.Errorf("allow %q", allow)
	}
}

func TestInternalErrorsSayNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	s.register(t, greeting, source, "")
	s.logs.fail = fmt.Errorf("open /secret/path: %w", http.ErrBodyNotAllowed)
	p := s.refused(t, 500, "internal", http.MethodGet, base+"/logs", "hdn_admin", "")
	if strings.Contains(p.Detail, "secret") {
		t.Errorf("it leaks: %q", p.Detail)
	}
}

// TestOpenAPI holds the description to what the routes do: every operation has
// an action and refuses who has no token, and none is missing.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	text, err := s.client(t, "").OpenAPI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string                     `json:"operationId"`
			Summary     string                     `json:"summary"`
			Action      string                     `json:"x-hadron-action"`
			Scope       string                     `json:"x-hadron-scope"`
			Responses   map[string]json.RawMessage `json:"responses"`
			RequestBody json.RawMessage            `json:"requestBody"`
			Parameters  []struct {
				Name, In string
			} `json:"parameters"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("openapi %q", spec.OpenAPI)
	}
	var ids []string
	bodiless := []string{"releaseVersion", "rekeySecrets", "pauseDeployment", "resumeDeployment"}
	for path, operations := range spec.Paths {
		for method, op := range operations {
			ids = append(ids, op.OperationID)
			method = strings.ToUpper(method)
			if op.Summary == "" || op.Responses["default"] == nil || op.Scope == "" || (op.Action == "") != (op.Scope == "open") {
				t.Errorf("%s %s is not described: %+v", method, path, op)
			}
			if takes := (method == http.MethodPost || method == http.MethodPut) && !slices.Contains(bodiless, op.OperationID); takes != (op.RequestBody != nil) {
				t.Errorf("%s %s: request body %s", method, path, op.RequestBody)
			}
			for _, part := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == part[1] && p.In == "path" }) {
					t.Errorf("%s %s: parameter %s is not described", method, path, part[1])
				}
			}
			address := strings.NewReplacer("{team}", "a", "{project}", "b", "{name}", "c", "{version}", "1", "{alias}", "live", "{id}", "1").Replace(path)
			if op.Scope != "open" && op.OperationID != "live" {
				s.refused(t, 401, "unauthorized", method, address, "", "")
			}
		}
	}
	slices.Sort(ids)
	want := []string{
		"abortDeployment", "acknowledgeIncident", "applyDashboards", "applyPagerServices", "backtestAlerts", "beginDeployment", "createSession", "createSilence", "createToken",
		"deleteFreeze", "deleteFunction", "deleteProject", "deleteProjectSecret", "deleteTeam", "deleteTeamSecret", "diffVersions", "endSession",
		"endSilence", "finishSignIn", "getAlertTest", "getAlias", "getDashboard", "getDashboards", "getDeployment", "getEverythingDashboard", "getFlame",
		"getFreeze", "getFunction", "getHealth", "getLogs", "getManifestSchema", "getOperability", "getPagerServices", "getPipelineSchema", "getPlatformDashboard",
		"getProfile", "getProject", "getProjectDashboard", "getRules", "getSession", "getSource", "getSystem", "getTeam", "getTeamDashboard", "getTrace",
		"getUpload", "getVersion", "listAlerts", "listChanges", "listDeployments", "listErrors", "listFunctionDeployments", "listFunctionIncidents",
		"listFunctions", "listHealth", "listIncidents", "listProjectSecrets", "listProjects", "listSilences", "listTeamSecrets", "listTeams", "listTokens",
		"listTraces", "listVersions", "live", "pagerDutyWebhook", "pauseDeployment", "planDashboards", "previewDashboard", "promoteDeployment", "putAlias",
		"putFreeze", "putProject", "putProjectSecret", "putTeam", "putTeamSecret", "registerVersion", "rekeySecrets", "releaseVersion", "resumeDeployment",
		"revokeToken", "rollback", "setObjectives", "startSignIn", "testAlerts",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("operations %v\nwant       %v", ids, want)
	}
	if _, there := spec.Components.Schemas["ErrorModel"]; there || strings.Contains(text, "$schema") {
		t.Error("huma's own error is described")
	}
}

func TestConfigSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := api.New(api.Config{}); err == nil {
		t.Error("a Config without Registry was taken")
	}
}
