package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"hadron/runtime/function"
)

// Config holds every setting of the server. The tags name flags; the same names
// with HADRON_ and underscores are environment variables, and with underscores
// for hyphens keys of the YAML file.
type Config struct {
	Listen          string `default:"127.0.0.1:8080" help:"Address that serves everything."`
	FunctionsListen string `help:"Serve /fn on an address of its own as well."`
	DataDir         string `default:"./hadron-data" help:"Where everything is kept." type:"path"`
	Target          string `default:"all" enum:"all" help:"Which part of the system runs here: all."`
	Isolation       string `default:"inprocess" enum:"inprocess" help:"Where functions run: inprocess, for one trusted tenant."`
	Dev             bool   `help:"Need no token, sample each second; loopback only."`
	Demo            bool   `help:"Deploy the functions of ./examples and send them modest traffic."`
	DemoDir         string `default:"examples" help:"Folder of the functions that --demo deploys." type:"path"`
	ExternalURL     string `name:"external-url" help:"Base of every link. Default: the address listened on."`
	LogFormat       string `default:"text" enum:"text,json" help:"Format of the server's own log: text or json."`

	Auth      AuthConfig      `embed:"" prefix:"auth."`
	Metrics   MetricsConfig   `embed:"" prefix:"metrics."`
	Logs      LogsConfig      `embed:"" prefix:"logs."`
	Alerting  AlertingConfig  `embed:"" prefix:"alerting."`
	Grafana   GrafanaConfig   `embed:"" prefix:"grafana."`
	PagerDuty PagerDutyConfig `embed:"" prefix:"pagerduty."`
	Limits    LimitsConfig    `embed:"" prefix:"limits."`
	Fetch     FetchConfig     `embed:"" prefix:"fetch."`
}

// AuthConfig says where the admin token comes from.
type AuthConfig struct {
	AdminTokenFile string `help:"File that holds the admin token (hdn_…). Default: made once." type:"path"`
}

// MetricsConfig belongs to the collector and the metric store.
type MetricsConfig struct {
	Interval  time.Duration `help:"Time between samples. Default 15s, 1s with --dev."`
	Retention time.Duration `default:"360h" help:"How long samples are kept."`
	MaxSize   function.Size `default:"8GiB" help:"How much disk samples may use."`
}

// LogsConfig belongs to the functions' logs.
type LogsConfig struct {
	Retention time.Duration `default:"168h" help:"How long function logs are kept."`
	MaxSize   function.Size `default:"2GiB" help:"How much disk function logs may use."`
}

// AlertingConfig belongs to the alert evaluator.
type AlertingConfig struct {
	Interval time.Duration `help:"Time between evaluations. Default 15s, 1s with --dev."`
}

// GrafanaConfig says which Grafana gets the dashboards.
type GrafanaConfig struct {
	URL           string `name:"url" help:"Grafana to provision. Default: dashboards are files under the data dir."`
	Token         string `help:"Service account token for Grafana."`
	DatasourceURL string `name:"datasource-url" help:"How Grafana reaches /prometheus of this server. Default: external-url + /prometheus."`
}

// PagerDutyConfig says which PagerDuty account is paged.
type PagerDutyConfig struct {
	Token            string `help:"REST API token of PagerDuty. Without it nobody is paged."`
	From             string `help:"E-mail address of the user that Hadron acts for."`
	APIURL           string `name:"api-url" default:"https://api.pagerduty.com" help:"Origin of PagerDuty's REST API."`
	EventsURL        string `name:"events-url" default:"https://events.pagerduty.com" help:"Origin of PagerDuty's Events API."`
	EscalationPolicy string `default:"Default" help:"Escalation policy, id or name, of functions that name none."`
}

// LimitsConfig holds the most that a manifest may ask for, and the node's own bounds.
type LimitsConfig struct {
	Timeout     function.Duration `default:"5m" help:"Longest timeout a function may ask for."`
	Stream      function.Duration `default:"1h" help:"Longest response stream."`
	Background  function.Duration `default:"15m" help:"Longest waitUntil."`
	Memory      function.Size     `default:"1GiB" help:"Most memory."`
	Concurrency int               `default:"1024" help:"Most invocations at once of one function."`
	Body        function.Size     `default:"64MiB" help:"Largest request body."`
	InFlight    int               `default:"4096" help:"Most invocations at once on this node."`
}

func (c LimitsConfig) most() function.Limits {
	return function.Limits{
		Timeout: c.Timeout, Stream: c.Stream, Background: c.Background,
		Memory: c.Memory, Concurrency: c.Concurrency, Body: c.Body,
	}
}

// FetchConfig is the operator's say over outgoing requests.
type FetchConfig struct {
	PrivateAllow []string `help:"Private addresses, hosts or CIDRs that manifests may open with fetch.allow."`
}

// The intervals where none is configured.
const (
	defaultInterval = 15 * time.Second
	devInterval     = time.Second
	healthStep      = time.Second
)

// ErrConfig is wrapped by every refusal of a setting.
var ErrConfig = errors.New("invalid settings")

func (c *Config) fillAndValidate() error {
	interval := defaultInterval
	if c.Dev {
		interval = devInterval
	}
	if c.Metrics.Interval == 0 {
		c.Metrics.Interval = interval
	}
	if c.Alerting.Interval == 0 {
		c.Alerting.Interval = interval
	}
	for flag, d := range map[string]time.Duration{"metrics.interval": c.Metrics.Interval, "alerting.interval": c.Alerting.Interval} {
		if d < time.Second || d > 5*time.Minute {
			return fmt.Errorf("%w: --%s is %s; give 1s to 5m", ErrConfig, flag, d)
		}
	}
	if c.Demo && !c.Dev {
		return fmt.Errorf("%w: --demo deploys without a token, so it needs --dev", ErrConfig)
	}
	for flag, addr := range map[string]string{"listen": c.Listen, "functions-listen": c.FunctionsListen} {
		if addr == "" {
			continue
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return fmt.Errorf("%w: --%s %q is not host:port, such as 127.0.0.1:8080", ErrConfig, flag, addr)
		}
		if c.Dev && !loopback(host) {
			return fmt.Errorf("%w: --dev needs no token, so it listens on loopback only; --%s is %q", ErrConfig, flag, addr)
		}
	}
	for flag, address := range map[string]string{
		"external-url": c.ExternalURL, "grafana.url": c.Grafana.URL, "grafana.datasource-url": c.Grafana.DatasourceURL,
		"pagerduty.api-url": c.PagerDuty.APIURL, "pagerduty.events-url": c.PagerDuty.EventsURL,
	} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return fmt.Errorf("%w: --%s must be an http(s) address without user, password or query", ErrConfig, flag)
		}
	}
	c.ExternalURL = strings.TrimRight(c.ExternalURL, "/")
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
