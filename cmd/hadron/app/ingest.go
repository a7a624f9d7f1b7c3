package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/collector/contract"
	"hadron/storage/tsdb/promapi"
	"hadron/storage/tsdb/scrape"
)

// IngestConfig bounds the metrics that others send and that are scraped.
type IngestConfig struct {
	TeamSeries     int `default:"100000" help:"Series of one team that others send or that are scraped, written to within the last hour; those past it are counted under other."`
	FunctionSeries int `default:"10000" help:"The same of one function, whose series bear team, project and function; 0: as many as its team's."`
	Series         int `default:"1000000" help:"The same for all teams together."`
	Labels         int `default:"40" help:"Most labels of one series."`
	NameBytes      int `default:"200" help:"Longest name of a metric."`
	LabelNameBytes int `default:"128" help:"Longest name of a label."`
	LabelBytes     int `default:"1024" help:"Longest value of a label."`
	SeriesBytes    int `default:"8192" help:"Most that names and values of one series hold together."`
	Requests       int `default:"64" help:"Writes that are taken at once, half of them of one team."`
}

// PrometheusSections are the parts of the config file in Prometheus's form: global,
// scrape_configs and remote_write.
type PrometheusSections struct {
	YAML []byte
	Dir  string // of the file
}

func (c IngestConfig) contract() contract.Contract {
	return contract.Contract{
		Labels: c.Labels, Name: c.NameBytes, LabelName: c.LabelNameBytes, Value: c.LabelBytes, Bytes: c.SeriesBytes,
	}
}

func (c IngestConfig) budget() contract.Budget {
	return contract.Budget{Function: c.FunctionSeries, Team: c.TeamSeries, Node: c.Series}
}

// startScraper scrapes what the config file says, and sends samples on.
func (a *App) startScraper(ctx context.Context, own prometheus.Registerer) error {
	p := &a.parts
	var err error
	if p.scraper, err = scrape.New(scrape.Config{
		DB: p.metrics, Intake: p.intake, YAML: a.cfg.Prometheus.YAML, Dir: a.cfg.Prometheus.Dir, Logger: a.log, Registerer: own,
	}); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	own.MustRegister(a.reloads.successful, a.reloads.at)
	a.reloads.done(nil)
	a.onStop("scraper", p.scraper.Stop)
	return p.scraper.Start(ctx)
}

// Reload takes the Prometheus sections of the config file as it is now; all other settings
// hold until a restart. After an error what was in force still is.
func (a *App) Reload(read func() (PrometheusSections, error)) error {
	sections, err := read()
	if err == nil {
		err = a.parts.scraper.Apply(sections.YAML)
	}
	a.reloads.done(err)
	return err
}

// reloads are Prometheus's own two metrics about its config file.
type reloads struct{ successful, at prometheus.Gauge }

func newReloads() reloads {
	return reloads{
		successful: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_config_last_reload_successful", Help: "Whether the config file could be read when it last was."}),
		at:         prometheus.NewGauge(prometheus.GaugeOpts{Name: "hadron_config_last_reload_success_timestamp_seconds", Help: "When the config file was last read without an error."}),
	}
}

func (r reloads) done(err error) {
	if err != nil {
		r.successful.Set(0)
		return
	}
	r.successful.Set(1)
	r.at.SetToCurrentTime()
}

// targets is what is scraped, as the Prometheus API shows it.
func (a *App) targets(context.Context) []promapi.Target {
	found := a.parts.scraper.Targets()
	out := make([]promapi.Target, len(found))
	for i, t := range found {
		out[i] = promapi.Target(t)
	}
	return out
}

func (c IngestConfig) validate() error {
	if err := errors.Join(c.contract().Validate(), c.budget().Validate()); err != nil {
		return fmt.Errorf("%w: ingest.…: %w", ErrConfig, err)
	}
	if c.Requests < 2 {
		return fmt.Errorf("%w: --ingest.requests is at least 2", ErrConfig)
	}
	return nil
}
