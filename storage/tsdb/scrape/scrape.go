// Package scrape reads other programs' metrics as Prometheus does, with its own
// scraper and service discovery, and sends the store's samples on to other stores
// with its own queues: both are configured by sections in Prometheus's form.
//
// Of the discoveries there are static, file, http and dns: those of clouds and
// clusters bring their SDKs along, and write what they find to a file or a URL as well.
// What is scraped goes through storage/tsdb/intake, under the contract
// and budget of everybody.
package scrape

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/dns"  // dns_sd_configs
	_ "github.com/prometheus/prometheus/discovery/file" // file_sd_configs
	_ "github.com/prometheus/prometheus/discovery/http" // http_sd_configs
	"github.com/prometheus/prometheus/model/labels"
	promscrape "github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage/remote"

	"hadron/collector/contract"
	"hadron/collector/metric"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
)

// Config says what to scrape and where to send. All but YAML and Registerer is required.
type Config struct {
	DB     *tsdb.DB
	Intake *intake.Intake
	// YAML holds the sections global, scrape_configs and remote_write of a Prometheus
	// configuration, each of which may be missing.
	YAML []byte
	// Dir is what relative paths in it are relative to.
	Dir        string
	Logger     *slog.Logger
	Registerer prometheus.Registerer // may be nil
}

// ErrConfig is wrapped by refusals of Config.YAML.
var ErrConfig = errors.New("bad scrape_configs, remote_write or global")

// Scraper runs between Start and Stop. Without scrape_configs and remote_write it does nothing.
type Scraper struct {
	config Config

	mu       sync.Mutex // of Start, Apply and Stop
	parsed   *config.Config
	run      context.Context //nolint:containedctx // of what Start and Apply begin, until Stop
	cancel   context.CancelFunc
	finder   *discovery.Manager
	forward  *remote.Storage
	finished sync.WaitGroup

	manager atomic.Pointer[promscrape.Manager] // nil until something is to be scraped
}

// New reads the configuration; its error says what is wrong, and holds no secret.
func New(c Config) (*Scraper, error) {
	c.Logger = c.Logger.With("component", "scrape")
	s := &Scraper{config: c}
	var err error
	if s.parsed, err = s.parse(c.YAML); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Scraper) parse(yaml []byte) (*config.Config, error) {
	parsed, err := config.Load(string(yaml), s.config.Logger)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	parsed.SetDirectory(s.config.Dir)
	if _, err := parsed.GetScrapeConfigs(); err != nil { // fills in what global says
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return parsed, nil
}

// flushDeadline is how long Stop waits for what is to be sent on.
const flushDeadline = 10 * time.Second

// Start begins to scrape and to send.
func (s *Scraper) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return s.apply(s.parsed)
}

// Apply takes another configuration while the scraper runs: what did not change goes on
// undisturbed. After an error what was in force still is.
func (s *Scraper) Apply(yaml []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	parsed, err := s.parse(yaml)
	if err != nil {
		return err
	}
	if s.run == nil || s.run.Err() != nil {
		return errNotRunning
	}
	if err := s.apply(parsed); err != nil {
		return errors.Join(err, s.apply(s.parsed))
	}
	s.parsed = parsed
	return nil
}

var errNotRunning = errors.New("the scraper does not run")

// apply starts what is needed for the first time, and tells each part what it has to do.
func (s *Scraper) apply(c *config.Config) error {
	if err := sendable(c); err != nil {
		return err
	}
	if s.manager.Load() == nil && len(c.ScrapeConfigs) > 0 {
		if err := s.startScraping(); err != nil {
			return fmt.Errorf("start scraping: %w", err)
		}
	}
	if manager := s.manager.Load(); manager != nil {
		wanted := map[string]discovery.Configs{}
		for _, one := range c.ScrapeConfigs {
			wanted[one.JobName] = one.ServiceDiscoveryConfigs
		}
		if err := errors.Join(manager.ApplyConfig(c), s.finder.ApplyConfig(wanted)); err != nil {
			return fmt.Errorf("scrape_configs: %w", err)
		}
	}
	if s.forward == nil && len(c.RemoteWriteConfigs) > 0 {
		s.forward = remote.NewStorage(s.config.Logger, s.config.Registerer, func() (int64, error) { return time.Now().UnixMilli(), nil },
			s.config.DB.Dir(), flushDeadline, ready{s}, false)
		s.config.DB.NotifyWrites(s.forward)
	}
	if s.forward != nil {
		if err := s.forward.ApplyConfig(c); err != nil {
			return fmt.Errorf("remote_write: %w", err)
		}
	}
	return nil
}

