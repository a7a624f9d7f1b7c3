package tsdb

import (
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"hadron/collector/metric"
)

// ErrBadText is wrapped by what ReadOpenMetrics cannot read.
var ErrBadText = errors.New("not OpenMetrics text")

// ReadOpenMetrics hands over the numbers of OpenMetrics text, in their order: each has a
// time, as in what promtool tsdb dump-openmetrics writes, and the text ends in # EOF.
// Histograms of the native kind have no text and are not there. It ends with each's
// first error, or one that wraps ErrBadText and says what stands there.
func ReadOpenMetrics(text []byte, each func(series metric.Labels, t int64, v float64) error) error {
	parser := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	for {
		kind, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBadText, err)
		}
		if kind != textparse.EntrySeries {
			continue
		}
		raw, at, v := parser.Series()
		if at == nil {
			return fmt.Errorf("%w: the sample of %.200s has no time", ErrBadText, raw)
		}
		var set labels.Labels
		parser.Labels(&set)
		if err := each(fromLabels(set), *at, v); err != nil {
			return err
		}
	}
}
