// Package grafana keeps the dashboards of functions where people look at them: in
// a Grafana server, or as files for its provisioning. Both are targets of
// runtime/reconcile. It changes and deletes only what carries this installation's
// marks: its uids and its tag.
package grafana

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// State says how a function's dashboard stands.
type State string

// The states.
const (
	Pending  State = "pending"  // not tried yet
	Ready    State = "ready"    // it is there, as wanted
	Failed   State = "failed"   // it is not as wanted; Status.Error says why
	Disabled State = "disabled" // nobody asked for it
)

// Names of the targets.
const (
	TargetGrafana = "grafana"
	TargetFiles   = "files"
)

// Status is a function's dashboard as the UI and the CLI show it.
type Status struct {
	UID    string
	URL    string // where a person sees it; of a file its path
	Target string // grafana or files
	State  State
	Error  string
}

// Config is what a Target needs; URL, Token, DatasourceURL and Installation are required.
type Config struct {
	URL             string // of Grafana; a path before /api is kept
	Token           string // of a service account that may write folders, dashboards and data sources
	DatasourceURL   string // how Grafana reaches /prometheus of this server
	DatasourceToken string // read-only; what Grafana shows there. Empty sends none.
	Installation    string // tells one Hadron's things from another's
	ExternalURL     string // base of links back to Hadron
	// ServiceURL gives the address of a function's PagerDuty service, empty without. Default: none has one.
	ServiceURL func(function.Name) string
	Interval   time.Duration     // between samples; default 15s
	Transport  http.RoundTripper // default: http.DefaultTransport
	Rate       float64           // calls a second; default 20
	Timeout    time.Duration     // of one call; default 10s
	Backoff    time.Duration     // before the second try of a call; default 250ms
	Verify     int               // dashboards read back each pass to find what was changed by hand; default 50
	Logger     *slog.Logger      // default: discards
}

// Validate says what is missing or out of range.
func (c Config) Validate() error {
	for name, value := range map[string]string{"URL": c.URL, "DatasourceURL": c.DatasourceURL} {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("grafana: %s must be an http or https address", name)
		}
		if u.User != nil {
			return fmt.Errorf("grafana: %s must hold no password; give a token", name)
		}
	}
	switch {
	case c.Token == "":
		return errors.New("grafana: Token is required")
	case c.Installation == "":
		return errors.New("grafana: Installation is required")
	case c.Rate < 0 || c.Timeout < 0 || c.Backoff < 0 || c.Interval < 0 || c.Verify < 0:
		return errors.New("grafana: nothing can be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.URL = strings.TrimRight(c.URL, "/")
	c.DatasourceURL = strings.TrimRight(c.DatasourceURL, "/")
	if c.Interval == 0 {
		c.Interval = 15 * time.Second
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.Rate == 0 {
		c.Rate = 20
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Backoff == 0 {
		c.Backoff = 250 * time.Millisecond
	}
	if c.Verify == 0 {
		c.Verify = 50
	}
	if c.ServiceURL == nil {
		c.ServiceURL = func(function.Name) string { return "" }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Target keeps dashboards in a Grafana server.
type Target struct {
	cfg       Config
	marker    string
	transport *transport
	log       *slog.Logger

	drawn  map[function.Name]drawing // Reconcile's own
	kept   map[string]kept           // by uid: what Grafana has, as far as this process knows; Reconcile's own
	cursor function.Name             // where reading back goes on; Reconcile's own

	mu     sync.Mutex
	status map[function.Name]Status
}

var _ reconcile.Target = (*Target)(nil)

// kept is a dashboard that was found or made as wanted.
type kept struct {
	digest  [32]byte // of what was wanted
	version float64  // that Grafana gave it
	folder  string
}

// NewTarget makes a Target; it makes no call.
func NewTarget(cfg Config) (*Target, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Target{
		cfg:    cfg,
		marker: dashgen.Marker(cfg.Installation),
		transport: &transport{
			base: cfg.Transport, token: cfg.Token, dataToken: cfg.DatasourceToken,
			timeout: cfg.Timeout, backoff: cfg.Backoff, bucket: newBucket(cfg.Rate),
		},
		log:    cfg.Logger.With("component", "grafana"),
		kept:   map[string]kept{},
		status: map[function.Name]Status{},
	}, nil
}

// Name is reconcile.Target's.
func (t *Target) Name() string { return TargetGrafana }

// Status returns how a function's dashboard stands; of one that no pass has seen
// it is Pending.
func (t *Target) Status(name function.Name) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.status[name]; ok {
		return s
	}
	return t.blank(name)
}

func (t *Target) blank(name function.Name) Status {
	uid := dashgen.UID(t.cfg.Installation, name)
	return Status{UID: uid, URL: t.cfg.URL + "/d/" + uid, Target: TargetGrafana, State: Pending}
}

func (t *Target) set(name function.Name, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.blank(name)
	s.State = Ready
	if err != nil {
		s.State, s.Error = Failed, err.Error()
	}
	t.status[name] = s
}

// forget drops the status of functions that are no longer wanted.
func (t *Target) forget(wanted []*wanted) {
	names := make(map[function.Name]bool, len(wanted))
	for _, w := range wanted {
		names[w.name] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.status {
		if !names[name] {
			delete(t.status, name)
		}
	}
}

// Reconcile is reconcile.Target's. It lists first and changes nothing where a
// list fails. It ends early, with an error, where Grafana itself seems to fail;
// a function whose dashboard was not reached keeps its state if it is ready as
// wanted, and is Failed otherwise.
func (t *Target) Reconcile(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
	wanted := t.draw(want)
	t.forget(wanted)
	p := &pass{Target: t, ctx: ctx, wanted: wanted}
	err := p.run()
	if err == nil {
		return p.result, nil
	}
	for _, w := range wanted {
		if k, ok := t.kept[w.uid]; w.done || ok && k.digest == w.digest && t.Status(w.name).State == Ready {
			continue
		}
		t.set(w.name, err)
	}
	return p.result, err
}
