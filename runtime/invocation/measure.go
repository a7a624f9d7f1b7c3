package invocation

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"hadron/runtime/function"
)

// Measures is what one version counted since its last Measures: deltas, handed over
// about once a second, in parts where there are many. It crosses from worker processes, so it is plain values, and
// whoever takes one trusts none of them: see Validate of its parts.
type Measures struct {
	Version function.ID
	Series  []Measure // of the function's own metrics, at most MaxSeries and one overflow series a name
	Fetches []Fetch   // outgoing requests, at most MaxHosts and one overflow host, each times its codes
	Dropped []Drop    // at most one a reason
}

// Bounds of Measures. What is over them is folded or dropped, and counted.
const (
	MaxSeries      = 200 // label sets of one version in one engine
	MaxMetricNames = 50  // metrics of one version in one engine
	MaxMetricName  = 100 // bytes
	MaxLabels      = 8   // of one series
	MaxLabelName   = 64  // bytes
	MaxLabelValue  = 128 // bytes
	MaxHosts       = 50  // of one version's fetches in one engine
	MaxHost        = 128 // bytes
)

// Other is the label value of what had no room of its own.
const Other = "other"

// MeasureKind is how a metric moves.
type MeasureKind uint8

// The kinds.
const (
	MeasureCounter   MeasureKind = iota + 1 // Value is an increase
	MeasureGauge                            // Value is the last one set
	MeasureHistogram                        // Histogram holds the observations
)

// Measure is the change of one series.
type Measure struct {
	Kind      MeasureKind
	Name      string
	Labels    []Label // sorted by name
	Value     float64
	Histogram *Histogram // where Kind is MeasureHistogram
}

// Label is a name and a value of a series.
type Label struct{ Name, Value string }

// Fetch is what went out to one host and came back with one code.
type Fetch struct {
	Host     string // lower case, with its port unless the scheme implies it, or Other
	Code     string // one of FetchCodes
	Duration Histogram
}

// FetchCodes are the codes of a Fetch: the status's class, "error" where no response
// came, "refused" where the egress policy said no, "aborted" where the function or
// its end gave up.
var FetchCodes = []string{"2xx", "3xx", "4xx", "5xx", "error", "refused", "aborted"}

// Drop is how many measurements were not kept as they were made.
type Drop struct {
	Reason string // one of DropReasons
	Count  uint64
}

// Reasons of a Drop.
const (
	DropSeries  = "series"  // too many label sets: folded into the series whose values are Other
	DropNames   = "names"   // too many metrics: gone
	DropValue   = "value"   // not a finite number, or negative where none may be: gone
	DropInvalid = "invalid" // a name or label that may not be, from a worker that was changed: gone
)

// DropReasons lists the reasons.
var DropReasons = []string{DropSeries, DropNames, DropValue, DropInvalid}

// reservedMetrics and reservedLabels are the platform's: a function cannot write them.
var (
	reservedMetrics  = []string{"hadron_", "faas_", "go_", "process_", "promhttp_", "scrape_", "prometheus_", "__"}
	reservedExactly  = map[string]bool{"up": true, "ALERTS": true, "ALERTS_FOR_STATE": true, "target_info": true}
	reservedLabels   = map[string]bool{"team": true, "project": true, "function": true, "version": true, "job": true, "instance": true, "le": true, "quantile": true}
	reservedSuffixes = []string{"_bucket", "_count", "_sum", "_created"}
)

// CheckMetric says what is wrong with a metric's name, in words for its author. A
// counter ends in _total and nothing else does, so that no name is of two kinds.
func CheckMetric(kind MeasureKind, name string) error {
	switch {
	case name == "" || len(name) > MaxMetricName || !plain(name):
		return fmt.Errorf("%q is no name for a metric: use letters, digits and _, at most %d, not starting with a digit", shorten(name), MaxMetricName)
	case reservedExactly[name]:
		return fmt.Errorf("the metric name %q is the platform's", name)
	}
	for _, prefix := range reservedMetrics {
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("metric names beginning with %q are the platform's", prefix)
		}
	}
	for _, suffix := range reservedSuffixes {
		if strings.HasSuffix(name, suffix) {
			return fmt.Errorf("metric names ending in %q are those of a histogram's parts", suffix)
		}
	}
	if total := strings.HasSuffix(name, "_total"); total != (kind == MeasureCounter) {
		if total {
			return fmt.Errorf("%q ends in _total, which only counters do", name)
		}
		return fmt.Errorf("the counter %q needs a name that ends in _total", name)
	}
	return nil
}

// CheckLabel says what is wrong with a label's name, in words for its author.
func CheckLabel(name string) error {
	switch {
	case name == "" || len(name) > MaxLabelName || !plain(name):
		return fmt.Errorf("%q is no name for a label: use letters, digits and _, at most %d, not starting with a digit", shorten(name), MaxLabelName)
	case reservedLabels[name], strings.HasPrefix(name, "__"):
		return fmt.Errorf("the label %q is the platform's", name)
	}
	return nil
}

func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func shorten(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

var errMeasure = errors.New("a measure is out of its bounds")

// Validate says whether the measure is one that a function may have made.
func (m *Measure) Validate() error {
	if err := CheckMetric(m.Kind, m.Name); err != nil {
		return err
	}
	if len(m.Labels) > MaxLabels {
		return errMeasure
	}
	for i, l := range m.Labels {
		if err := CheckLabel(l.Name); err != nil {
			return err
		}
		if len(l.Value) > MaxLabelValue || !utf8.ValidString(l.Value) || i > 0 && m.Labels[i-1].Name >= l.Name {
			return errMeasure
		}
	}
	switch m.Kind {
	case MeasureCounter:
		if !finite(m.Value) || m.Value < 0 {
			return errMeasure
		}
	case MeasureGauge:
		if !finite(m.Value) {
			return errMeasure
		}
	case MeasureHistogram:
		if m.Histogram == nil {
			return errMeasure
		}
		return m.Histogram.Validate()
	default:
		return errMeasure
	}
	return nil
}

// Validate says whether the fetch is one that an engine may have counted.
func (f *Fetch) Validate() error {
	known := false
	for _, code := range FetchCodes {
		known = known || code == f.Code
	}
	if !known || f.Host == "" || len(f.Host) > MaxHost || !utf8.ValidString(f.Host) {
		return errMeasure
	}
	return f.Duration.Validate()
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
