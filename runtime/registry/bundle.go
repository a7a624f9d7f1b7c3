package registry

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"hadron/runtime/function"
)

// Bundle returns what the engine runs, ErrNotFound or ErrVersionNotFound.
func (r *Registry) Bundle(ctx context.Context, id function.ID) (function.Bundle, error) {
	rec, ok := r.index.get(id.Name)
	if !ok {
		return function.Bundle{}, notFound(id.Name)
	}
	b, age, ok := r.cache.get(id)
	if ok {
		return b, nil
	}
	c, err := r.cfg.Store.Content(ctx, id, PartCode, PartMap)
	if err != nil {
		return function.Bundle{}, fmt.Errorf("read bundle %s: %w", id, err)
	}
	b = function.Bundle{ID: id, Code: c.Parts[PartCode], Map: c.Parts[PartMap], Builder: c.Builder}
	if v, aliased := rec.Function.Version(id.Version); aliased {
		b.Manifest = v.Manifest // a first call need not wait until it is decoded
	} else if err := json.Unmarshal(c.Manifest, &b.Manifest); err != nil {
		return function.Bundle{}, fmt.Errorf("decode manifest of %s: %w", id, err)
	}
	r.cache.put(b, age)
	return b, nil
}

// Uploaded is what a version was made from.
type Uploaded struct {
	Source    string
	SourceMap string
	Manifest  json.RawMessage // the author's own; empty where none was given
}

// Source returns what was uploaded, ErrNotFound or ErrVersionNotFound.
func (r *Registry) Source(ctx context.Context, id function.ID) (Uploaded, error) {
	if _, ok := r.index.get(id.Name); !ok {
		return Uploaded{}, notFound(id.Name)
	}
	c, err := r.cfg.Store.Content(ctx, id, PartSource, PartSourceMap)
	if err != nil {
		return Uploaded{}, fmt.Errorf("read source %s: %w", id, err)
	}
	return Uploaded{Source: string(c.Parts[PartSource]), SourceMap: string(c.Parts[PartSourceMap]), Manifest: c.Authored}, nil
}

// cache keeps the bundles last used, bounded by their bytes.
type cache struct {
	mu    sync.Mutex
	most  int
	bytes int
	age   int64 // grows at each drop: what was read before is not kept after
	used  *list.List
	items map[function.ID]*list.Element
}

func newCache(most int) *cache {
	return &cache{most: most, used: list.New(), items: make(map[function.ID]*list.Element)}
}

func (c *cache) get(id function.ID) (b function.Bundle, age int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.items[id]
	if !ok {
		return function.Bundle{}, c.age, false
	}
	c.used.MoveToFront(el)
	return el.Value.(function.Bundle), c.age, true
}

func weigh(b function.Bundle) int { return len(b.Code) + len(b.Map) + 1024 }

func (c *cache) put(b function.Bundle, age int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.items[b.ID]; twice || age != c.age || weigh(b) > c.most {
		return
	}
	c.items[b.ID] = c.used.PushFront(b)
	c.bytes += weigh(b)
	for c.bytes > c.most {
		c.evict(c.used.Back())
	}
}

func (c *cache) evict(el *list.Element) {
	b := c.used.Remove(el).(function.Bundle)
	delete(c.items, b.ID)
	c.bytes -= weigh(b)
}

func (c *cache) drop(name function.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	for id, el := range c.items {
		if id.Name == name {
			c.evict(el)
		}
	}
}
