package promapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"

	"hadron/collector/metric"
)

// Group is a rule group as the API shows it, whoever evaluates it.
type Group struct {
	Name, File     string
	Interval       time.Duration
	Limit          int // of series or alerts; 0 is none
	EvaluationTime time.Duration
	LastEvaluation time.Time
	Rules          []Rule
}

// Rule is an alerting rule, or a recording one where Recording is set.
type Rule struct {
	Recording      bool
	Name, Query    string
	Labels         metric.Labels
	Health         string // ok, err or unknown
	LastError      string
	EvaluationTime time.Duration
	LastEvaluation time.Time

	// Of alerting rules only.
	State         string // inactive, pending or firing
	For           time.Duration
	KeepFiringFor time.Duration
	Annotations   metric.Labels
	Alerts        []Alert
}

// Alert is an active instance of an alerting rule.
type Alert struct {
	Labels, Annotations metric.Labels
	State               string // pending or firing
	ActiveAt            time.Time
	KeepFiringSince     time.Time // zero where not so
	Value               float64
}

func (a *api) groups(ctx context.Context) []Group {
	var groups []Group
	if a.Groups != nil {
		groups = append(groups, a.Groups(ctx)...)
	}
	for _, group := range a.DB.RuleGroups() {
		groups = append(groups, recordingGroup(group))
	}
	slices.SortStableFunc(groups, func(x, y Group) int {
		return cmp.Or(strings.Compare(x.File, y.File), strings.Compare(x.Name, y.Name))
	})
	return groups
}

func recordingGroup(from *promrules.Group) Group {
	group := Group{
		Name: from.Name(), File: from.File(), Interval: from.Interval(), Limit: from.Limit(),
		EvaluationTime: from.GetEvaluationTime(), LastEvaluation: from.GetLastEvaluation(),
	}
	for _, rule := range from.Rules() {
		to := Rule{
			Recording: true, Name: rule.Name(), Query: rule.Query().String(),
			Health:         string(rule.Health()),
			EvaluationTime: rule.GetEvaluationDuration(), LastEvaluation: rule.GetEvaluationTimestamp(),
		}
		rule.Labels().Range(func(label labels.Label) {
			to.Labels = append(to.Labels, metric.Label{Name: label.Name, Value: label.Value})
		})
		if err := rule.LastError(); err != nil {
			to.LastError = err.Error()
		}
		group.Rules = append(group.Rules, to)
	}
	return group
}

type groupJSON struct {
	Name           string    `json:"name"`
	File           string    `json:"file"`
	Rules          []any     `json:"rules"`
	Interval       float64   `json:"interval"`
	Limit          int       `json:"limit"`
	EvaluationTime float64   `json:"evaluationTime"`
	LastEvaluation time.Time `json:"lastEvaluation"`
}

type recordingJSON struct {
	Name           string            `json:"name"`
	Query          string            `json:"query"`
	Labels         map[string]string `json:"labels"`
	Health         string            `json:"health"`
	LastError      string            `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"`
	LastEvaluation time.Time         `json:"lastEvaluation"`
	Type           string            `json:"type"`
}

type alertingJSON struct {
	State          string            `json:"state"`
	Name           string            `json:"name"`
	Query          string            `json:"query"`
	Duration       float64           `json:"duration"`
	KeepFiringFor  float64           `json:"keepFiringFor"`
	Labels         map[string]string `json:"labels"`
	Annotations    map[string]string `json:"annotations"`
	Alerts         []alertJSON       `json:"alerts"`
	Health         string            `json:"health"`
	LastError      string            `json:"lastError,omitempty"`
	EvaluationTime float64           `json:"evaluationTime"`
	LastEvaluation time.Time         `json:"lastEvaluation"`
	Type           string            `json:"type"`
}

type alertJSON struct {
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	State           string            `json:"state"`
	ActiveAt        *time.Time        `json:"activeAt,omitempty"`
	KeepFiringSince *time.Time        `json:"keepFiringSince,omitempty"`
	Value           string            `json:"value"`
}

func (a *api) alerts(r *http.Request) (result, error) {
	alerts := []alertJSON{}
	for _, group := range a.groupsFor(r.Context()) {
		for _, rule := range group.Rules {
			alerts = append(alerts, alertsJSON(rule.Alerts)...)
		}
	}
	return result{data: map[string]any{"alerts": alerts}}, nil
}

func (a *api) rules(r *http.Request) (result, error) {
	filter, err := a.ruleFilter(r)
	if err != nil {
		return result{}, err
	}
	page, err := groupPage(r)
	if err != nil {
		return result{}, err
	}
	answer := struct {
		Groups []groupJSON `json:"groups"`
		Next   string      `json:"groupNextToken,omitempty"`
	}{Groups: []groupJSON{}}
	begun := page.token == ""
	for _, group := range a.groupsFor(r.Context()) {
		token := groupToken(group)
		begun = begun || token == page.token
		if !begun || !filter.wantsGroup(group) {
			continue
		}
		shown := filter.apply(group)
		if len(shown.Rules) == 0 {
			continue
		}
		if page.limit > 0 && len(answer.Groups) == page.limit {
			answer.Next = token
			break
		}
		answer.Groups = append(answer.Groups, shown)
	}
	if !begun {
		return result{}, invalid("group_next_token", fmt.Errorf("invalid group_next_token '%v'. were rule groups changed?", page.token))
	}
	return result{data: answer}, nil
}

