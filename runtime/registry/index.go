package registry

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"hadron/runtime/function"
)

// index is the functions in memory, by name. Records are replaced whole, never
// changed in place.
type index struct {
	mu      sync.RWMutex
	records []*Record            // sorted by name
	all     []*function.Function // what all returned last; nil once a record changed
}

func (x *index) at(name function.Name) (int, bool) {
	return slices.BinarySearchFunc(x.records, name, func(rec *Record, name function.Name) int { return cmp.Compare(rec.Function.Name, name) })
}

func (x *index) get(name function.Name) (Record, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if at, found := x.at(name); found {
		return *x.records[at], true
	}
	return Record{}, false
}

func (x *index) put(rec Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = nil
	if n := len(x.records); n == 0 || x.records[n-1].Function.Name < rec.Function.Name { // as a start has them
		x.records = append(x.records, &rec)
		return
	}
	if at, found := x.at(rec.Function.Name); found {
		x.records[at] = &rec
	} else {
		x.records = slices.Insert(x.records, at, &rec)
	}
}

func (x *index) remove(name function.Name) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, found := x.at(name)
	if found {
		x.records = slices.Delete(x.records, at, at+1)
		x.all = nil
	}
	return found
}

// every returns all functions. It is the same slice until something changes: who
// looks again and again costs nothing but that.
func (x *index) every() []*function.Function {
	x.mu.RLock()
	all := x.all
	x.mu.RUnlock()
	if all != nil {
		return all
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all == nil {
		x.all = make([]*function.Function, len(x.records))
		for i, rec := range x.records {
			x.all[i] = &rec.Function
		}
	}
	return x.all
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
	at, _ := x.at(max(function.Name(prefix), f.After))
	var out []function.Function
	for _, rec := range x.records[at:] {
		fn := &rec.Function
		if !strings.HasPrefix(string(fn.Name), prefix) {
			break
		}
		if fn.Name == f.After {
			continue
		}
		if matches(fn, query) {
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
