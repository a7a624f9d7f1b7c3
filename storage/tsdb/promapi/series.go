package promapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

func (a *api) labelNames(r *http.Request) (result, error) {
	return a.names(r, func(ctx context.Context, querier storage.Querier, hints *storage.LabelHints, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return querier.LabelNames(ctx, hints, set...)
	})
}

func (a *api) labelValues(r *http.Request) (result, error) {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return result{}, badData(fmt.Errorf("invalid label name: %q", name))
	}
	return a.names(r, func(ctx context.Context, querier storage.Querier, hints *storage.LabelHints, set []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return querier.LabelValues(ctx, name, hints, set...)
	})
}

type lookup func(context.Context, storage.Querier, *storage.LabelHints, []*labels.Matcher) ([]string, annotations.Annotations, error)

// names answers with the union of what each matcher set finds, sorted.
func (a *api) names(r *http.Request, find lookup) (result, error) {
	limit, err := limitOf(r)
	if err != nil {
		return result{}, err
	}
	start, end, err := timeRange(r)
	if err != nil {
		return result{}, err
	}
	sets, err := a.matchers(r)
	if err != nil {
		return result{}, badData(err)
	}
	if len(sets) == 0 {
		sets = [][]*labels.Matcher{nil}
	}
	querier, err := a.store.Querier(start, end)
	if err != nil {
		return result{}, err
	}
	defer func() { _ = querier.Close() }()
	var warnings annotations.Annotations
	found := map[string]struct{}{}
	for _, set := range sets {
		names, notes, err := find(r.Context(), querier, &storage.LabelHints{Limit: hintOf(limit)}, set)
		if err != nil {
			return result{}, err
		}
		warnings = warnings.Merge(notes)
		for _, name := range names {
			// The store's strings may lie in a block's memory map.
			found[strings.Clone(name)] = struct{}{}
		}
	}
	names := slices.Sorted(maps.Keys(found))
	if limit > 0 && len(names) > limit {
		names = names[:limit]
		warnings = warnings.Add(errTruncated)
	}
	if names == nil {
		names = []string{}
	}
	return result{data: names, warnings: warnings}, nil
}

func (a *api) series(r *http.Request) (result, error) {
	if len(r.Form["match[]"]) == 0 {
		return result{}, badDataText("no match[] parameter provided")
	}
	limit, err := limitOf(r)
	if err != nil {
		return result{}, err
	}
	start, end, err := timeRange(r)
	if err != nil {
		return result{}, err
	}
	sets, err := a.matchers(r)
	if err != nil {
		return result{}, invalid("match[]", err)
	}
	querier, err := a.store.Querier(start, end)
	if err != nil {
		return result{}, err
	}
	// Labels may lie in a block's memory map: close after they were written.
	answer := result{close: func() { _ = querier.Close() }}
	hints := &storage.SelectHints{Start: start, End: end, Func: "series", Limit: hintOf(limit)}
	found := make([]storage.SeriesSet, len(sets))
	for i, set := range sets {
		found[i] = querier.Select(r.Context(), len(sets) > 1, hints, set...)
	}
	set := found[0]
	if len(found) > 1 {
		set = storage.NewMergeSeriesSet(found, 0, storage.ChainedSeriesMerge)
	}
	all := []labels.Labels{}
	cut := false
	for set.Next() {
		if len(all)%1024 == 1023 && r.Context().Err() != nil {
			return answer, r.Context().Err()
		}
		if limit > 0 && len(all) == limit {
			cut = true
			break
		}
		all = append(all, set.At().Labels())
	}
	if err := set.Err(); err != nil {
		return answer, err
	}
	answer.warnings = set.Warnings()
	if cut {
		answer.warnings = answer.warnings.Add(errTruncated)
	}
	answer.encode = func(stream *jsoniter.Stream) {
		array(stream, len(all), func(i int) { encodeLabels(stream, all[i]) })
	}
	return answer, nil
}
