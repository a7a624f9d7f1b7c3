package tsdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/util/annotations"
)

// elsewhere reads series from another store instead of this one: by remote read, as
// Prometheus, Mimir and Cortex serve it, and label names and values by the HTTP API. The
// query engines stay here, so that bounds and who may see what are the same.
type elsewhere struct {
	storage.SampleAndChunkQueryable
	base    *url.URL
	client  *http.Client
	timeout time.Duration
}

// ErrElsewhere is wrapped by failures of the store that Config.QueryURL names.
var ErrElsewhere = errors.New("the metrics store of metrics.query_url failed")

const mostNames = 64 << 20 // bytes of an answer with label names or values

func newElsewhere(c Config) (*elsewhere, error) {
	if c.QueryURL == "" {
		return nil, nil
	}
	base, err := url.Parse(strings.TrimRight(c.QueryURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("metrics.query_url: %w", err)
	}
	access := commonconfig.DefaultHTTPClientConfig
	if c.QueryTokenFile != "" {
		access.Authorization = &commonconfig.Authorization{Type: "Bearer", CredentialsFile: c.QueryTokenFile}
	}
	client, err := commonconfig.NewClientFromConfig(access, "metrics_query")
	if err != nil {
		return nil, fmt.Errorf("metrics.query_token_file: %w", err)
	}
	reader, err := remote.NewReadClient("query_url", &remote.ClientConfig{
		URL: &commonconfig.URL{URL: base.JoinPath("api/v1/read")}, Timeout: model.Duration(c.QueryTimeout),
		HTTPClientConfig: access, ChunkedReadLimit: 64 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("metrics.query_url: %w", err)
	}
	return &elsewhere{
		SampleAndChunkQueryable: remote.NewSampleAndChunkQueryableClient(reader, labels.EmptyLabels(), nil, true, nil),
		base:                    base, client: client, timeout: c.QueryTimeout,
	}, nil
}

func (e *elsewhere) close() {
	if e != nil {
		e.client.CloseIdleConnections()
	}
}

// Querier implements storage.Queryable.
func (e *elsewhere) Querier(from, to int64) (storage.Querier, error) {
	q, err := e.SampleAndChunkQueryable.Querier(from, to)
	return elsewhereQuerier{q, names{e, from, to}}, err
}

// ChunkQuerier implements storage.ChunkQueryable.
func (e *elsewhere) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	q, err := e.SampleAndChunkQueryable.ChunkQuerier(from, to)
	return elsewhereChunks{q, names{e, from, to}}, err
}

type elsewhereQuerier struct {
	storage.Querier
	names
}

func (q elsewhereQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := q.Querier.Select(ctx, sorted, hints, matchers...)
	if err := set.Err(); err != nil {
		return storage.ErrSeriesSet(fmt.Errorf("%w: %w", ErrElsewhere, err))
	}
	return set
}

func (q elsewhereQuerier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.values(ctx, name, hints, matchers)
}

func (q elsewhereQuerier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.labels(ctx, hints, matchers)
}

type elsewhereChunks struct {
	storage.ChunkQuerier
	names
}

func (q elsewhereChunks) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.values(ctx, name, hints, matchers)
}

func (q elsewhereChunks) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.labels(ctx, hints, matchers)
}

// names asks for label names and values of a time, by the HTTP API.
type names struct {
	of       *elsewhere
	from, to int64 // Unix milliseconds
}

func (n names) values(ctx context.Context, name string, hints *storage.LabelHints, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
	if !model.LegacyValidation.IsValidLabelName(name) {
		name = model.EscapeName(name, model.ValueEncodingEscaping)
	}
	return n.ask(ctx, "api/v1/label/"+name+"/values", hints, matchers)
}

func (n names) labels(ctx context.Context, hints *storage.LabelHints, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
	return n.ask(ctx, "api/v1/labels", hints, matchers)
}

func (n names) ask(ctx context.Context, path string, hints *storage.LabelHints, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
	address := n.of.base.JoinPath(path)
	query := url.Values{}
	// Beyond what other stores take as a time, the range is left open.
	const furthest = 253402300799000 // the last second of the year 9999
	if n.from > -furthest {
		query.Set("start", seconds(n.from))
	}
	if n.to < furthest {
		query.Set("end", seconds(n.to))
	}
	if len(matchers) > 0 {
		texts := make([]string, len(matchers))
		for i, m := range matchers {
			texts[i] = m.String()
		}
		query.Set("match[]", "{"+strings.Join(texts, ",")+"}")
	}
	if hints != nil && hints.Limit > 0 {
		query.Set("limit", strconv.Itoa(hints.Limit))
	}
	address.RawQuery = query.Encode()
	ctx, cancel := context.WithTimeout(ctx, n.of.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := n.of.client.Do(request)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrElsewhere, err)
	}
	defer response.Body.Close()
	var answer struct {
		Data  []string `json:"data"`
		Error string   `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, mostNames)).Decode(&answer)
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("%w: %s: %.200s", ErrElsewhere, response.Status, answer.Error)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: its answer is not the API's: %w", ErrElsewhere, err)
	}
	slices.Sort(answer.Data)
	return answer.Data, nil, nil
}

func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }
