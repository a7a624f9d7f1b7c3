package promapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/tsdb/index"

	"hadron/collector/metric"
)

// Build says which Hadron answers.
type Build struct {
	Version  string // Hadron's own
	Revision string
	Date     string
}

// engineVersion is the release of the Prometheus library in go.mod. It is what
// status/buildinfo calls version, for clients choose features by it.
const engineVersion = "3.16.0"

// Metadata is what a metric's emitter says of it.
type Metadata struct {
	Type string `json:"type"` // counter, gauge, histogram, …
	Help string `json:"help"`
	Unit string `json:"unit"`
}

// Target is something scraped, or dropped before it could be.
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

func (a *api) metadata(r *http.Request) (result, error) {
	limit, err := numberOr(r, "limit", -1)
	if err != nil {
		return result{}, err
	}
	perMetric, err := numberOr(r, "limit_per_metric", -1)
	if err != nil {
		return result{}, err
	}
	var known map[string][]Metadata
	if a.Metadata != nil {
		known = a.Metadata(r.Context())
	}
	known = a.withSenders(r.Context(), known)
	wanted := r.Form.Get("metric")
	answer := map[string][]Metadata{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if limit >= 0 && len(answer) >= limit {
			break
		}
		if wanted != "" && name != wanted {
			continue
		}
		entries := known[name]
		if perMetric > 0 && len(entries) > perMetric {
			entries = entries[:perMetric]
		}
		answer[name] = entries
	}
	return result{data: answer}, nil
}

func numberOr(r *http.Request, parameter string, otherwise int) (int, error) {
	text := r.Form.Get(parameter)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, badDataText(parameter + " must be a number")
	}
	return n, nil
}

type targetJSON struct {
	DiscoveredLabels   map[string]string `json:"discoveredLabels"`
	Labels             map[string]string `json:"labels"`
	ScrapePool         string            `json:"scrapePool"`
	ScrapeURL          string            `json:"scrapeUrl"`
	GlobalURL          string            `json:"globalUrl"`
	LastError          string            `json:"lastError"`
	LastScrape         time.Time         `json:"lastScrape"`
	LastScrapeDuration float64           `json:"lastScrapeDuration"`
	Health             string            `json:"health"`
	ScrapeInterval     string            `json:"scrapeInterval"`
	ScrapeTimeout      string            `json:"scrapeTimeout"`
}

type droppedJSON struct {
	DiscoveredLabels map[string]string `json:"discoveredLabels"`
	ScrapePool       string            `json:"scrapePool"`
}

func (a *api) allTargets(ctx context.Context) []Target {
	if a.Targets == nil {
		return nil
	}
	return a.Targets(ctx)
}

func (a *api) targets(r *http.Request) (result, error) {
	state, pool := strings.ToLower(r.Form.Get("state")), r.Form.Get("scrapePool")
	both := state == "" || state == "any"
	answer := struct {
		Active  []targetJSON   `json:"activeTargets"`
		Dropped []droppedJSON  `json:"droppedTargets"`
		Counts  map[string]int `json:"droppedTargetCounts"`
	}{Active: []targetJSON{}, Dropped: []droppedJSON{}}
	if both || state == "dropped" {
		answer.Counts = map[string]int{}
	}
	for _, target := range a.allTargets(r.Context()) {
		if target.Dropped && answer.Counts != nil {
			answer.Counts[target.Pool]++
		}
		switch {
		case pool != "" && pool != target.Pool:
		case target.Dropped && answer.Counts != nil:
			answer.Dropped = append(answer.Dropped, droppedJSON{labelMap(target.Discovered), target.Pool})
		case !target.Dropped && (both || state == "active"):
			answer.Active = append(answer.Active, targetJSON{
				DiscoveredLabels: labelMap(target.Discovered), Labels: labelMap(target.Labels),
				ScrapePool: target.Pool, ScrapeURL: target.URL, GlobalURL: target.URL,
				LastError: target.LastError, LastScrape: target.LastScrape,
				LastScrapeDuration: target.LastScrapeDuration.Seconds(), Health: cmp.Or(target.Health, "unknown"),
				ScrapeInterval: model.Duration(target.ScrapeInterval).String(), ScrapeTimeout: model.Duration(target.ScrapeTimeout).String(),
			})
		}
	}
	return result{data: answer}, nil
}

