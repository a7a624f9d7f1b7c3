package promapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"hadron/collector/metric"
	"hadron/runtime/access"
	"hadron/storage/tsdb"
)

// Which series a caller may read is decided where the store is asked, beneath the
// engine: every selector of every parsed query ends in one Select, those that
// info() makes by itself and those of a remote read included, and no trick of a
// query's text gets around it. A series without a team is the platform's own, and
// read by those who may read everything.

// visibility is the set of series that a caller may read.
type visibility struct {
	all  bool
	sets [][]*labels.Matcher // a series must satisfy one set whole; the sets are disjoint
}

type visibilityKey struct{}

// withVisibility limits what is read under ctx to what the request's caller may see.
func (a *api) withVisibility(ctx context.Context, r *http.Request) context.Context {
	v := visibility{all: true}
	if a.Visible != nil {
		v = visible(a.Visible(r))
	}
	return context.WithValue(ctx, visibilityKey{}, v)
}

// sees returns the caller's visibility: none, where nobody said.
func sees(ctx context.Context) visibility {
	v, _ := ctx.Value(visibilityKey{}).(visibility)
	return v
}

func visible(scopes []access.Scope) visibility {
	var teams []string
	projects := map[string][]string{}
	for _, s := range scopes {
		switch {
		case s == access.Everything:
			return visibility{all: true}
		case s.Project() == "":
			teams = append(teams, s.Team())
		default:
			projects[s.Team()] = append(projects[s.Team()], s.Project())
		}
	}
	var v visibility
	if len(teams) > 0 {
		v.sets = append(v.sets, []*labels.Matcher{anyOf(metric.Team, teams)})
	}
	for _, team := range slices.Sorted(maps.Keys(projects)) {
		if !slices.Contains(teams, team) {
			v.sets = append(v.sets, []*labels.Matcher{anyOf(metric.Team, []string{team}), anyOf(metric.Project, projects[team])})
		}
	}
	return v
}

// anyOf matches any of the values; they are parts of scopes, of letters, digits and hyphens.
func anyOf(label string, values []string) *labels.Matcher {
	if len(values) == 1 {
		return labels.MustNewMatcher(labels.MatchEqual, label, values[0])
	}
	return labels.MustNewMatcher(labels.MatchRegexp, label, strings.Join(values, "|"))
}

// shows reports whether a series or alert with these labels is visible.
func (v visibility) shows(set metric.Labels) bool {
	return v.all || slices.ContainsFunc(v.sets, func(ms []*labels.Matcher) bool {
		return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(set.Get(m.Name)) })
	})
}

// onlyUnscoped guards what is of the whole installation.
func onlyUnscoped(serve endpoint) endpoint {
	return func(r *http.Request) (result, error) {
		if !sees(r.Context()).all {
			return result{}, &apiError{kindForbidden, errors.New("this tells of every team: it needs a viewer's token of the whole installation")}
		}
		return serve(r)
	}
}

// enforced is a store that shows of itself what the context's caller may see.
type enforced struct{ tsdb.Store }

func (e enforced) Querier(from, to int64) (storage.Querier, error) {
	q, err := e.Store.Querier(from, to)
	if err != nil {
		return nil, err
	}
	return enforcedQuerier{q, q}, nil
}

func (e enforced) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	q, err := e.Store.ChunkQuerier(from, to)
	if err != nil {
		return nil, err
	}
	return enforcedChunks{q}, nil
}

func (e enforced) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	q, err := e.Store.ExemplarQuerier(ctx)
	if err != nil {
		return nil, err
	}
	return enforcedExemplars{q, sees(ctx)}, nil
}

type enforcedQuerier struct {
	storage.Querier
	labels storage.LabelQuerier
}

func (q enforcedQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	v := sees(ctx)
	if v.all {
		return q.Querier.Select(ctx, sorted, hints, matchers...)
	}
	found := make([]storage.SeriesSet, len(v.sets))
	for i, set := range v.sets {
		found[i] = q.Querier.Select(ctx, sorted || len(v.sets) > 1, hints, slices.Concat(matchers, set)...)
	}
	switch len(found) {
	case 0:
		return storage.EmptySeriesSet()
	case 1:
		return found[0]
	}
	return storage.NewMergeSeriesSet(found, 0, storage.ChainedSeriesMerge)
}

