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
	Listen          string   `default:"127.0.0.1:8080" help:"Address that serves everything."`
	FunctionsListen string   `help:"Serve /fn on an address of its own as well."`
	DataDir         string   `default:"./hadron-data" help:"Where everything is kept." type:"path"`
	Target          string   `default:"all" enum:"all" help:"Which part of the system runs here: all."`
	Isolation       string   `default:"worker" enum:"worker,inprocess" help:"Where functions run: worker, a process for each team, or inprocess, for one trusted tenant."`
	Dev             bool     `help:"Need no token, sample each second; loopback only."`
	Demo            bool     `help:"Deploy the functions of ./examples and send them modest traffic."`
	DemoDir         string   `default:"examples" help:"Folder of the functions that --demo deploys." type:"path"`
	ExternalURL     string   `name:"external-url" help:"Base of every link. Default: the address listened on."`
	TrustedProxies  []string `help:"Addresses or CIDRs of proxies whose X-Forwarded-… headers functions and the audit log believe."`
	LogFormat       string   `default:"text" enum:"text,json" help:"Format of the server's own log: text or json."`

	Auth       AuthConfig       `embed:"" prefix:"auth."`
	OIDC       OIDCConfig       `embed:"" prefix:"oidc."`
	Metrics    MetricsConfig    `embed:"" prefix:"metrics."`
	Ingest     IngestConfig     `embed:"" prefix:"ingest."`
	Logs       LogsConfig       `embed:"" prefix:"logs."`
	Traces     TracesConfig     `embed:"" prefix:"traces."`
	Alerting   AlertingConfig   `embed:"" prefix:"alerting."`
	Grafana    GrafanaConfig    `embed:"" prefix:"grafana."`
	Dashboards DashboardsConfig `embed:"" prefix:"dashboards."`
	PagerDuty  PagerDutyConfig  `embed:"" prefix:"pagerduty."`
	Limits     LimitsConfig     `embed:"" prefix:"limits."`
	Workers    WorkersConfig    `embed:"" prefix:"workers."`
	InProcess  InProcessConfig  `embed:"" prefix:"inprocess."`
	Fetch      FetchConfig      `embed:"" prefix:"fetch."`
	Quotas     QuotasConfig     `embed:"" prefix:"quotas."`
	Retention  RetentionConfig  `embed:"" prefix:"retention."`
	Secrets    SecretsConfig    `embed:"" prefix:"secrets."`

	Prometheus PrometheusSections `kong:"-"` // of the config file alone
}

// QuotasConfig holds what a team may have where its own settings do not say; 0 is no
// bound. Its memory is workers.memory.
type QuotasConfig struct {
	Functions   int `default:"1000" help:"Functions of a team; 0: no bound."`
	Versions    int `default:"20000" help:"Versions of all functions of a team that retention has not removed; 0: no bound."`
	Requests    int `default:"0" help:"Requests a second of a team on each node; 0: no bound."`
	Concurrency int `default:"0" help:"Invocations at once of a team on each node; 0: no bound."`
	Secrets     int `default:"200" help:"Secrets of a team and its projects; 0: no bound."`
}

// RetentionConfig says which versions are kept where a team's settings do not say.
type RetentionConfig struct {
	Keep int           `default:"100" help:"Newest versions of each function that are kept; 0: all."`
	Age  time.Duration `default:"2160h" help:"Versions younger than this are kept."`
}

// SecretsConfig says where the keys are that seal the teams' secrets.
type SecretsConfig struct {
	KeyFile     string   `help:"File with the key that seals secrets: 32 bytes as base64 or hex. Default: HADRON_SECRETS_KEY, else <data-dir>/secrets.key, made once." type:"path"`
	OldKeyFiles []string `help:"Files with keys that still open what they sealed, until hadron secrets rekey." type:"path"`
	Key         string   `kong:"-"` // of the environment: a flag would show it in the process list
}

