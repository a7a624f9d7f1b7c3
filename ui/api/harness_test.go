package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/runtime/tenant"
	"hadron/storage/sql/sqltest"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tokens are who the test servers know.
var tokens = map[string]access.Principal{
	"hdn_admin":    {Name: "ada", Grants: access.Granted(access.Admin, access.Everything)},
	"hdn_viewer":   {Name: "vera", Grants: access.Granted(access.Viewer, access.Everything)},
	"hdn_invoker":  {Name: "ivy", Grants: access.Granted(access.Invoker, access.Everything)},
	"hdn_growth":   {Name: "gus", Grants: access.Granted(access.Deployer, "growth")},
	"hdn_signup":   {Name: "sue", Grants: access.Granted(access.Deployer, "growth/signup")},
	"hdn_payments": {Name: "pat", Grants: access.Granted(access.Viewer, "payments")},
}

func authenticate(r *http.Request) (access.Principal, error) {
	token, has := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !has {
		return access.Principal{}, api.ErrNoToken
	}
	if token == "hdn_unlucky" {
		return access.Principal{}, errors.New("the database is away")
	}
	if grants, is := strings.CutPrefix(token, "hdn_as="); is {
		held, err := access.ParseGrants(strings.ReplaceAll(grants, ",", " "))
		return access.Principal{Name: "random", Grants: held}, err
	}
	who, known := tokens[token]
	if !known {
		return access.Principal{}, fmt.Errorf("look up: %w", tenant.ErrUnauthenticated)
	}
	return who, nil
}

// sourceError stands for what the project's builder says of bad source.
var sourceProblem = wire.Problem{
	Title: "The source cannot be built", Status: http.StatusUnprocessableEntity, Code: "source_invalid",
	Detail: `Unexpected "}"`, File: "src/index.ts", Line: 14, Column: 9, Frame: "  14 | }",
}

// server is a test server with its parts.
type server struct {
	*httptest.Server
	registry *registry.Registry
	logs     *fakeLogs
	stop     func()
}

func serve(t testing.TB, change func(*api.Config)) *server {
	t.Helper()
	s := &server{registry: registrytest.Start(t, sqltest.MustOpen(t).Registry()), logs: newFakeLogs()}
	stopping := make(chan struct{})
	s.stop = sync.OnceFunc(func() { close(stopping) })
	hosts := httptest.NewUnstartedServer(nil)
	cfg := api.Config{
		Registry: s.registry, Authenticate: authenticate, ExternalURL: "http://" + hosts.Listener.Addr().String() + "/", Version: "test",
		Health: func(name function.Name) (wire.Health, bool) { return healthOf(name), name != "payments/core/cold" },
		Healths: func() []wire.Health {
			return []wire.Health{healthOf("growth/signup/greeting"), healthOf("payments/core/charge")}
		},
		Errors: func(function.Name) []wire.ErrorGroup {
			return []wire.ErrorGroup{{Fingerprint: "f", Code: "function_error", Message: "boom", Stack: []wire.Frame{}, Versions: []int{1}}}
		},
		Operability: func(_ context.Context, fn function.Function) (wire.Operability, error) {
			return wire.Operability{
				Dashboard: wire.Dashboard{UID: "hdn-1", State: wire.Ready, Target: "files"},
				PagerDuty: wire.PagerDuty{State: wire.Disabled}, SLO: api.SLO(fn.Spec.SLO),
			}, nil
		},
		Dashboard: func(_ context.Context, fn function.Function) (wire.DashboardModel, error) {
			return wire.DashboardModel{Title: string(fn.Name), Rows: []wire.DashboardRow{{ID: 1000, Title: "Is it fine"}}}, nil
		},
		Alerts: func(context.Context) ([]wire.Alert, error) {
			return []wire.Alert{{Name: "burn", Function: "growth/signup/greeting"}, {Name: "burn", Function: "payments/core/charge"}}, nil
		},
		Logs: s.logs.query, FollowLogs: s.logs.follow, Stopping: stopping,
		Translate: func(err error) (wire.Problem, bool) { return sourceProblem, errors.Is(err, registrytest.ErrRefused) },
	}
	if change != nil {
		change(&cfg)
	}
	h, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	hosts.Config.Handler = h
	hosts.Start()
	s.Server = hosts
	t.Cleanup(func() {
		s.stop()
		hosts.Close()
	})
	return s
}

func healthOf(name function.Name) wire.Health {
	half := 0.5
	return wire.Health{Function: string(name), State: "healthy", Reason: "all is well", ErrorRatio: &half}
}

func (s *server) client(t testing.TB, token string) *client.Client {
	t.Helper()
	c, err := client.New(s.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// do sends a request and returns status, header and body.
func (s *server) do(t testing.TB, method, path, token, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

// refused sends a request that must be refused with this status and code.
func (s *server) refused(t testing.TB, status int, code, method, path, token, body string, header ...string) wire.Problem {
	t.Helper()
	res, text := s.do(t, method, path, token, body, header...)
	var p wire.Problem
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%s %s: %s is no problem: %s", method, path, res.Status, text)
	}
	if res.StatusCode != status || p.Status != status || p.Code != code || p.Title == "" || p.Detail == "" {
		t.Fatalf("%s %s: got %s %+v, want %d %s", method, path, res.Status, p, status, code)
	}
	if got := res.Header.Get("Content-Type"); got != wire.ProblemType {
		t.Fatalf("%s %s: content type %q", method, path, got)
	}
	return p
}

// register registers a version of growth/signup/greeting, or of name.
func (s *server) register(t testing.TB, name function.Name, source, alias string) registry.Registered {
	t.Helper()
	done, err := s.registry.Register(t.Context(), registry.Registration{By: "ada", Name: name, Source: source, Alias: alias})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// fakeLogs is a log that remembers what it was asked.
type fakeLogs struct {
	mu        sync.Mutex
	asked     api.LogQuery
	records   []invocation.Record
	fresh     chan invocation.Record
	following chan struct{}
	fail      error
}

func newFakeLogs() *fakeLogs {
	return &fakeLogs{fresh: make(chan invocation.Record), following: make(chan struct{}, 16)}
}

func record(message string) invocation.Record {
	return invocation.Record{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Level: invocation.Info, Message: message,
		Function: "growth/signup/greeting", Version: 1, Request: "r1", Fields: json.RawMessage(`{"user":7}`),
	}
}

func (l *fakeLogs) query(_ context.Context, q api.LogQuery) ([]invocation.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = q
	return l.records, l.fail
}

func (l *fakeLogs) follow(ctx context.Context, q api.LogQuery, emit func(invocation.Record) error) error {
	records, err := l.query(ctx, q)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := emit(r); err != nil {
			return err
		}
	}
	l.following <- struct{}{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-l.fresh:
			if err := emit(r); err != nil {
				return err
			}
		}
	}
}
