package tenant

import (
	"crypto/sha256"
	"maps"
	"sync"
	"time"

	"hadron/runtime/access"
)

const (
	maxCached = 1024
	cacheTime = 30 * time.Second // how long a token lives on after another node revoked it
)

// cache holds who known tokens are, and when they were used last. Unknown ones are
// not kept, so that guessing cannot push out the others.
type cache struct {
	now   func() time.Time
	mu    sync.Mutex
	drops int64 // what was looked up before a clear is not kept after it
	items map[[sha256.Size]byte]*cached
	used  map[[sha256.Size]byte]time.Time // of items that were dropped since the last taking
}

type cached struct {
	principal access.Principal
	until     time.Time
	used      time.Time // zero: not since the last taking
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, items: map[[sha256.Size]byte]*cached{}, used: map[[sha256.Size]byte]time.Time{}}
}

func (c *cache) get(sum [sha256.Size]byte) (p access.Principal, drops int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	it, ok := c.items[sum]
	now := c.now()
	if !ok || !now.Before(it.until) {
		return access.Principal{}, c.drops, false
	}
	it.used = now
	return it.principal, c.drops, true
}

func (c *cache) put(sum [sha256.Size]byte, p access.Principal, drops int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if drops != c.drops {
		return
	}
	if _, there := c.items[sum]; !there && len(c.items) >= maxCached {
		c.drop()
	}
	now := c.now()
	c.items[sum] = &cached{p, now.Add(cacheTime), now}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	c.drop()
}

// drop forgets who is who, and keeps when they were here, as far as there is room.
func (c *cache) drop() {
	for sum, it := range c.items {
		if !it.used.IsZero() && len(c.used) < maxCached {
			c.used[sum] = it.used
		}
	}
	clear(c.items)
}

// lastUsed returns when an item was used since the last taking; zero: it was not.
func (c *cache) lastUsed(sum [sha256.Size]byte) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if it, ok := c.items[sum]; ok && !it.used.IsZero() {
		return it.used
	}
	return c.used[sum]
}

// take returns what was used since the last taking, and when.
func (c *cache) take() map[[sha256.Size]byte]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := maps.Clone(c.used)
	clear(c.used)
	for sum, it := range c.items {
		if !it.used.IsZero() {
			out[sum] = it.used
			it.used = time.Time{}
		}
	}
	return out
}