// AuthConfig says where the admin token comes from.
type AuthConfig struct {
	AdminTokenFile string            `help:"File that holds the admin token (hdn_…). Default: made once." type:"path"`
	TokenExpiry    function.Duration `default:"90d" help:"How long a token lasts that asks for no time of its own."`
	TokenMaxExpiry function.Duration `default:"366d" help:"Longest time that a token may ask for."`
	TokensPerTeam  int               `default:"100" help:"Most tokens of one team."`
	SessionIdle    function.Duration `default:"8h" help:"A browser that is not used for this long is signed out; an open page counts as use."`
	SessionMax     function.Duration `default:"24h" help:"A browser is signed out after this, used or not."`
}

// OIDCConfig says who may sign in with an identity provider.
type OIDCConfig struct {
	Issuer           string   `help:"OpenID Connect issuer, https. Default: people sign in with tokens."`
	ClientID         string   `name:"client-id" help:"Hadron's client id at the issuer."`
	ClientSecretFile string   `help:"File that holds the client's secret; none for a public client." type:"path"`
	Scopes           []string `default:"email,profile" help:"Scopes to ask for beside openid."`
	GroupsClaim      string   `default:"groups" help:"Claim of the id token that holds the groups."`
	Grants           []string `help:"Who may do what: group:sre=admin, group:pay=deployer:pay, email:*@example.com=viewer."`
}

// MetricsConfig belongs to the collector and the metric store.
type MetricsConfig struct {
	Interval  time.Duration `help:"Time between samples. Default 15s, 1s with --dev."`
	Retention time.Duration `default:"360h" help:"How long samples are kept."`
	MaxSize   function.Size `default:"8GiB" help:"How much disk samples may use."`

	QueryURL       string `name:"query-url" help:"Base of another store's Prometheus API to read series from instead. Default: this server's own."`
	QueryTokenFile string `help:"File that holds the token for it." type:"path"`

	RollupRetention  time.Duration `default:"2280h" help:"How long the five-minute totals of objectives are kept; at least 91 days."`
	RollupMaxSize    function.Size `default:"4GiB" help:"How much disk they may use."`
	OutOfOrderWindow time.Duration `default:"10m" help:"How far behind its series' newest sample one may arrive. Negative: not at all."`

	QueryTimeout  time.Duration `default:"2m" help:"Longest query."`
	QuerySamples  int           `default:"20000000" help:"Samples that a query may hold at once, 16 bytes each."`
	Queries       int           `default:"20" help:"Queries of the Prometheus API at once, of all callers."`
	CallerQueries int           `default:"6" help:"Queries at once of one caller: whoever sees the same teams and projects."`
	QueuedQueries int           `default:"100" help:"Queries of one caller that may wait for the others to end."`
}

// AlertingConfig belongs to the alert evaluator.
type AlertingConfig struct {
	Interval time.Duration `help:"Time between evaluations. Default 15s, 1s with --dev."`
	Targets  string        `help:"File that names who else is told of incidents: Alertmanagers, chats, webhooks." type:"path"`
}

// GrafanaConfig says which Grafana gets the dashboards.
type GrafanaConfig struct {
	URL           string `name:"url" help:"Grafana to provision. Default: dashboards are files under the data dir."`
	Token         string `help:"Service account token for Grafana."`
	DatasourceURL string `name:"datasource-url" help:"How Grafana reaches /prometheus of this server. Default: external-url + /prometheus."`
	TraceURL      string `name:"trace-url" help:"Address of one trace, with ${__value.raw} for its id: where exemplars lead. Default: the function's page."`

	Drift        string  `default:"overwrite" enum:"overwrite,keep,fork" help:"What becomes of dashboards that somebody changed by hand: overwrite restores them, keep leaves them, fork restores them and keeps a copy."`
	FolderAccess string  `default:"inherit" enum:"inherit,view,team" help:"Who may see folders of dashboards: inherit leaves them as Grafana makes them, view lets everybody view and nobody edit, team lets Grafana's team of the same name view."`
	DeleteShare  float64 `default:"0.2" help:"A pass that would delete more dashboards than ten and than this share of them asks first."`
	Rate         float64 `default:"100" help:"Calls a second that Grafana gets at most."`
}

// DashboardsConfig is what operators add to dashboards.
type DashboardsConfig struct {
	Extensions string `help:"Folder with YAML files of panels, rows and patches for dashboards; looked at again while the server runs."`
}

