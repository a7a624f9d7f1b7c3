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
		alerts := g.All()
		if len(alerts) == 0 {
			continue
		}
		interval := (g.Interval + schedulerInterval - 1).Truncate(schedulerInterval)
		fmt.Fprintf(&b, "  - orgId: 1\n    name: %s\n    folder: %s\n    interval: %ds\n    rules:\n",
			quoted(fit(g.Name, maxTitle)), quoted(s.namespace()), int(interval.Seconds()))
		for _, a := range alerts {
			id := g.Name
			if len(alerts) > 1 {
				id += "-" + a.Name
			}
			s.grafanaRule(&b, id, a)
		}
	}
	return []byte(b.String())
}

// grafanaRule writes a rule: A asks for what is wrong, such as burn rates that are too
// high, B says that anything is. It stays the same rule as long as its id does.
func (s RulesSpec) grafanaRule(b *strings.Builder, id string, a slo.Alert) {
	uid := cmp.Or(s.DatasourceUID, DefaultDatasource)
	fmt.Fprintf(b, "      - uid: %s\n        title: %s\n        condition: B\n        data:\n",
		(UIDPrefix + digest("rule\x00"+id))[:len(UIDPrefix)+32], quoted(fit(title(id, a.Name), maxTitle)))
	query := func(ref, datasource string, from time.Duration, model map[string]any) {
		model["refId"] = ref
		text, err := json.Marshal(model)
		if err != nil {
			panic(fmt.Sprintf("dashgen: a query of strings cannot be encoded: %v", err)) // it is made of strings and numbers
		}
		fmt.Fprintf(b, "          - refId: %s\n            relativeTimeRange: {from: %d, to: 0}\n            datasourceUid: %s\n            model: %s\n",
			ref, int(from.Seconds()), quoted(datasource), text)
	}
	query("A", uid, a.Reach, map[string]any{
		"datasource": map[string]string{"type": "prometheus", "uid": uid},
		"editorMode": "code", "expr": a.Expr, "instant": true, "range": false,
		"intervalMs": 1000, "maxDataPoints": 43200,
	})
	query("B", "__expr__", 0, map[string]any{
		"datasource": map[string]string{"type": "__expr__", "uid": "__expr__"},
		"type":       "threshold", "expression": "A",
		"conditions": []map[string]any{{"evaluator": map[string]any{"type": "gt", "params": []float64{-1}}}},
		"intervalMs": 1000, "maxDataPoints": 43200,
	})
	fmt.Fprintf(b, "        noDataState: OK\n        execErrState: Error\n        for: %ds\n", int(a.For.Seconds()))
	if a.KeepFiring > 0 {
		fmt.Fprintf(b, "        keepFiringFor: %ds\n", int(a.KeepFiring.Seconds()))
	}
	grafanaPairs(b, "annotations", a.Annotations)
	grafanaPairs(b, "labels", a.Labels)
	b.WriteString("        isPaused: false\n")
}

// title is unique in its folder, as Grafana asks for.
func title(id, alert string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(id, "hadron-slo-"), "hadron-symptoms-")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(name, alert), "-") + " " + alert)
}

// grafanaPairs writes labels or annotations. In Grafana $value is a text about all
// queries, and $values.A.Value the number.
func grafanaPairs(b *strings.Builder, key string, pairs []slo.Pair) {
	fmt.Fprintf(b, "        %s:\n", key)
	for _, p := range slices.SortedFunc(slices.Values(pairs), func(x, y slo.Pair) int { return cmp.Compare(x.Name, y.Name) }) {
		fmt.Fprintf(b, "          %s: %s\n", p.Name, quoted(strings.ReplaceAll(p.Value, "$value ", "$values.A.Value ")))
	}
}
