// Package pagerduty gives every function a service at PagerDuty and takes alerting's
// events there. It is the only package that knows the go-pagerduty client, whose
// faults it handles: no retries, errors that hide deadlines and PagerDuty's own words,
// bodies left open.
//
// What belongs to Hadron is known by a marker in the service's description, or by an id
// that was stored here; nothing else is ever changed. What people change in PagerDuty
// by hand (the name, the times, other integrations) stays as they left it.
package pagerduty

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// Store remembers which service belongs to which function, with its routing key.
type Store interface {
	// Services returns all that are stored.
	Services(ctx context.Context) ([]alerting.Service, error)
	// PutService makes or replaces the service of its function.
	PutService(ctx context.Context, s alerting.Service) error
	// DeleteService forgets it; one that is not there is no error.
	DeleteService(ctx context.Context, name function.Name) error
}

// Config is what a Target needs; Token and Store are required.
type Config struct {
	Token            string // of the REST API
	From             string // e-mail address of the user in whose name it is asked; optional
	APIURL           string // origin of the REST API; default PagerDuty's
	EventsURL        string // origin of the Events API; default PagerDuty's
	EscalationPolicy string // id or name, of functions that name none; default "Default"
	// Policy is the escalation policy of a function that names none, where its project
	// or team has one, and which setting says so. Nil, or empty: EscalationPolicy.
	Policy       func(name function.Name) (policy, setting string)
	Installation string // tells this Hadron's services from another's; default "default"
	ExternalURL  string // base of the link in a service's description; optional
	Store        Store
	// WebhookURL is where PagerDuty tells of incidents; empty: it does not. Subscriptions
	// keeps what it is to be known by, and is required then.
	WebhookURL    string
	Subscriptions Subscriptions
	// Settled reports that nothing of a function is open or on its way any more. A
	// deleted function's service is disabled only then, or after SettleAfter: a disabled
	// service takes no events. Nil: at once.
	Settled     func(name function.Name) bool
	SettleAfter time.Duration // default 10m
	GracePeriod time.Duration // from a function's deletion to that of its service; default 168h
	Verify      time.Duration // between looks at what PagerDuty has when nothing failed; default 4m
	Transport   http.RoundTripper
	Timeout     time.Duration // of one attempt; default 15s
	Attempts    int           // default 3
	Backoff     time.Duration // before the second attempt; default 300ms
	MaxWait     time.Duration // most that PagerDuty can ask a request to wait; default 65s
	Now         func() time.Time
	Logger      *slog.Logger // default: discards
}

// Validate says what is missing or out of range.
func (c Config) Validate() error {
	switch {
	case c.Token == "":
		return errors.New("pagerduty: Token is required")
	case c.Store == nil:
		return errors.New("pagerduty: Store is required")
	case c.GracePeriod < 0 || c.Verify < 0 || c.Timeout < 0 || c.Backoff < 0 || c.MaxWait < 0 || c.SettleAfter < 0 || c.Attempts < 0:
		return errors.New("pagerduty: no duration or number can be negative")
	}
	if c.WebhookURL != "" && c.Subscriptions == nil {
		return errors.New("pagerduty: Subscriptions is required with WebhookURL")
	}
	return validOrigins(c.APIURL, c.EventsURL)
}

func validOrigins(origins ...string) error {
	for _, text := range origins {
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("pagerduty: APIURL and EventsURL are origins, such as https://api.pagerduty.com")
		}
	}
	return nil
}

// PagerDuty's own origins.
const (
	DefaultAPIURL    = "https://api.pagerduty.com"
	DefaultEventsURL = "https://events.pagerduty.com"
)

func (c Config) withDefaults() Config {
	text := func(s *string, to string) {
		if *s == "" {
			*s = to
		}
	}
	length := func(d *time.Duration, to time.Duration) {
		if *d == 0 {
			*d = to
		}
	}
	text(&c.APIURL, DefaultAPIURL)
	text(&c.EventsURL, DefaultEventsURL)
	c.APIURL, c.EventsURL = origin(c.APIURL), origin(c.EventsURL)
	text(&c.EscalationPolicy, "Default")
	text(&c.Installation, "default")
	length(&c.SettleAfter, 10*time.Minute)
	length(&c.GracePeriod, 7*24*time.Hour)
	length(&c.Verify, 4*time.Minute)
	length(&c.Timeout, 15*time.Second)
	length(&c.Backoff, 300*time.Millisecond)
	length(&c.MaxWait, 65*time.Second)
	if c.Attempts == 0 {
		c.Attempts = 3
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("component", "pagerduty")
	return c
}

// States of a function's service.
const (
	Pending  = "pending"  // it is about to be made
	Ready    = "ready"    // it takes events
	Failed   = "failed"   // Error says why, and it is tried again
	Disabled = "disabled" // the manifest, or somebody in PagerDuty, wants no pages
)

// Status is how a function's service stands.
type Status struct {
	ServiceID        string
	URL              string
	EscalationPolicy string // its name
	State            string
	Error            string // one sentence without secrets
}

// Target keeps the services as the functions want them.
type Target struct {
	cfg Config
	api *api

	// Of Reconcile alone.
	have       map[string]pd.Service // by id, all of the account
	policies   []policy
	looked     time.Time                   // when have was read; zero: it is not to be trusted
	failed     map[function.Name]bool      // last time
	leaving    map[function.Name]time.Time // since when a service waits to be disabled
	plainRules bool                        // the plan has no urgency by severity

	mu     sync.RWMutex
	status map[function.Name]Status
	keys   map[function.Name]string
}

var _ reconcile.Target = (*Target)(nil)

// NewTarget makes a Target. Nothing is asked of PagerDuty before the first Reconcile.
func NewTarget(cfg Config) (*Target, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	rt := &transport{
		next: cfg.Transport, from: cfg.From, timeout: cfg.Timeout, attempts: cfg.Attempts,
		backoff: cfg.Backoff, maxWait: cfg.MaxWait, now: cfg.Now,
	}
	return &Target{
		cfg: cfg, api: newAPI(cfg, rt), have: map[string]pd.Service{}, leaving: map[function.Name]time.Time{},
		status: map[function.Name]Status{}, keys: map[function.Name]string{},
	}, nil
}

// Name implements reconcile.Target.
func (t *Target) Name() string { return "pagerduty" }

// Status returns how the function's service stands; it is pending for one that no pass
// has seen yet.
func (t *Target) Status(name function.Name) Status {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if s, ok := t.status[name]; ok {
		return s
	}
	return Status{State: Pending}
}

// Routing returns the routing key under which the function's events go; ok is false
// where it has none, or is not to page. The key is a secret.
func (t *Target) Routing(name function.Name) (key string, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	key, ok = t.keys[name]
	return key, ok
}

// show publishes what is known of a function.
func (t *Target) show(name function.Name, s Status, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status[name] = s
	if key == "" || s.State == Disabled {
		delete(t.keys, name)
		return
	}
	t.keys[name] = key
}
