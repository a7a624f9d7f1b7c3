package pagerduty

import (
	"slices"
	"strings"

	pd "github.com/PagerDuty/go-pagerduty"

	"hadron/alerting"
)

// inventory is what PagerDuty has: all services of the account, without their keys.
type inventory struct {
	installation string
	byID         map[string]pd.Service
	marked       map[alerting.Scope][]string // ids of services with this installation's marker
	names        map[string]int              // how many have it; PagerDuty does not tell cases apart
}

func newInventory(installation string, services []pd.Service) *inventory {
	v := &inventory{installation: installation, byID: map[string]pd.Service{}, marked: map[alerting.Scope][]string{}, names: map[string]int{}}
	for _, s := range services {
		v.set(s)
	}
	return v
}

func (v *inventory) get(id string) (pd.Service, bool) {
	s, ok := v.byID[id]
	return s, ok
}

func (v *inventory) set(s pd.Service) {
	v.remove(s.ID)
	v.byID[s.ID] = s
	v.names[strings.ToLower(s.Name)]++
	for _, scope := range v.ours(s) {
		v.marked[scope] = append(v.marked[scope], s.ID)
	}
}

func (v *inventory) remove(id string) {
	s, ok := v.byID[id]
	if !ok {
		return
	}
	delete(v.byID, id)
	v.names[strings.ToLower(s.Name)]--
	for _, scope := range v.ours(s) {
		if v.marked[scope] = slices.DeleteFunc(v.marked[scope], func(other string) bool { return other == id }); len(v.marked[scope]) == 0 {
			delete(v.marked, scope)
		}
	}
}

// ours lists the scopes that a service is marked as this installation's for.
func (v *inventory) ours(s pd.Service) []alerting.Scope {
	var out []alerting.Scope
	for _, word := range markers(s.Description) {
		if scope, ok := marked(v.installation, word); ok && !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// own finds the service of a scope by its marker. Where somebody copied one, the first
// made is it.
func (v *inventory) own(scope alerting.Scope) (pd.Service, bool) {
	ids := v.marked[scope]
	if len(ids) == 0 {
		return pd.Service{}, false
	}
	return v.byID[slices.MinFunc(ids, func(a, b string) int {
		if c := strings.Compare(v.byID[a].CreateAt, v.byID[b].CreateAt); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})], true
}

// taken reports whether a service has the name.
func (v *inventory) taken(name string) bool { return v.names[strings.ToLower(name)] > 0 }

// hasIntegration reports whether events can come in as Hadron lets them.
func hasIntegration(s pd.Service) bool { return slices.ContainsFunc(s.Integrations, ourIntegration) }

func ourIntegration(i pd.Integration) bool {
	return strings.HasPrefix(i.Type, integrationType) && (i.Summary == integrationName || i.Name == integrationName)
}
