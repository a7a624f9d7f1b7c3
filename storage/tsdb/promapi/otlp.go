package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	otlptranslator "github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
)

// oldestPoint is how old a data point of OTLP may be. The store takes none that is much
// older anyway, and the translation writes target_info for every few minutes between a
// request's oldest point and its newest.
const oldestPoint = 3 * time.Hour

// otlpMetrics takes metrics by OTLP/HTTP, as protobuf or JSON, and stores them as Prometheus
// does: its own translation with its default strategy (escaped names with units
// and _total), classic histograms, and native ones for exponential histograms.
func (a *api) otlpMetrics(w http.ResponseWriter, r *http.Request) {
	asJSON := false
	switch kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case err == nil && kind == "application/x-protobuf":
	case err == nil && kind == "application/json":
		asJSON = true
	default:
		http.Error(w, "OTLP comes as application/x-protobuf or application/json", http.StatusUnsupportedMediaType)
		return
	}
	fail := func(status int, text string) { otlpFailure(w, asJSON, status, text) }
	a.taking(w, r, 0, fail, func(ctx context.Context, body []byte) {
		if elements := otlpElements(body, asJSON); elements > mostElements {
			fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d points and attributes: send smaller batches", mostElements))
			return
		}
		request := pmetricotlp.NewExportRequest()
		var err error
		if asJSON {
			err = request.UnmarshalJSON(body)
		} else {
			err = request.UnmarshalProto(body)
		}
		if err != nil {
			fail(http.StatusBadRequest, "the body is no ExportMetricsServiceRequest: "+err.Error())
			return
		}
		metrics := request.Metrics()
		cleaned := a.cleanPoints(metrics)
		batch := a.Intake.Begin(ctx, a.sender(r))
		store := &lenient{Lenient: intake.Lenient{Batch: batch}}
		_, translated := otlptranslator.NewPrometheusConverter(store).FromMetrics(ctx, metrics, a.otlpSettings())
		switch {
		case store.failed != nil || ctx.Err() != nil:
			err = errors.Join(store.failed, context.Cause(ctx), batch.Rollback())
		default:
			err = batch.Commit()
		}
		switch {
		case errors.Is(err, tsdb.ErrClosed):
			retryLater(w, http.StatusServiceUnavailable)
		case err != nil:
			a.Logger.Error("OTLP metrics were not stored", "error", err)
			fail(http.StatusInternalServerError, "the store failed; send again")
		default:
			otlpAnswer(w, asJSON, cleaned.points+batch.Outcome.Refused, otlpRefusals(cleaned, translated, batch.Outcome))
		}
	})
}

func (a *api) otlpSettings() otlptranslator.Settings {
	strategy := config.DefaultOTLPConfig
	return otlptranslator.Settings{
		AddMetricSuffixes:                    strategy.TranslationStrategy.ShouldAddSuffixes(),
		AllowUTF8:                            !strategy.TranslationStrategy.ShouldEscape(),
		PromoteResourceAttributes:            otlptranslator.NewPromoteResourceAttributes(strategy),
		LookbackDelta:                        5 * time.Minute,
		LabelNameUnderscoreSanitization:      strategy.LabelNameUnderscoreSanitization,
		LabelNamePreserveMultipleUnderscores: strategy.LabelNamePreserveMultipleUnderscores,
	}
}

// lenient counts what is wrong with a sample instead of telling the translation,
// which would leave out the rest of the metric.
type lenient struct {
	intake.Lenient
	failed error
}

func (l *lenient) Append(ref storage.SeriesRef, ls labels.Labels, start, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, options storage.AOptions) (storage.SeriesRef, error) {
	got, err := l.Lenient.Append(ref, ls, start, t, v, h, fh, options)
	switch {
	case err == nil, errors.Is(err, (*storage.AppendPartialError)(nil)):
		return got, nil
	case intake.IsRefusal(err): // for its time
		l.Refuse(1, fmt.Errorf("%w for series %.200s", err, ls))
		return 0, nil
	}
	l.failed = err
	return 0, err
}

// cleaned are the data points that were taken out before the translation.
type cleaned struct {
	points  int
	reasons []string // the first few
}

func (c *cleaned) add(points int, reason string, args ...any) {
	c.points += points
	if len(c.reasons) < 5 {
		c.reasons = append(c.reasons, fmt.Sprintf(reason, args...))
	}
}