// sendable refuses what the vendor's storage would refuse half-way, when it has lost sight of
// queues that run.
func sendable(c *config.Config) error {
	for i, one := range c.RemoteWriteConfigs {
		for _, other := range c.RemoteWriteConfigs[:i] {
			if reflect.DeepEqual(one, other) {
				return fmt.Errorf("%w: remote_write names %s twice with the same settings", ErrConfig, one.URL.Redacted())
			}
		}
		if _, err := remote.NewWriteClient(one.Name, &remote.ClientConfig{
			URL: one.URL, WriteProtoMsg: one.ProtobufMessage, HTTPClientConfig: one.HTTPClientConfig, Headers: one.Headers,
			SigV4Config: one.SigV4Config, AzureADConfig: one.AzureADConfig, GoogleIAMConfig: one.GoogleIAMConfig,
		}); err != nil {
			return fmt.Errorf("%w: remote_write: %w", ErrConfig, err)
		}
	}
	return nil
}

func (s *Scraper) startScraping() error {
	registerer := s.config.Registerer
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	manager, err := promscrape.NewManager(&promscrape.Options{
		AppendMetadata: true, ParseST: true, DiscoveryReloadOnStartup: true,
	}, s.config.Logger, nil, nil, intake.Door{Intake: s.config.Intake, Sender: contract.Operator}, registerer)
	if err != nil {
		return err
	}
	found, err := discovery.CreateAndRegisterSDMetrics(registerer)
	if err != nil {
		return err
	}
	if s.finder = discovery.NewManager(s.run, s.config.Logger, registerer, found, discovery.Name("scrape")); s.finder == nil {
		return errors.New("service discovery cannot be made")
	}
	s.manager.Store(manager)
	for name, part := range map[string]func() error{
		"discovery": s.finder.Run,
		"scraping":  func() error { return manager.Run(s.finder.SyncCh()) },
	} {
		s.finished.Go(func() {
			if err := part(); err != nil && !errors.Is(err, context.Canceled) {
				s.config.Logger.ErrorContext(s.run, "scraper ended by itself", slog.String("part", name), slog.Any("error", err))
			}
		})
	}
	return nil
}

// Stop ends scraping, then sends what is left, for a bounded time.
func (s *Scraper) Stop(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil || s.run.Err() != nil {
		return nil
	}
	s.cancel()
	if manager := s.manager.Load(); manager != nil {
		manager.Stop()
	}
	s.finished.Wait()
	if s.forward != nil {
		if err := s.forward.Close(); err != nil {
			return fmt.Errorf("stop remote write: %w", err)
		}
	}
	return nil
}

// ready gives remote write the targets' metadata.
type ready struct{ s *Scraper }

var errNotScraping = errors.New("nothing is scraped")

// Get implements remote.ReadyScrapeManager.
func (r ready) Get() (*promscrape.Manager, error) {
	if manager := r.s.manager.Load(); manager != nil {
		return manager, nil
	}
	return nil, errNotScraping
}

// Target is something scraped, or dropped by relabelling before it could be.
type Target struct {
	Pool               string
	Discovered, Labels metric.Labels
	URL                string
	Health             string // up, down or unknown
	LastError          string
	LastScrape         time.Time
	LastScrapeDuration time.Duration
	ScrapeInterval     time.Duration
	ScrapeTimeout      time.Duration
	Dropped            bool
}

// Targets lists what is scraped now.
func (s *Scraper) Targets() []Target {
	manager := s.manager.Load()
	if manager == nil {
		return nil
	}
	var out []Target
	builder := labels.NewBuilder(labels.EmptyLabels())
	for pool, targets := range manager.TargetsActive() {
		for _, t := range targets {
			interval, timeout := intervals(t)
			one := Target{
				Pool: pool, Discovered: plain(t.DiscoveredLabels(builder)), Labels: plain(t.Labels(builder)),
				URL: withoutQuery(t), Health: string(t.Health()), LastScrape: t.LastScrape(), LastScrapeDuration: t.LastScrapeDuration(),
				ScrapeInterval: interval, ScrapeTimeout: timeout,
			}
			if err := t.LastError(); err != nil {
				one.LastError = withoutAddress(err)
			}
			out = append(out, one)
		}
	}
	for pool, targets := range manager.TargetsDropped() {
		for _, t := range targets {
			out = append(out, Target{Pool: pool, Discovered: plain(t.DiscoveredLabels(builder)), Dropped: true})
		}
	}
	return out
}
