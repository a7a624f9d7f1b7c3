package promapi

import (
	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/jsonutil"
	"github.com/prometheus/prometheus/util/stats"
)

// encodeValue writes the data of a query: times as seconds with at most three
// decimals, values as strings, for JSON has no NaN.
func encodeValue(stream *jsoniter.Stream, value parser.Value, statistics stats.QueryStats) {
	stream.WriteObjectStart()
	stream.WriteObjectField("resultType")
	stream.WriteString(string(value.Type()))
	stream.WriteMore()
	stream.WriteObjectField("result")
	switch value := value.(type) {
	case promql.Vector:
		array(stream, len(value), func(i int) { encodeSample(stream, value[i]) })
	case promql.Matrix:
		array(stream, len(value), func(i int) { encodeSeries(stream, value[i]) })
	default: // Scalar and String know their own form
		stream.WriteVal(value)
	}
	if statistics != nil {
		stream.WriteMore()
		stream.WriteObjectField("stats")
		stream.WriteVal(statistics)
	}
	stream.WriteObjectEnd()
}

func array(stream *jsoniter.Stream, n int, write func(i int)) {
	stream.WriteArrayStart()
	for i := range n {
		if i > 0 {
			stream.WriteMore()
		}
		write(i)
		if stream.Buffered() >= flushAt {
			_ = stream.Flush() // the stream keeps its first error for the end
		}
	}
	stream.WriteArrayEnd()
}

func encodeSample(stream *jsoniter.Stream, sample promql.Sample) {
	stream.WriteObjectStart()
	encodeMetric(stream, sample.Metric)
	stream.WriteMore()
	if sample.H != nil {
		stream.WriteObjectField("histogram")
		encodeHistogram(stream, promql.HPoint{T: sample.T, H: sample.H})
	} else {
		stream.WriteObjectField("value")
		encodeFloat(stream, sample.T, sample.F)
	}
	stream.WriteObjectEnd()
}

func encodeSeries(stream *jsoniter.Stream, series promql.Series) {
	stream.WriteObjectStart()
	encodeMetric(stream, series.Metric)
	if len(series.Floats) > 0 {
		stream.WriteMore()
		stream.WriteObjectField("values")
		array(stream, len(series.Floats), func(i int) {
			encodeFloat(stream, series.Floats[i].T, series.Floats[i].F)
		})
	}
	if len(series.Histograms) > 0 {
		stream.WriteMore()
		stream.WriteObjectField("histograms")
		array(stream, len(series.Histograms), func(i int) { encodeHistogram(stream, series.Histograms[i]) })
	}
	stream.WriteObjectEnd()
}

func encodeMetric(stream *jsoniter.Stream, set labels.Labels) {
	stream.WriteObjectField("metric")
	encodeLabels(stream, set)
}

func encodeFloat(stream *jsoniter.Stream, t int64, v float64) {
	stream.WriteArrayStart()
	jsonutil.MarshalTimestamp(t, stream)
	stream.WriteMore()
	jsonutil.MarshalFloat(v, stream)
	stream.WriteArrayEnd()
}

func encodeHistogram(stream *jsoniter.Stream, point promql.HPoint) {
	stream.WriteArrayStart()
	jsonutil.MarshalTimestamp(point.T, stream)
	stream.WriteMore()
	jsonutil.MarshalHistogram(point.H, stream)
	stream.WriteArrayEnd()
}

func encodeLabels(stream *jsoniter.Stream, set labels.Labels) {
	stream.WriteObjectStart()
	first := true
	set.Range(func(label labels.Label) {
		if !first {
			stream.WriteMore()
		}
		first = false
		stream.WriteObjectField(label.Name)
		stream.WriteString(label.Value)
	})
	stream.WriteObjectEnd()
}

func encodeExemplars(stream *jsoniter.Stream, series []exemplar.QueryResult) {
	array(stream, len(series), func(i int) {
		stream.WriteObjectStart()
		stream.WriteObjectField("seriesLabels")
		encodeLabels(stream, series[i].SeriesLabels)
		stream.WriteMore()
		stream.WriteObjectField("exemplars")
		array(stream, len(series[i].Exemplars), func(j int) { encodeExemplar(stream, series[i].Exemplars[j]) })
		stream.WriteObjectEnd()
	})
}

func encodeExemplar(stream *jsoniter.Stream, one exemplar.Exemplar) {
	stream.WriteObjectStart()
	stream.WriteObjectField("labels")
	encodeLabels(stream, one.Labels)
	stream.WriteMore()
	stream.WriteObjectField("value")
	jsonutil.MarshalFloat(one.Value, stream)
	stream.WriteMore()
	stream.WriteObjectField("timestamp")
	jsonutil.MarshalTimestamp(one.Ts, stream)
	stream.WriteObjectEnd()
}