type ruleFilter struct {
	names, groups, files []string // empty is any
	matchers             [][]*labels.Matcher
	alerting, recording  bool
	noAlerts             bool
}

func (a *api) ruleFilter(r *http.Request) (ruleFilter, error) {
	f := ruleFilter{names: r.Form["rule_name[]"], groups: r.Form["rule_group[]"], files: r.Form["file[]"]}
	var err error
	if f.matchers, err = a.matchers(r); err != nil {
		return f, badData(err)
	}
	kind := strings.ToLower(r.Form.Get("type"))
	if kind != "" && kind != "alert" && kind != "record" {
		return f, invalid("type", fmt.Errorf("not supported value %q", kind))
	}
	f.alerting, f.recording = kind != "record", kind != "alert"
	if text := r.Form.Get("exclude_alerts"); text != "" {
		if f.noAlerts, err = strconv.ParseBool(strings.ToLower(text)); err != nil {
			return f, invalid("exclude_alerts", fmt.Errorf("error converting exclude_alerts: %w", err))
		}
	}
	return f, nil
}

func among(wanted []string, name string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, name)
}

func (f ruleFilter) wantsGroup(group Group) bool {
	return among(f.groups, group.Name) && among(f.files, group.File)
}

func (f ruleFilter) wantsRule(rule Rule) bool {
	if !among(f.names, rule.Name) || (rule.Recording && !f.recording) || (!rule.Recording && !f.alerting) {
		return false
	}
	return len(f.matchers) == 0 || slices.ContainsFunc(f.matchers, func(set []*labels.Matcher) bool {
		return !slices.ContainsFunc(set, func(m *labels.Matcher) bool { return !m.Matches(rule.Labels.Get(m.Name)) })
	})
}

func (f ruleFilter) apply(group Group) groupJSON {
	shown := groupJSON{
		Name: group.Name, File: group.File, Interval: group.Interval.Seconds(), Limit: group.Limit,
		EvaluationTime: group.EvaluationTime.Seconds(), LastEvaluation: group.LastEvaluation,
		Rules: []any{},
	}
	for _, rule := range group.Rules {
		if f.wantsRule(rule) {
			shown.Rules = append(shown.Rules, f.ruleJSON(rule))
		}
	}
	return shown
}

func (f ruleFilter) ruleJSON(rule Rule) any {
	if rule.Recording {
		return recordingJSON{
			Name: rule.Name, Query: rule.Query, Labels: labelMap(rule.Labels),
			Health: cmp.Or(rule.Health, "unknown"), LastError: rule.LastError,
			EvaluationTime: rule.EvaluationTime.Seconds(), LastEvaluation: rule.LastEvaluation, Type: "recording",
		}
	}
	shown := alertingJSON{
		State: cmp.Or(rule.State, "unknown"), Name: rule.Name, Query: rule.Query,
		Duration: rule.For.Seconds(), KeepFiringFor: rule.KeepFiringFor.Seconds(),
		Labels: labelMap(rule.Labels), Annotations: labelMap(rule.Annotations),
		Health: cmp.Or(rule.Health, "unknown"), LastError: rule.LastError,
		EvaluationTime: rule.EvaluationTime.Seconds(), LastEvaluation: rule.LastEvaluation, Type: "alerting",
	}
	if !f.noAlerts {
		shown.Alerts = alertsJSON(rule.Alerts)
	}
	return shown
}

func alertsJSON(alerts []Alert) []alertJSON {
	shown := make([]alertJSON, len(alerts))
	for i, alert := range alerts {
		shown[i] = alertJSON{
			Labels: labelMap(alert.Labels), Annotations: labelMap(alert.Annotations), State: alert.State,
			ActiveAt: &alert.ActiveAt, Value: strconv.FormatFloat(alert.Value, 'e', -1, 64),
		}
		if !alert.KeepFiringSince.IsZero() {
			shown[i].KeepFiringSince = &alert.KeepFiringSince
		}
	}
	return shown
}

func labelMap(set metric.Labels) map[string]string {
	m := make(map[string]string, len(set))
	for _, label := range set {
		m[label.Name] = label.Value
	}
	return m
}

type pageOf struct {
	limit int // groups; 0 is all
	token string
}

func groupPage(r *http.Request) (pageOf, error) {
	limit, token := r.Form.Get("group_limit"), r.Form.Get("group_next_token")
	switch {
	case limit == "" && token == "":
		return pageOf{}, nil
	case limit == "":
		return pageOf{}, invalid("group_next_token", errors.New("group_limit needs to be present in order to paginate over the groups"))
	}
	n, err := strconv.ParseInt(limit, 10, 32)
	if err != nil {
		return pageOf{}, invalid("group_limit", fmt.Errorf("group_limit needs to be a valid number: %w", err))
	}
	if n <= 0 {
		return pageOf{}, invalid("group_limit", errors.New("group_limit needs to be greater than 0"))
	}
	return pageOf{int(n), token}, nil
}

func groupToken(group Group) string {
	sum := sha256.Sum256([]byte(group.File + ";" + group.Name))
	return hex.EncodeToString(sum[:])
}