// cleanPoints takes out metrics of delta temporality, which PromQL's functions cannot read, and points far from
// now.
func (a *api) cleanPoints(metrics pmetric.Metrics) cleaned {
	var out cleaned
	now := a.Now()
	oldest, newest := pcommon.NewTimestampFromTime(now.Add(-oldestPoint)), pcommon.NewTimestampFromTime(now.Add(time.Hour))
	wrong := func(at pcommon.Timestamp, name string) bool {
		if at >= oldest && at <= newest {
			return false
		}
		out.add(1, "a point of %.64q is older than %s, or of the future", name, oldestPoint)
		return true
	}
	for _, resource := range metrics.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			scope.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				if points := deltaPoints(m); points > 0 {
					out.add(points, "%.64q is of delta temporality: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative, or convert it with the OpenTelemetry Collector's deltatocumulative", m.Name())
					return true
				}
				switch m.Type() {
				case pmetric.MetricTypeGauge:
					m.Gauge().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return wrong(p.Timestamp(), m.Name()) })
				case pmetric.MetricTypeSum:
					m.Sum().DataPoints().RemoveIf(func(p pmetric.NumberDataPoint) bool { return wrong(p.Timestamp(), m.Name()) })
				case pmetric.MetricTypeHistogram:
					m.Histogram().DataPoints().RemoveIf(func(p pmetric.HistogramDataPoint) bool { return wrong(p.Timestamp(), m.Name()) })
				case pmetric.MetricTypeExponentialHistogram:
					m.ExponentialHistogram().DataPoints().RemoveIf(func(p pmetric.ExponentialHistogramDataPoint) bool { return wrong(p.Timestamp(), m.Name()) })
				case pmetric.MetricTypeSummary:
					m.Summary().DataPoints().RemoveIf(func(p pmetric.SummaryDataPoint) bool { return wrong(p.Timestamp(), m.Name()) })
				case pmetric.MetricTypeEmpty:
					return true
				}
				return false
			})
		}
	}
	return out
}

// deltaPoints counts the points of a metric of delta temporality; others have none.
func deltaPoints(m pmetric.Metric) int {
	const delta = pmetric.AggregationTemporalityDelta
	switch {
	case m.Type() == pmetric.MetricTypeSum && m.Sum().AggregationTemporality() == delta:
		return m.Sum().DataPoints().Len()
	case m.Type() == pmetric.MetricTypeHistogram && m.Histogram().AggregationTemporality() == delta:
		return m.Histogram().DataPoints().Len()
	case m.Type() == pmetric.MetricTypeExponentialHistogram && m.ExponentialHistogram().AggregationTemporality() == delta:
		return m.ExponentialHistogram().DataPoints().Len()
	}
	return 0
}

// otlpRefusals says in one line what was not taken, and why.
func otlpRefusals(c cleaned, translated error, o intake.Outcome) string {
	reasons := c.reasons
	for _, err := range o.Errors {
		reasons = append(reasons, err.Error())
	}
	if translated != nil {
		reasons = append(reasons, translated.Error())
	}
	const most = 2000
	text := strings.ReplaceAll(strings.Join(reasons, "; "), "\n", "; ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// otlpAnswer is 200 in any case: by OTLP a sender must not send again what was refused.
func otlpAnswer(w http.ResponseWriter, asJSON bool, rejected int, message string) {
	response := pmetricotlp.NewExportResponse()
	if rejected > 0 || message != "" {
		response.PartialSuccess().SetRejectedDataPoints(int64(rejected))
		response.PartialSuccess().SetErrorMessage(message)
	}
	var (
		body []byte
		err  error
	)
	if asJSON {
		body, err = response.MarshalJSON()
	} else {
		body, err = response.MarshalProto()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", otlpType(asJSON))
	_, _ = w.Write(body)
}

func otlpType(asJSON bool) string {
	if asJSON {
		return "application/json"
	}
	return "application/x-protobuf"
}

// otlpFailure answers with a google.rpc.Status, as OTLP says.
func otlpFailure(w http.ResponseWriter, asJSON bool, status int, text string) {
	const invalidArgument, unavailable = 3, 14
	code := uint64(invalidArgument)
	if status >= http.StatusInternalServerError {
		code = unavailable
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	var body []byte
	if asJSON {
		body, _ = json.Marshal(struct { // numbers and text always marshal
			Code    uint64 `json:"code"`
			Message string `json:"message"`
		}{code, text})
	} else {
		body = protowire.AppendVarint(protowire.AppendTag(body, 1, protowire.VarintType), code)
		body = protowire.AppendString(protowire.AppendTag(body, 2, protowire.BytesType), text)
	}
	w.Header().Set("Content-Type", otlpType(asJSON))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
