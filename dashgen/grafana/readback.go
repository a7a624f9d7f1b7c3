package grafana

import (
	"cmp"
	"slices"
)

// restUnchanged notes dashboards that seem right and are not read back in this pass.
func (p *pass) restUnchanged(later []*wanted) {
	for _, w := range later {
		w.done = true
		p.result.Unchanged++
		p.set(w, nil)
	}
}

// readBack looks at some of the dashboards that seem right, others each pass, to
// find what was changed by hand.
func (p *pass) readBack(seeming []*wanted) error {
	slices.SortFunc(seeming, func(a, b *wanted) int { return cmp.Compare(a.uid, b.uid) })
	from, _ := slices.BinarySearchFunc(seeming, p.cursor, func(w *wanted, uid string) int { return cmp.Compare(w.uid, uid) })
	due := append(slices.Clone(seeming[from:]), seeming[:from]...)
	now := min(p.cfg.Verify, len(due))
	now = p.several(now, func(c client, i int) { p.settle(c, due[i]) })
	if p.ended != nil {
		return p.ended
	}
	if now < len(due) {
		p.cursor = due[now].uid
	}
	p.restUnchanged(due[now:])
	return nil
}

// holds says whether Grafana's model has all that is wanted. What Grafana adds is
// its own business: ids, versions, and defaults of newer schemas.
func holds(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range w {
			if key != "schemaVersion" && !holds(h[key], value) {
				return false
			}
		}
		return true
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return false
		}
		for i := range w {
			if !holds(h[i], w[i]) {
				return false
			}
		}
		return true
	default:
		return have == want
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
