package tsdb

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"hadron/collector/metric"
)

// maxLabelBytes bounds one name or value; Prometheus panics above 16 MiB.
const maxLabelBytes = 64 << 10

// labels converts and checks; it sorts, so that an unsorted set cannot make a
// second series of the same name.
func (a *appending) labels(from metric.Labels) (labels.Labels, error) {
	a.builder.Reset()
	for _, label := range from {
		switch {
		case label.Value == "":
			continue
		case len(label.Name) > maxLabelBytes || len(label.Value) > maxLabelBytes:
			return labels.Labels{}, fmt.Errorf("label %.64q is longer than %d bytes", label.Name, maxLabelBytes)
		}
		a.builder.Add(label.Name, label.Value)
	}
	a.builder.Sort()
	to := a.builder.Labels()
	if !to.IsValid(model.UTF8Validation) {
		return labels.Labels{}, fmt.Errorf("invalid labels %s", to)
	}
	if name, twice := to.HasDuplicateLabelNames(); twice {
		return labels.Labels{}, fmt.Errorf("label %q is given twice", name)
	}
	return to, nil
}

func fromLabels(from labels.Labels) metric.Labels {
	to := make(metric.Labels, 0, from.Len())
	from.Range(func(label labels.Label) {
		to = append(to, metric.Label{Name: label.Name, Value: label.Value})
	})
	return to
}

// toHistogram copies: the head keeps the last histogram of each series.
func toHistogram(from *metric.Histogram) *histogram.Histogram {
	to := &histogram.Histogram{
		Schema: from.Schema, ZeroThreshold: from.ZeroThreshold, ZeroCount: from.ZeroCount,
		Count: from.Count, Sum: from.Sum,
		PositiveBuckets: slices.Clone(from.Deltas),
	}
	if len(from.Spans) > 0 {
		to.PositiveSpans = make([]histogram.Span, len(from.Spans))
		for i, span := range from.Spans {
			to.PositiveSpans[i] = histogram.Span{Offset: span.Offset, Length: span.Length}
		}
	}
	return to
}