// targetMetadata knows no target's own metadata: metadata has it all.
func (a *api) targetMetadata(*http.Request) (result, error) {
	return result{data: []struct{}{}}, nil
}

func (a *api) scrapePools(r *http.Request) (result, error) {
	pools := map[string]struct{}{}
	for _, target := range a.allTargets(r.Context()) {
		pools[target.Pool] = struct{}{}
	}
	names := append([]string{}, slices.Sorted(maps.Keys(pools))...)
	return result{data: map[string]any{"scrapePools": names}}, nil
}

// alertmanagers has none: Hadron notifies by itself.
func (a *api) alertmanagers(*http.Request) (result, error) {
	return result{data: map[string]any{"activeAlertmanagers": []any{}, "droppedAlertmanagers": []any{}}}, nil
}

func (a *api) buildInfo(*http.Request) (result, error) {
	return result{data: map[string]string{
		"version":   engineVersion,
		"revision":  a.Build.Revision,
		"branch":    strings.TrimSpace("hadron " + a.Build.Version),
		"buildUser": "",
		"buildDate": a.Build.Date,
		"goVersion": runtime.Version(),
	}}, nil
}

// configuration has no Prometheus file to show; Hadron's own may hold secrets.
func (a *api) configuration(*http.Request) (result, error) {
	return result{data: map[string]string{"yaml": "global: {}\n"}}, nil
}

func (a *api) flags(*http.Request) (result, error) {
	flags := a.Flags
	if flags == nil {
		flags = map[string]string{}
	}
	return result{data: flags}, nil
}

func (a *api) runtimeInfo(*http.Request) (result, error) {
	return result{data: map[string]any{
		"startTime":           a.started.UTC(),
		"CWD":                 "",
		"hostname":            "",
		"serverTime":          a.Now().UTC(),
		"reloadConfigSuccess": true,
		"lastConfigTime":      a.started.UTC(),
		"corruptionCount":     0,
		"goroutineCount":      runtime.NumGoroutine(),
		"GOMAXPROCS":          runtime.GOMAXPROCS(0),
		"GOMEMLIMIT":          debug.SetMemoryLimit(-1),
		"GOGC":                "",
		"GODEBUG":             "",
		"storageRetention":    model.Duration(a.DB.Retention()).String(),
	}}, nil
}

type statJSON struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

func statsJSON(stats []index.Stat) []statJSON {
	shown := make([]statJSON, len(stats))
	for i, stat := range stats {
		shown[i] = statJSON{stat.Name, stat.Count}
	}
	return shown
}

func (a *api) tsdbStatus(r *http.Request) (result, error) {
	const most = 10_000
	limit := 10
	if text := r.Form.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 {
			return result{}, badData(errors.New("limit must be a positive number"))
		}
		if limit > most {
			return result{}, badData(fmt.Errorf("limit must not exceed %d", most))
		}
	}
	stats, err := a.DB.HeadStats(limit)
	if err != nil {
		return result{}, err
	}
	postings := stats.IndexPostingStats
	return result{data: map[string]any{
		"headStats": map[string]any{
			"numSeries": stats.NumSeries, "numLabelPairs": postings.NumLabelPairs,
			"minTime": emptyAsZero(stats.MinTime), "maxTime": emptyAsZero(stats.MaxTime),
		},
		"seriesCountByMetricName":     statsJSON(postings.CardinalityMetricsStats),
		"labelValueCountByLabelName":  statsJSON(postings.CardinalityLabelStats),
		"memoryInBytesByLabelName":    statsJSON(postings.LabelValueStats),
		"seriesCountByLabelValuePair": statsJSON(postings.LabelValuePairsStats),
	}}, nil
}

// blocks lists the persisted blocks of the raw store.
func (a *api) blocks(*http.Request) (result, error) {
	metas, err := a.DB.BlockMetas()
	if err != nil {
		return result{}, err
	}
	return result{data: map[string]any{"blocks": metas}}, nil
}

// walReplay tells of a replay that is over: the API is served behind it.
func (a *api) walReplay(*http.Request) (result, error) {
	return result{data: map[string]int{"min": 0, "max": 0, "current": 0}}, nil
}

// emptyAsZero hides the bounds of a head without samples.
func emptyAsZero(ms int64) int64 {
	if ms == math.MinInt64 || ms == math.MaxInt64 {
		return 0
	}
	return ms
}
