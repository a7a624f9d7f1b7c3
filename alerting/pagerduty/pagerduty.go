// Package pagerduty gives functions their services at PagerDuty, one each or one for a
// project or team, and takes alerting's events there. It is the only package that knows the go-pagerduty client, whose
// faults it handles: no retries, errors that hide deadlines and PagerDuty's own words,
// bodies left open.
//
// What belongs to Hadron is known by a marker in the service's description, or by an id
// that was stored here; nothing else is ever changed. What people change in PagerDuty
// by hand (the name, the times, other integrations) stays as they left it.
package pagerduty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// Store remembers which service belongs to which scope, with its routing key.
type Store interface {
	// Services returns all that are stored.
	Services(ctx context.Context) ([]alerting.Service, error)
	// PutService makes or replaces the service of its scope.
	PutService(ctx context.Context, s alerting.Service) error
	// DeleteService forgets it; one that is not there is no error.
	DeleteService(ctx context.Context, of alerting.Scope) error
}

// Config is what a Target needs; Token and Store are required.
type Config struct {
	Token            string // of the REST API
	From             string // e-mail address of the user in whose name it is asked; optional
	APIURL           string // origin of the REST API; default PagerDuty's
	EventsURL        string // origin of the Events API; default PagerDuty's
	EscalationPolicy string // id or name, of functions that name none; default "Default"
	// Policy is the escalation policy of a scope whose functions name none, where its
	// project or team has one, and which setting says so. Nil, or empty: EscalationPolicy.
	Policy       func(of alerting.Scope) (policy, setting string)
	Services     Grouping // what has a service of its own; default ByFunction
	Installation string   // tells this Hadron's services from another's; default "default"
	ExternalURL  string   // base of the link in a service's description; optional
	Store        Store
	Business     BusinessStore // nil: teams get no business service

	Urgency         string        // BySeverity, "high" or "low"; default BySeverity
	AutoResolve     time.Duration // of incidents that nobody resolved; 0: never
	Acknowledgement time.Duration // after which one comes back; default 30m, negative: never
	// WebhookURL is where PagerDuty tells of incidents; empty: it does not. Subscriptions
	// keeps what it is to be known by, and is required then.
	WebhookURL    string
	Subscriptions Subscriptions
	// Settled reports that nothing is open or on its way under a routing key. A service is
	// disabled only then: a disabled one takes no events, not the end of an incident
	// either. Nil: at once.
	Settled     func(routingKey string) bool
	DeleteShare float64             // of our services: a pass that would let more go, and more than ten, asks; default 0.2
	GracePeriod time.Duration       // from when a service is let go to its deletion; default 168h
	Budget      time.Duration       // of one pass, which goes on in the next; default 45s
	Verify      time.Duration       // between looks at what PagerDuty has when nothing failed; default 4m
	Called      func(status string) // told of each answer's status, "0" where there was none; default: nobody
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
	case c.GracePeriod < 0 || c.Verify < 0 || c.Timeout < 0 || c.Backoff < 0 || c.MaxWait < 0 || c.Budget < 0 || c.AutoResolve < 0 || c.Attempts < 0:
		return errors.New("pagerduty: no duration or number can be negative")
	}
	if c.DeleteShare < 0 || c.DeleteShare > 1 {
		return errors.New("pagerduty: DeleteShare is a share, from 0 to 1")
	}
	if c.Urgency != "" && !slices.Contains([]string{BySeverity, "high", "low"}, c.Urgency) {
		return fmt.Errorf("pagerduty: Urgency is %s, high or low", BySeverity)
	}
	if c.Services != "" {
		if err := c.Services.valid(); err != nil {
			return err
		}
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

// BySeverity is the urgency where a page wakes people and a ticket does not.
const BySeverity = "severity"

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
	text(&c.Urgency, BySeverity)
	c.Services = cmp.Or(c.Services, ByFunction)
	c.DeleteShare = cmp.Or(c.DeleteShare, 0.2)
	length(&c.Acknowledgement, 30*time.Minute)
	length(&c.Budget, 45*time.Second)
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
	if c.Called == nil {
		c.Called = func(string) {}
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

// Target keeps the services as the functions want them.
type Target struct {
	cfg  Config
	api  *api
	wire *transport

	// Of Reconcile alone.
	have       *inventory
	policies   []policy
	looked     time.Time               // when have was read; zero: it is not to be trusted
	failed     map[alerting.Scope]bool // last time
	leaving    map[alerting.Scope]bool // a service whose functions have another now waits for a pass
	plainRules bool                    // the plan has no urgency by severity
	business   *business               // nil: there is none

	mu       sync.RWMutex
	status   map[alerting.Scope]Status
	keys     map[alerting.Scope]string
	members  map[function.Name]member
	progress Progress
	allowed  int // that the next pass may let go, as somebody confirmed
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
		backoff: cfg.Backoff, maxWait: cfg.MaxWait, now: cfg.Now, called: cfg.Called,
	}
	t := &Target{
		cfg: cfg, api: newAPI(cfg, rt), wire: rt, have: newInventory(cfg.Installation, nil), leaving: map[alerting.Scope]bool{},
		status: map[alerting.Scope]Status{}, keys: map[alerting.Scope]string{}, members: map[function.Name]member{},
	}
	if cfg.Business != nil {
		t.business = newBusiness()
	}
	return t, nil
}

// TargetName is what logs and the System page call the Target.
const TargetName = "pagerduty"

// Name implements reconcile.Target.
func (t *Target) Name() string { return TargetName }