// PagerDutyConfig says which PagerDuty account is paged.
type PagerDutyConfig struct {
	Token            string `help:"REST API token of PagerDuty. Without it nobody is paged."`
	From             string `help:"E-mail address of the user that Hadron acts for."`
	APIURL           string `name:"api-url" default:"https://api.pagerduty.com" help:"Origin of PagerDuty's REST API."`
	EventsURL        string `name:"events-url" default:"https://events.pagerduty.com" help:"Origin of PagerDuty's Events API."`
	EscalationPolicy string `default:"Default" help:"Escalation policy, id or name, of functions for which neither manifest nor project or team names one."`

	Services         string  `default:"function" enum:"function,project,team" help:"What has a service of its own: each function, each project or each team. Changing it moves: incidents that are open end where they began."`
	BusinessServices bool    `default:"true" help:"Give each team a business service that its services support, where the account has such."`
	DeleteShare      float64 `default:"0.2" help:"A pass that would disable or delete more services than ten and than this share of them asks first."`

	Urgency                string        `default:"severity" enum:"severity,high,low" help:"Of incidents: severity wakes people for pages and not for tickets, where the plan has it."`
	AutoResolveTimeout     time.Duration `default:"0s" help:"PagerDuty resolves an incident that nobody resolved after this; 0: never, Hadron does when it is over."`
	AcknowledgementTimeout time.Duration `default:"30m" help:"An acknowledged incident comes back after this; 0: never."`

	Webhooks           bool   `help:"Subscribe to PagerDuty's webhooks, so that what people do there shows here. PagerDuty must reach external-url."`
	WebhookSecretsFile string `help:"File with the secrets of webhook subscriptions that were made by hand, a line each." type:"path"`
}

func (c PagerDutyConfig) validate() error {
	const most = 30 * 24 * time.Hour
	for flag, d := range map[string]time.Duration{"auto-resolve-timeout": c.AutoResolveTimeout, "acknowledgement-timeout": c.AcknowledgementTimeout} {
		if d < 0 || d > most || d%time.Second != 0 || d != 0 && d < time.Minute {
			return fmt.Errorf("%w: --pagerduty.%s is %s; give 0 for never, or 1m to 720h in whole seconds", ErrConfig, flag, d)
		}
	}
	if c.DeleteShare < 0 || c.DeleteShare > 1 {
		return fmt.Errorf("%w: --pagerduty.delete-share is a share, from 0 to 1", ErrConfig)
	}
	return nil
}

// LimitsConfig holds the most that a manifest may ask for, and the node's own bounds.
type LimitsConfig struct {
	Timeout     function.Duration `default:"5m" help:"Longest timeout a function may ask for."`
	CPU         function.Duration `name:"cpu" default:"5m" help:"Most time inside the VM."`
	Stream      function.Duration `default:"1h" help:"Longest response stream."`
	Background  function.Duration `default:"15m" help:"Longest waitUntil."`
	Queue       function.Duration `default:"30s" help:"Longest wait for a VM."`
	Memory      function.Size     `default:"1GiB" help:"Most memory."`
	Stack       int               `default:"10000" help:"Deepest calls within calls."`
	Concurrency int               `default:"1024" help:"Most invocations at once of one function."`
	Body        function.Size     `default:"64MiB" help:"Largest request body."`
	Response    function.Size     `default:"16GiB" help:"Largest response body."`
	Headers     function.Size     `default:"256KiB" help:"Most that names and values of headers hold."`
	Timers      int               `default:"10000" help:"Most timers that wait at a time in one invocation."`
	Subrequests int               `default:"1000" help:"Most fetches of one invocation."`
	Logs        int               `default:"10000" help:"Most log lines of one invocation."`
	InFlight    int               `default:"4096" help:"Most invocations at once on this node."`
}

func (c LimitsConfig) most() function.Limits {
	return function.Limits{
		Timeout: c.Timeout, CPU: c.CPU, Stream: c.Stream, Background: c.Background, Queue: c.Queue,
		Memory: c.Memory, Stack: c.Stack, Concurrency: c.Concurrency, Body: c.Body, Response: c.Response,
		Headers: c.Headers, Timers: c.Timers, Subrequests: c.Subrequests, Logs: c.Logs,
	}
}

