package tenant

import (
	"crypto/sha256"
	"sync"
	"time"

	"hadron/runtime/access"
)

const (
	maxCached = 1024
	cacheTime = 30 * time.Second // how long a token lives on after another node revoked it
)

// cache holds who known tokens are. Unknown ones are not kept, so that guessing
// cannot push out the others.
type cache struct {
	now   func() time.Time
	mu    sync.Mutex
	drops int64 // what was looked up before a clear is not kept after it
	items map[[sha256.Size]byte]cached
}

type cached struct {
	principal access.Principal
	until     time.Time
}

func newCache(now func() time.Time) *cache {
	return &cache{now: now, items: make(map[[sha256.Size]byte]cached)}
}

func (c *cache) get(sum [sha256.Size]byte) (p access.Principal, drops int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	it, ok := c.items[sum]
	if !ok || !c.now().Before(it.until) {
		return access.Principal{}, c.drops, false
	}
	return it.principal, c.drops, true
}

func (c *cache) put(sum [sha256.Size]byte, p access.Principal, drops int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if drops != c.drops {
		return
	}
	if len(c.items) >= maxCached {
		clear(c.items)
	}
	c.items[sum] = cached{p, c.now().Add(cacheTime)}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	clear(c.items)
}
