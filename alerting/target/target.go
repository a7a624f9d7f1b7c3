// Package target takes alerting's events to where teams without PagerDuty, or beside
// it, hear of incidents: an Alertmanager, a chat that takes Slack's messages, a webhook.
// Every target is reached through alerting's outbox, so that order, rate, retries and
// dead letters are the outbox's business; this package sends one event once.
package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hadron/alerting"
	"hadron/collector/slo"
)

// Kinds of targets.
const (
	Alertmanager = "alertmanager" // its API v2
	Slack        = "slack"        // and what takes Slack's incoming webhooks: Mattermost, Rocket.Chat, Discord at /slack
	Webhook      = "webhook"      // JSON, signed
	Heartbeat    = "heartbeat"    // hears of the watchdog alone: a dead man's switch
)

// Config is one target, as the file has it.
type Config struct {
	Name       string   `yaml:"name"`        // unique; [a-z][a-z0-9-]{0,62}, and not "pagerduty"
	Type       string   `yaml:"type"`        // alertmanager, slack, webhook or heartbeat
	URL        string   `yaml:"url"`         // http or https; a secret for slack
	URLFile    string   `yaml:"url_file"`    // in its place
	TokenFile  string   `yaml:"token_file"`  // sent as bearer token; optional
	SecretFile string   `yaml:"secret_file"` // with which a webhook's bodies are signed; optional
	Teams      []string `yaml:"teams"`       // whose incidents it hears of; none: all
	Classes    []string `yaml:"classes"`     // page, ticket; none: both

	Watchdog string `yaml:"watchdog"` // how often a heartbeat (1m) or Alertmanager (never) hears that alerts are evaluated and delivered

	token, secret string
	watchdog      time.Duration
}

// File is the targets as the file has them.
type File struct {
	Targets []Config `yaml:"targets"`
}

const (
	maxTargets = 100
	maxFile    = 1 << 20
)

// ErrConfig is wrapped by every refusal of a file.
var ErrConfig = errors.New("invalid targets")

// Load reads the file of targets, and the files that it names.
func Load(path string) ([]Config, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	var f File
	dec := yaml.NewDecoder(strings.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %s: %w", ErrConfig, path, err)
	}
	if len(f.Targets) > maxTargets {
		return nil, fmt.Errorf("%w: %s has %d targets; at most %d", ErrConfig, path, len(f.Targets), maxTargets)
	}
	seen := map[string]bool{}
	for i := range f.Targets {
		c := &f.Targets[i]
		if err := c.load(); err != nil {
			return nil, fmt.Errorf("%w: %s: target %d: %w", ErrConfig, path, i+1, err)
		}
		if seen[c.Name] {
			return nil, fmt.Errorf("%w: %s: two targets are named %s", ErrConfig, path, c.Name)
		}
		seen[c.Name] = true
	}
	return f.Targets, nil
}

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

func (c *Config) load() error {
	if !nameRule.MatchString(c.Name) || c.Name == alerting.PagerDuty {
		return fmt.Errorf("name %q: write a-z, 0-9 and hyphens, beginning with a letter, and not pagerduty", c.Name)
	}
	if !slices.Contains([]string{Alertmanager, Slack, Webhook, Heartbeat}, c.Type) {
		return fmt.Errorf("%s: type %q is none of alertmanager, slack, webhook and heartbeat", c.Name, c.Type)
	}
	for _, class := range c.Classes {
		if class != string(slo.Page) && class != string(slo.Ticket) {
			return fmt.Errorf("%s: class %q is neither page nor ticket", c.Name, class)
		}
	}
	if err := c.loadWatchdog(); err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	for _, file := range []struct {
		path string
		into *string
	}{{c.URLFile, &c.URL}, {c.TokenFile, &c.token}, {c.SecretFile, &c.secret}} {
		if file.path == "" {
			continue
		}
		text, err := readBounded(file.path)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		if *file.into = strings.TrimSpace(text); *file.into == "" {
			return fmt.Errorf("%s: %s is empty", c.Name, file.path)
		}
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("%s: url (or url_file) must hold an http(s) address without user and password", c.Name)
	}
	if c.secret != "" && c.Type != Webhook {
		return fmt.Errorf("%s: only a webhook is signed: leave secret_file out", c.Name)
	}
	return nil
}

func readBounded(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return string(data), nil
}

// alertmanagerRepeat is how often an Alertmanager is told again of what is open: it
// forgets alerts when it restarts.
const alertmanagerRepeat = 5 * time.Minute

// Describe is the target as alerting knows it.
func (c Config) Describe() alerting.Target {
	t := alerting.Target{Name: c.Name, Teams: c.Teams, Watchdog: c.watchdog, Only: c.Type == Heartbeat}
	for _, class := range c.Classes {
		t.Classes = append(t.Classes, slo.Class(class))
	}
	if c.Type == Alertmanager {
		t.Repeat = alertmanagerRepeat
	}
	return t
}

// Options are of the sender; all are optional.
type Options struct {
	Installation string
	Transport    http.RoundTripper
	Timeout      time.Duration // of one event; default 10s
	MaxWait      time.Duration // most that an answer can ask for before the next try; default 5m
	Now          func() time.Time
}

// Sender takes events to one target, one at a time and without repeating any. It is
// safe for concurrent use.
type Sender struct {
	cfg    Config
	opts   Options
	client *http.Client
}

// NewSender makes a Sender of what Load returned.
func NewSender(cfg Config, opts Options) *Sender {
	if opts.Transport == nil {
		opts.Transport = http.DefaultTransport
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.MaxWait <= 0 {
		opts.MaxWait = 5 * time.Minute
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Sender{cfg: cfg, opts: opts, client: &http.Client{
		Transport:     opts.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Send gives one event to the target. Nil means that it was taken. A *alerting.FinalError
// carries the target's words, any other error is a *alerting.RetryError. Neither has the
// URL, the token or the secret in it.
func (s *Sender) Send(ctx context.Context, e alerting.Event) error {
	switch s.cfg.Type {
	case Heartbeat:
		return s.sendHeartbeat(ctx, e)
	case Alertmanager:
		if e.Watchdog {
			return s.sendWatchdog(ctx, e)
		}
		return s.sendAlertmanager(ctx, e)
	case Slack:
		return s.sendSlack(ctx, e)
	}
	return s.sendWebhook(ctx, e)
}
