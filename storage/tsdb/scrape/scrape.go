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
	"sync"
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
	config   Config
	parsed   *config.Config
	manager  *promscrape.Manager
	forward  *remote.Storage
	cancel   context.CancelFunc
	finished sync.WaitGroup
}

// New reads the configuration; its error says what is wrong, and holds no secret.
func New(c Config) (*Scraper, error) {
	c.Logger = c.Logger.With("component", "scrape")
	parsed, err := config.Load(string(c.YAML), c.Logger)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	parsed.SetDirectory(c.Dir)
	if _, err := parsed.GetScrapeConfigs(); err != nil { // fills in what global says
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return &Scraper{config: c, parsed: parsed}, nil
}

// flushDeadline is how long Stop waits for what is to be sent on.
const flushDeadline = 10 * time.Second

// Start begins to scrape and to send.
func (s *Scraper) Start(ctx context.Context) error {
	if len(s.parsed.ScrapeConfigs) > 0 {
		if err := s.startScraping(ctx); err != nil {
			return fmt.Errorf("start scraping: %w", err)
		}
	}
	if len(s.parsed.RemoteWriteConfigs) > 0 {
		s.forward = remote.NewStorage(s.config.Logger, s.config.Registerer, func() (int64, error) { return time.Now().UnixMilli(), nil },
			s.config.DB.Dir(), flushDeadline, ready{s}, false)
		if err := s.forward.ApplyConfig(s.parsed); err != nil {
			return fmt.Errorf("start remote write: %w", err)
		}
		s.config.DB.NotifyWrites(s.forward)
	}
	return nil
}

func (s *Scraper) startScraping(ctx context.Context) error {
	registerer := s.config.Registerer
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	var err error
	s.manager, err = promscrape.NewManager(&promscrape.Options{
		AppendMetadata: true, ParseST: true, DiscoveryReloadOnStartup: true,
	}, s.config.Logger, nil, nil, intake.Door{Intake: s.config.Intake, Sender: contract.Operator}, registerer)
	if err != nil {
		return err
	}
	found, err := discovery.CreateAndRegisterSDMetrics(registerer)
	if err != nil {
		return err
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	discoverer := discovery.NewManager(run, s.config.Logger, registerer, found, discovery.Name("scrape"))
	if discoverer == nil {
		return errors.New("service discovery cannot be made")
	}
	if err := s.manager.ApplyConfig(s.parsed); err != nil {
		return err
	}
	wanted := map[string]discovery.Configs{}
	for _, c := range s.parsed.ScrapeConfigs {
		wanted[c.JobName] = c.ServiceDiscoveryConfigs
	}
	if err := discoverer.ApplyConfig(wanted); err != nil {
		return err
	}
	for name, part := range map[string]func() error{
		"discovery": discoverer.Run,
		"scraping":  func() error { return s.manager.Run(discoverer.SyncCh()) },
	} {
		s.finished.Go(func() {
			if err := part(); err != nil && !errors.Is(err, context.Canceled) {
				s.config.Logger.ErrorContext(run, "scraper ended by itself", slog.String("part", name), slog.Any("error", err))
			}
		})
	}
	return nil
}

// Stop ends scraping, then sends what is left, for a bounded time.
func (s *Scraper) Stop(context.Context) error {
	if s.cancel != nil {
		s.cancel()
	}
	if s.manager != nil {
		s.manager.Stop()
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
	if r.s.manager == nil {
		return nil, errNotScraping
	}
	return r.s.manager, nil
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
	if s.manager == nil {
		return nil
	}
	var out []Target
	builder := labels.NewBuilder(labels.EmptyLabels())
	for pool, targets := range s.manager.TargetsActive() {
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
	for pool, targets := range s.manager.TargetsDropped() {
		for _, t := range targets {
			out = append(out, Target{Pool: pool, Discovered: plain(t.DiscoveredLabels(builder)), Dropped: true})
		}
	}
	return out
}