func (q enforcedQuerier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return union(ctx, matchers, func(ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.labels.LabelValues(ctx, name, hints, ms...)
	})
}

func (q enforcedQuerier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return union(ctx, matchers, func(ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.labels.LabelNames(ctx, hints, ms...)
	})
}

// union is what a lookup finds under each visible set, sorted and each once.
func union(ctx context.Context, matchers []*labels.Matcher, find func([]*labels.Matcher) ([]string, annotations.Annotations, error)) ([]string, annotations.Annotations, error) {
	v := sees(ctx)
	if v.all {
		return find(matchers)
	}
	var (
		all   []string
		notes annotations.Annotations
	)
	for _, set := range v.sets {
		found, more, err := find(slices.Concat(matchers, set))
		if err != nil {
			return nil, nil, err
		}
		all, notes = append(all, found...), notes.Merge(more)
	}
	slices.Sort(all)
	return slices.Compact(all), notes, nil
}

type enforcedChunks struct{ storage.ChunkQuerier }

func (q enforcedChunks) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.ChunkSeriesSet {
	v := sees(ctx)
	if v.all {
		return q.ChunkQuerier.Select(ctx, sorted, hints, matchers...)
	}
	found := make([]storage.ChunkSeriesSet, len(v.sets))
	for i, set := range v.sets {
		found[i] = q.ChunkQuerier.Select(ctx, sorted || len(v.sets) > 1, hints, slices.Concat(matchers, set)...)
	}
	switch len(found) {
	case 0:
		return storage.EmptyChunkSeriesSet()
	case 1:
		return found[0]
	}
	return storage.NewMergeChunkSeriesSet(found, 0, storage.NewConcatenatingChunkSeriesMerger())
}

func (q enforcedChunks) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return union(ctx, matchers, func(ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.ChunkQuerier.LabelValues(ctx, name, hints, ms...)
	})
}

func (q enforcedChunks) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return union(ctx, matchers, func(ms []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.ChunkQuerier.LabelNames(ctx, hints, ms...)
	})
}

type enforcedExemplars struct {
	storage.ExemplarQuerier
	v visibility
}

func (q enforcedExemplars) Select(from, to int64, selectors ...[]*labels.Matcher) ([]exemplar.QueryResult, error) {
	if q.v.all {
		return q.ExemplarQuerier.Select(from, to, selectors...)
	}
	narrow := make([][]*labels.Matcher, 0, len(selectors)*len(q.v.sets))
	for _, selector := range selectors {
		for _, set := range q.v.sets {
			narrow = append(narrow, slices.Concat(selector, set))
		}
	}
	if len(narrow) == 0 {
		return nil, nil
	}
	return q.ExemplarQuerier.Select(from, to, narrow...)
}

// groupsFor are the rule groups as the caller may see them: a rule itself is of
// no team, what it found is.
func (a *api) groupsFor(ctx context.Context) []Group {
	groups, v := a.groups(ctx), sees(ctx)
	if v.all {
		return groups
	}
	out := make([]Group, len(groups))
	for i, g := range groups {
		out[i] = g
		out[i].Rules = make([]Rule, 0, len(g.Rules))
		for _, rule := range g.Rules {
			if rule.Labels.Get(metric.Team) != "" && !v.shows(rule.Labels) {
				continue
			}
			rule.Alerts = slices.DeleteFunc(slices.Clone(rule.Alerts), func(al Alert) bool { return !v.shows(al.Labels) })
			rule.LastError = "" // it may name a series
			rule.State = worst(rule)
			out[i].Rules = append(out[i].Rules, rule)
		}
	}
	return out
}

func worst(rule Rule) string {
	state := rule.State
	if !rule.Recording && state != "" {
		state = "inactive"
	}
	for _, al := range rule.Alerts {
		if al.State == "firing" || state == "inactive" {
			state = al.State
		}
	}
	return state
}