// longest is how long one call can last at most: its head, its stream, and what
// waitUntil holds after it.
func (c LimitsConfig) longest() time.Duration {
	return time.Duration(c.Timeout) + time.Duration(c.Stream) + time.Duration(c.Background)
}

// WorkersConfig is for --isolation=worker.
type WorkersConfig struct {
	Max          int           `default:"64" help:"Most worker processes at once; idle ones make room."`
	Spares       int           `default:"2" help:"Worker processes kept ready for a team's first call and for deploys."`
	Idle         time.Duration `default:"10m" help:"A worker without calls stops after this."`
	Memory       function.Size `default:"512MiB" help:"What one worker may use beyond what it needs to start."`
	BuildMemory  function.Size `default:"1GiB" help:"The same for a worker that compiles a deployed module."`
	BuildTimeout time.Duration `default:"20s" help:"Longest time that compiling a module may take."`
}

// InProcessConfig is for --isolation=inprocess.
type InProcessConfig struct {
	Memory function.Size `help:"Heap of the server, functions and all, near which calls are refused and ended. Default: GOMEMLIMIT, else three quarters of what the container or the machine has, at most 4GiB."`
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

// minWorkerMemory is the least with which a worker is of use.
const minWorkerMemory = function.Size(32 << 20)

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
	if c.Workers.Max < 1 || c.Workers.Spares < 1 || c.Workers.Memory < minWorkerMemory || c.Workers.BuildMemory < minWorkerMemory {
		return fmt.Errorf("%w: --workers.max and --workers.spares are at least 1, --workers.memory and --workers.build-memory at least %s", ErrConfig, minWorkerMemory)
	}
	if c.Workers.Idle < time.Second || c.Workers.BuildTimeout < time.Second {
		return fmt.Errorf("%w: --workers.idle and --workers.build-timeout are at least 1s", ErrConfig)
	}
	if q := c.Quotas; min(q.Functions, q.Versions, q.Requests, q.Concurrency, q.Secrets) < 0 || c.Retention.Keep < 0 || c.Retention.Age < 0 {
		return fmt.Errorf("%w: --quotas.… and --retention.… are 0 or more", ErrConfig)
	}
	if m := c.InProcess.Memory; m != 0 && m < leastHeap {
		return fmt.Errorf("%w: --inprocess.memory is %s; the server itself needs at least %s", ErrConfig, m, leastHeap)
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
		"metrics.query-url": c.Metrics.QueryURL, "pagerduty.api-url": c.PagerDuty.APIURL, "pagerduty.events-url": c.PagerDuty.EventsURL,
	} {
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return fmt.Errorf("%w: --%s must be an http(s) address without user, password or query", ErrConfig, flag)
		}
	}
	switch g := c.Grafana; {
	case g.DeleteShare < 0 || g.DeleteShare > 1:
		return fmt.Errorf("%w: --grafana.delete-share is a share, from 0 to 1", ErrConfig)
	case g.Rate <= 0:
		return fmt.Errorf("%w: --grafana.rate must be above 0", ErrConfig)
	}
	if err := c.PagerDuty.validate(); err != nil {
		return err
	}
	if err := c.Ingest.validate(); err != nil {
		return err
	}
	c.ExternalURL = strings.TrimRight(c.ExternalURL, "/")
	if err := c.Traces.fillAndValidate(c.Dev); err != nil {
		return err
	}
	if err := c.Logs.validate(); err != nil {
		return err
	}
	if err := c.Auth.validate(); err != nil {
		return err
	}
	if err := c.OIDC.validate(); err != nil {
		return err
	}
	_, err := c.proxies()
	return err
}

// proxies are TrustedProxies, read.
func (c *Config) proxies() ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		text = strings.TrimSpace(text)
		prefix, err := netip.ParsePrefix(text)
		if addr, notPrefix := netip.ParseAddr(text); err != nil && notPrefix == nil {
			addr = addr.Unmap()
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: --trusted-proxies %q is no address and no CIDR, such as 10.0.0.0/8", ErrConfig, text)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
