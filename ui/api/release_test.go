package api_test

import (
	"context"
	"net/http"
	"testing"

	"hadron/runtime/function"
	"hadron/ui/api"
)

func TestRelease(t *testing.T) {
	t.Parallel()
	var asked []function.ID
	s := serve(t, func(c *api.Config) {
		c.Release = func(_ context.Context, id function.ID, by string) (bool, error) {
			if by != "gus" {
				t.Errorf("released by %q", by)
			}
			asked = append(asked, id)
			return len(asked) == 1, nil
		}
	})
	const name = "growth/signup/greeting"
	s.register(t, name, "export default () => 1", "")
	c := s.client(t, "hdn_growth")
	for i, selector := range []string{"1", "live"} {
		got, err := c.Release(t.Context(), name, selector)
		if err != nil || got.Function != name || got.Version != 1 || got.Released != (i == 0) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, path := range []string{name + "/versions/9", "growth/signup/nobody/versions/1", name + "/versions/no%20thing"} {
		if resp, _ := s.do(t, http.MethodPost, "/api/v1/functions/"+path+"/release", "hdn_growth", ""); resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if len(asked) != 2 || asked[0] != (function.ID{Name: name, Version: 1}) {
		t.Errorf("released %v", asked)
	}
	if resp, _ := s.do(t, http.MethodPost, "/api/v1/functions/"+name+"/versions/1/release", "", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %d", resp.StatusCode)
	}
}
