// Package grafana keeps the dashboards of functions where people look at them: in
// a Grafana server, or as files for its provisioning. Both are targets of
// runtime/reconcile. It changes and deletes only what carries this installation's
// marks: its uids and its tag.
package grafana

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
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
	Name   function.Name // of a function's; empty of an overview
	Title  string
	UID    string
	URL    string // where a person sees it; of a file its path
	Target string // grafana or files
	State  State
	Error  string
	Drift  *Drift // the last change by hand, and what became of it; nil without
	Copy   string // where the copy of that change is; empty without
}

func byTitle(a, b Status) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Title, b.Title), cmp.Compare(a.UID, b.UID))
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
	// Own lists the metrics that a function counts itself. Default: none does.
	Own func(function.Name) []dashgen.OwnMetric
	// Extensions are what operators add to dashboards. Default: nothing.
	Extensions   func() dashgen.Extensions
	TraceURL     string            // of one trace, with ${__value.raw} for its id; empty: exemplars lead nowhere
	Interval     time.Duration     // between samples; default 15s
	Transport    http.RoundTripper // default: http.DefaultTransport
	Rate         float64           // calls a second at most; default 100. Where Grafana says 429 there are fewer
	Parallel     int               // dashboards settled at once; default a quarter of Rate, from 8 to 64
	Timeout      time.Duration     // of one call; default 10s
	Backoff      time.Duration     // before the second try of a call; default 250ms
	Slice        time.Duration     // of one pass: what is not begun by then is the next one's; default 10s
	Verify       int               // dashboards read back each pass to find what was changed by hand; default 50
	Drift        Policy            // what becomes of changes by hand; default Overwrite
	DeleteShare  float64           // of our dashboards: a pass that would delete more, and more than ten, asks; default 0.2
	FolderAccess FolderAccess      // who may see our folders; default AccessInherit
	Memory       Memory            // default: nothing is remembered
	Called       func(code string) // told of each call's status, "2xx" for all that went well; default: nobody
	Logger       *slog.Logger      // default: discards
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
	case c.Rate < 0 || c.Timeout < 0 || c.Backoff < 0 || c.Interval < 0 || c.Verify < 0 || c.Parallel < 0 || c.Slice < 0:
		return errors.New("grafana: nothing can be negative")
	case c.DeleteShare < 0 || c.DeleteShare > 1:
		return errors.New("grafana: DeleteShare is a share, from 0 to 1")
	case !slices.Contains([]Policy{"", Overwrite, Keep, Fork}, c.Drift):
		return fmt.Errorf("grafana: there is no policy %q for changes by hand: overwrite, keep or fork", c.Drift)
	case !slices.Contains([]FolderAccess{"", AccessInherit, AccessView, AccessTeam}, c.FolderAccess):
		return fmt.Errorf("grafana: there is no folder access %q: inherit, view or team", c.FolderAccess)
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
		c.Rate = 100
	}
	// A call may take a quarter of a second, and all together still come to the rate.
	c.Parallel = cmp.Or(c.Parallel, int(min(max(c.Rate/4, 8), 64)))
	c.Slice = cmp.Or(c.Slice, 10*time.Second)
	c.Drift, c.FolderAccess = cmp.Or(c.Drift, Overwrite), cmp.Or(c.FolderAccess, AccessInherit)
	c.DeleteShare = cmp.Or(c.DeleteShare, 0.2)
	if c.Own == nil {
		c.Own = func(function.Name) []dashgen.OwnMetric { return nil }
	}
	if c.Extensions == nil {
		c.Extensions = func() dashgen.Extensions { return dashgen.Extensions{} }
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

	walking   chan struct{}                // holds one element while a pass or a plan walks
	drawn     map[string]drawing           // by uid; the walker's own
	cursor    string                       // where reading back goes on; the walker's own
	permitted map[dashgen.Folder]time.Time // when a folder's permissions were last right; the walker's own
	recalled  bool                         // the walker's own

	mu       sync.Mutex
	kept     map[string]kept // by uid: what Grafana has, as far as this process knows
	dirty    map[string]bool // uids of kept that are to be remembered
	forced   map[string]bool // uids that are to be overwritten
	status   map[string]Status
	progress Progress
	held     int // deletions that wait to be confirmed
	allowed  int // deletions that were
}

var _ reconcile.Target = (*Target)(nil)

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
			timeout: cfg.Timeout, backoff: cfg.Backoff, bucket: newBucket(cfg.Rate), calls: cfg.Called,
		},
		log:     cfg.Logger.With("component", "grafana"),
		walking: make(chan struct{}, 1), permitted: map[dashgen.Folder]time.Time{},
		kept: map[string]kept{}, dirty: map[string]bool{}, forced: map[string]bool{}, status: map[string]Status{},
	}, nil
}

// Name is reconcile.Target's.
func (t *Target) Name() string { return TargetGrafana }

// Status returns how a function's dashboard stands; of one that no pass has seen
// it is Pending.
func (t *Target) Status(name function.Name) Status {
	blank := t.blank(name)
	if s := t.statusOf(blank.UID); s.UID != "" {
		return s
	}
	return blank
}

func (t *Target) statusOf(uid string) Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status[uid]
}

func (t *Target) blank(name function.Name) Status {
	uid := dashgen.UID(t.cfg.Installation, name)
	return Status{Name: name, Title: string(name), UID: uid, URL: t.page(uid), Target: TargetGrafana, State: Pending}
}

// page is where a person sees a dashboard.
func (t *Target) page(uid string) string { return t.cfg.URL + "/d/" + uid }

func (t *Target) set(w *wanted, err error) {
	s := Status{Name: w.name, Title: w.title, UID: w.uid, URL: t.page(w.uid), Target: TargetGrafana, State: Ready}
	if err != nil {
		s.State, s.Error = Failed, err.Error()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Drift = t.kept[w.uid].Drift; s.Drift != nil && s.Drift.Copy != "" {
		s.Copy = t.page(s.Drift.Copy)
	}
	t.status[w.uid] = s
}

// forget drops the status of dashboards that are no longer wanted.
func (t *Target) forget(wanted []*wanted) {
	uids := make(map[string]bool, len(wanted))
	for _, w := range wanted {
		uids[w.uid] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for uid := range t.status {
		if !uids[uid] {
			delete(t.status, uid)
		}
	}
}
