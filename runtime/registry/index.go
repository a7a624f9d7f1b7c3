package registry

import (
	"slices"
	"strings"
	"sync"

	"hadron/runtime/function"
)

// index is the functions in memory. Records are replaced whole, never changed in place.
type index struct {
	mu      sync.RWMutex
	records map[function.Name]*Record
	names   []function.Name // sorted
}

func newIndex() *index { return &index{records: make(map[function.Name]*Record)} }

func (x *index) get(name function.Name) (Record, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if rec, ok := x.records[name]; ok {
		return *rec, true
	}
	return Record{}, false
}

func (x *index) put(rec Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	name := rec.Function.Name
	if at, found := slices.BinarySearch(x.names, name); !found {
		x.names = slices.Insert(x.names, at, name)
	}
	x.records[name] = &rec
}

func (x *index) remove(name function.Name) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, found := slices.BinarySearch(x.names, name)
	if found {
		x.names = slices.Delete(x.names, at, at+1)
		delete(x.records, name)
	}
	return found
}

func (x *index) list(f Filter) []function.Function {
	prefix := ""
	if f.Team != "" {
		prefix = f.Team + "/"
		if f.Project != "" {
			prefix += f.Project + "/"
		}
	}
	query := strings.ToLower(f.Query)
	x.mu.RLock()
	defer x.mu.RUnlock()
	at, _ := slices.BinarySearch(x.names, max(function.Name(prefix), f.After))
	var out []function.Function
	if n := len(x.names) - at; n > 0 && f.Limit == 0 && query == "" && prefix == "" {
		out = make([]function.Function, 0, n)
	}
	for _, name := range x.names[at:] {
		if !strings.HasPrefix(string(name), prefix) {
			break
		}
		if name == f.After {
			continue
		}
		if fn := &x.records[name].Function; matches(fn, query) {
			if out = append(out, *fn); len(out) == f.Limit {
				break
			}
		}
	}
	return out
}

func matches(f *function.Function, query string) bool {
	return query == "" || strings.Contains(string(f.Name), query) ||
		strings.Contains(strings.ToLower(f.Spec.Description), query) ||
		strings.Contains(strings.ToLower(f.Spec.Owner), query)
}
