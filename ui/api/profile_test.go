package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/ui/api"
	"hadron/ui/client"
)

func TestProfile(t *testing.T) {
	t.Parallel()
	type asked struct {
		id function.ID
		d  time.Duration
	}
	var got asked
	var fails error
	s := serve(t, func(c *api.Config) {
		c.Profile = func(_ context.Context, id function.ID, d time.Duration) ([]byte, error) {
			got = asked{id, d}
			return []byte("\x1f\x8b profile"), fails
		}
	})
	const name = "growth/signup/greeting"
	s.register(t, name, "export default () => 1", "")
	c := s.client(t, "hdn_growth")
	for _, want := range []struct {
		selector string
		version  int
	}{{"", 0}, {"1", 1}, {"live", 1}} {
		data, err := c.Profile(t.Context(), name, want.selector, 7*time.Second)
		if err != nil || string(data) != "\x1f\x8b profile" {
			t.Fatalf("%q, %v", data, err)
		}
		if got != (asked{function.ID{Name: name, Version: want.version}, 7 * time.Second}) {
			t.Errorf("asked for %+v", got)
		}
	}
	resp, _ := s.do(t, http.MethodGet, "/api/v1/functions/"+name+"/profile", "hdn_growth", "")
	if resp.StatusCode != http.StatusOK || got.d != 5*time.Second || resp.Header.Get("Content-Disposition") != `attachment; filename="growth.signup.greeting.pprof"` {
		t.Errorf("%d, %s, %v", resp.StatusCode, got.d, resp.Header)
	}
	for _, refused := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("profile: %w", invocation.ErrProfiling), http.StatusConflict, "profiling"},
		{fmt.Errorf("profile: %w", invocation.ErrNoSamples), http.StatusConflict, "no_samples"},
		{errors.New("the worker is away"), http.StatusInternalServerError, "internal"},
	} {
		fails = refused.err
		_, err := c.Profile(t.Context(), name, "", time.Second)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != refused.status || p.Code != refused.code {
			t.Errorf("%v: %v", refused.err, err)
		}
	}
	fails = fmt.Errorf("profile: %w", invocation.ErrProfiling)
	if resp, _ := s.do(t, http.MethodGet, "/api/v1/functions/"+name+"/profile", "hdn_growth", ""); resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for path, status := range map[string]int{
		name + "/profile?seconds=61":      http.StatusBadRequest,
		name + "/profile?seconds=0":       http.StatusBadRequest,
		name + "/profile?version=9":       http.StatusNotFound,
		"growth/signup/none/profile":      http.StatusNotFound,
		"payments/core/charge/profile":    http.StatusNotFound, // another team's
		"growth/signup/UPPER/profile?x=y": http.StatusBadRequest,
	} {
		if resp, body := s.do(t, http.MethodGet, "/api/v1/functions/"+path, "hdn_growth", ""); resp.StatusCode != status {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}
