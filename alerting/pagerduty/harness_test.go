package pagerduty_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a Store that can fail.
type memory struct {
	rows     map[alerting.Scope]alerting.Service
	business map[string]alerting.BusinessService
	fail     int // writes from now on that fail
}

var errDisk = errors.New("disk full")

func (m *memory) Services(context.Context) ([]alerting.Service, error) {
	return slices.Collect(maps.Values(m.rows)), nil
}

func (m *memory) broken() error {
	if m.fail > 0 {
		m.fail--
		return errDisk
	}
	return nil
}

func (m *memory) PutService(_ context.Context, s alerting.Service) error {
	if err := m.broken(); err != nil {
		return err
	}
	m.rows[s.Scope] = s
	return nil
}

func (m *memory) DeleteService(_ context.Context, of alerting.Scope) error {
	if err := m.broken(); err != nil {
		return err
	}
	delete(m.rows, of)
	return nil
}

func (m *memory) BusinessServices(context.Context) ([]alerting.BusinessService, error) {
	return slices.Collect(maps.Values(m.business)), nil
}

func (m *memory) PutBusinessService(_ context.Context, s alerting.BusinessService) error {
	if err := m.broken(); err != nil {
		return err
	}
	m.business[s.Team] = s
	return nil
}

func (m *memory) DeleteBusinessService(_ context.Context, team string) error {
	if err := m.broken(); err != nil {
		return err
	}
	delete(m.business, team)
	return nil
}

// buffer is a log that many may write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// world is a Hadron with its PagerDuty.
type world struct {
	tb     testing.TB
	fake   *pagerdutytest.Server
	store  *memory
	target *pagerduty.Target
	log    buffer
	now    time.Time
	busy   map[string]bool // routing keys that are not settled
	cfg    func(*pagerduty.Config)
	wanted map[function.Name]*function.Function

	grouping pagerduty.Grouping // of the next start
}

func newWorld(tb testing.TB, configure ...func(*pagerduty.Config)) *world {
	tb.Helper()
	w := &world{
		tb: tb, fake: pagerdutytest.New(tb), store: &memory{rows: map[alerting.Scope]alerting.Service{}, business: map[string]alerting.BusinessService{}},
		now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), busy: map[string]bool{}, wanted: map[function.Name]*function.Function{},
		cfg: func(c *pagerduty.Config) {
			for _, f := range configure {
				f(c)
			}
		},
	}
	w.restart()
	return w
}

// restart is the process's: what it had in memory is gone.
func (w *world) restart() {
	w.tb.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	w.tb.Cleanup(transport.CloseIdleConnections)
	cfg := pagerduty.Config{
		Token: w.fake.Token, From: "ops@example.com", APIURL: w.fake.URL, EventsURL: w.fake.URL, Installation: "test one", Services: w.grouping,
		ExternalURL: "https://hadron.example", Store: w.store, Transport: transport, Timeout: 2 * time.Second,
		Backoff: time.Millisecond, MaxWait: 20 * time.Millisecond, Now: func() time.Time { return w.now },
		Settled: func(key string) bool { return !w.busy[key] },
		Logger:  slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	w.cfg(&cfg)
	var err error
	if w.target, err = pagerduty.NewTarget(cfg); err != nil {
		w.tb.Fatal(err)
	}
}

func (w *world) want(name function.Name, change ...func(*function.Manifest)) {
	f := &function.Function{Name: name}
	for _, c := range change {
		c(&f.Spec)
	}
	w.wanted[name] = f
}

func (w *world) pass() (reconcile.Result, error) {
	return w.target.Reconcile(w.tb.Context(), slices.Collect(maps.Values(w.wanted)))
}

func (w *world) mustPass() reconcile.Result {
	w.tb.Helper()
	r, err := w.pass()
	if err != nil || r.Failed > 0 {
		w.tb.Fatalf("%+v, %v; %s", r, err, w.log.String())
	}
	return r
}

// ours returns the services that Hadron made.
func (w *world) ours() []pagerdutytest.Service {
	return slices.DeleteFunc(w.fake.Services(), func(s pagerdutytest.Service) bool { return s.Foreign })
}

func (w *world) only() pagerdutytest.Service {
	w.tb.Helper()
	all := w.ours()
	if len(all) != 1 {
		w.tb.Fatalf("%d services: %+v", len(all), all)
	}
	return all[0]
}

// quiet checks that a pass asks for no change.
func (w *world) quiet() {
	w.tb.Helper()
	before := w.fake.Writes()
	r := w.mustPass()
	if got := w.fake.Writes() - before; got > 0 || r.Created+r.Updated+r.Deleted > 0 {
		w.tb.Errorf("a steady pass wrote %d times: %+v", got, r)
	}
}

func (w *world) described() {
	w.tb.Helper()
	for _, v := range w.fake.Violations() {
		w.tb.Errorf("not as PagerDuty describes it: %s", v)
	}
}

// peek reads a request's body and leaves it there.
func peek(r *http.Request) io.Reader {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.NewReader(body)
}
