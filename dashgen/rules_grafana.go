package dashgen

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/collector/slo"
)

const grafanaLimits = `# - Grafana evaluates every 10 s or a multiple: intervals are rounded up. Its alerts read the series themselves; the recording
#   rules are Hadron's own already, where the data source is Hadron's /prometheus.
`

// schedulerInterval is what the interval of a group in Grafana is a multiple of.
const schedulerInterval = 10 * time.Second

// grafana writes the provisioning file of Grafana-managed alert rules: a group for each.
func (s RulesSpec) grafana(groups []slo.Group) []byte {
	var b strings.Builder
	if len(groups) == 0 {
		return []byte("apiVersion: 1\ngroups: []\n")
	}
	b.WriteString("apiVersion: 1\ngroups:\n")
	for _, g := range groups {
		if len(g.Alerts) == 0 {
			continue
		}
		interval := (g.Interval + schedulerInterval - 1).Truncate(schedulerInterval)
		fmt.Fprintf(&b, "  - orgId: 1\n    name: %s\n    folder: %s\n    interval: %ds\n    rules:\n",
			quoted(fit(g.Name, maxTitle)), quoted(s.namespace()), int(interval.Seconds()))
		for _, r := range g.Alerts {
			s.grafanaRule(&b, g, r)
		}
	}
	return []byte(b.String())
}

// grafanaRule writes a rule: A asks for the burn rates that are too high, B says that any is.
func (s RulesSpec) grafanaRule(b *strings.Builder, g slo.Group, r slo.Rule) {
	uid := cmp.Or(s.DatasourceUID, DefaultDatasource)
	fmt.Fprintf(b, "      - uid: %s\n        title: %s\n        condition: B\n        data:\n",
		(UIDPrefix + digest("rule\x00"+g.Name))[:len(UIDPrefix)+32],
		quoted(fit(strings.TrimPrefix(g.Name, "hadron-slo-")+" "+slo.AlertName, maxTitle)))
	query := func(ref, datasource string, from time.Duration, model map[string]any) {
		model["refId"] = ref
		text, err := json.Marshal(model)
		if err != nil {
			panic(fmt.Sprintf("dashgen: a query of strings cannot be encoded: %v", err)) // it is made of strings and numbers
		}
		fmt.Fprintf(b, "          - refId: %s\n            relativeTimeRange: {from: %d, to: 0}\n            datasourceUid: %s\n            model: %s\n",
			ref, int(from.Seconds()), quoted(datasource), text)
	}
	query("A", uid, r.Window.Long, map[string]any{
		"datasource": map[string]string{"type": "prometheus", "uid": uid},
		"editorMode": "code", "expr": r.Expr(), "instant": true, "range": false,
		"intervalMs": 1000, "maxDataPoints": 43200,
	})
	query("B", "__expr__", 0, map[string]any{
		"datasource": map[string]string{"type": "__expr__", "uid": "__expr__"},
		"type":       "threshold", "expression": "A",
		"conditions": []map[string]any{{"evaluator": map[string]any{"type": "gt", "params": []float64{0}}}},
		"intervalMs": 1000, "maxDataPoints": 43200,
	})
	fmt.Fprintf(b, "        noDataState: OK\n        execErrState: Error\n        for: %ds\n", int(r.For.Seconds()))
	grafanaPairs(b, "annotations", r.Annotations())
	grafanaPairs(b, "labels", r.Labels())
	b.WriteString("        isPaused: false\n")
}

// grafanaPairs writes labels or annotations. In Grafana $value is a text about all
// queries, and $values.A.Value the number.
func grafanaPairs(b *strings.Builder, key string, pairs []slo.Pair) {
	fmt.Fprintf(b, "        %s:\n", key)
	for _, p := range slices.SortedFunc(slices.Values(pairs), func(x, y slo.Pair) int { return cmp.Compare(x.Name, y.Name) }) {
		fmt.Fprintf(b, "          %s: %s\n", p.Name, quoted(strings.ReplaceAll(p.Value, "$value ", "$values.A.Value ")))
	}
}
