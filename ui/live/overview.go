package live

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// overview holds the health of every function as JSON, encoded once for all
// scopes, and anew only where more than the time of measuring changed.
type overview struct {
	mu      sync.Mutex
	entries map[string]*healthEntry
	round   uint64
}

type healthEntry struct {
	basis []byte // without updatedAt
	body  json.RawMessage
	round uint64
}

// visible reads the healths, if nobody did yet, and returns those of a scope.
func (o *overview) visible(read func() []wire.Health, scope access.Grants) []item {
	o.mu.Lock()
	first := o.round == 0
	o.mu.Unlock()
	if first {
		o.refresh(read())
	}
	return o.items(scope)
}

func (o *overview) refresh(healths []wire.Health) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.round++
	for i := range healths {
		h := healths[i]
		fill(&h)
		at := h.UpdatedAt
		h.UpdatedAt = time.Time{}
		basis, err := json.Marshal(h)
		if err != nil {
			continue // a NaN: the collector's own tests keep them out
		}
		e, there := o.entries[h.Function]
		if !there {
			e = &healthEntry{}
			o.entries[h.Function] = e
		}
		e.round = o.round
		if bytes.Equal(basis, e.basis) {
			continue
		}
		h.UpdatedAt = at
		e.basis = basis
		e.body, _ = json.Marshal(h) // as it did a moment ago
	}
	for name, e := range o.entries {
		if e.round != o.round {
			delete(o.entries, name)
		}
	}
}

// forget frees what nobody looks at; visible reads it anew.
func (o *overview) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.round > 0 {
		o.entries, o.round = map[string]*healthEntry{}, 0
	}
}

func (o *overview) items(scope access.Grants) []item {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]item, 0, len(o.entries))
	for name, e := range o.entries {
		if sees(scope, function.Name(name)) {
			out = append(out, item{key: name, body: e.body})
		}
	}
	return out
}

// fill puts empty lists where there are none: clients are never sent null for a list.
func fill(h *wire.Health) {
	if h.Versions == nil {
		h.Versions = []wire.VersionShare{}
	}
	if h.Trend == nil {
		h.Trend = []float64{}
	}
}
