package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"hadron/runtime/function"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// Other objectives make a version of the same module, that live points at; what stands
// against it leaves everything as it was.
func TestObjectivesMakeAVersion(t *testing.T) {
	s := serve(t, nil)
	const name = "growth/signup/greeting"
	const base = "/api/v1/functions/" + name
	s.register(t, name, "export default 1", "")
	c := s.client(t, "hdn_admin")
	change := func(version int, slo string) (wire.Registered, error) {
		return c.SetObjectives(t.Context(), name, wire.SetObjectives{Version: version, SLO: json.RawMessage(slo), Message: "stricter"})
	}
	got, err := change(1, `{"availability":99.5,"latency":[{"quantile":0.95,"threshold":"200ms"}],"window":"7d"}`)
	if err != nil || got.Version != 2 || !got.Created || !got.Live || got.Previous != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	v, err := s.registry.Version(t.Context(), function.ID{Name: name, Version: 2})
	if err != nil || v.Manifest.SLO.Availability != 99.5 || v.Manifest.SLO.Window.String() != "7d" || v.Message != "stricter" {
		t.Errorf("%+v, %v", v, err)
	}
	_, one := s.do(t, http.MethodGet, base+"/versions/1/upload", "hdn_admin", "")
	_, two := s.do(t, http.MethodGet, base+"/versions/2/upload", "hdn_admin", "")
	var before, after wire.Upload
	if json.Unmarshal([]byte(one), &before) != nil || json.Unmarshal([]byte(two), &after) != nil || after.Source != before.Source || after.SourceMap != before.SourceMap {
		t.Errorf("%s\n%s", one, two)
	}
	// What else the manifest says stays; objectives in another order of keys are the same.
	if got, err := change(2, `{"window":"7d","availability":99.5,"latency":[{"threshold":"200ms","quantile":0.95}]}`); err != nil || got.Created || got.Version != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for what, refused := range map[string]func() error{
		"manifest_invalid": func() error { _, err := change(2, `{"availability":101}`); return err },
		"conflict":         func() error { _, err := change(1, `{"availability":99}`); return err },
		"invalid_request":  func() error { _, err := change(2, `null`); return err },
		"forbidden": func() error {
			_, err := s.client(t, "hdn_viewer").SetObjectives(t.Context(), name, wire.SetObjectives{Version: 2, SLO: json.RawMessage(`{"availability":99}`)})
			return err
		},
	} {
		if err := refused(); client.Code(err) != what {
			t.Errorf("%v, want %s", err, what)
		}
	}
	res, body := s.do(t, http.MethodPut, base+"/aliases/live", "hdn_admin", `{"weights":[{"version":1,"weight":1},{"version":2,"weight":1}]}`)
	if res.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
	if _, err := change(2, `{"availability":99}`); client.Code(err) != "conflict" {
		t.Errorf("while live is split: %v", err)
	}
}
