package intake

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"hadron/collector/contract"
)

// Series is one that was written lately, whoever sent it.
type Series struct {
	labels labels.Labels
	hash   uint64
	team   *team
	ref    atomic.Uint64 // the store's
	seen   atomic.Uint32 // minutes since 1970
	told   atomic.Uint32 // as seen: when its metadata was last looked at
	next   *Series       // of the same hash

	into *sum // nil: kept as it is
	// Guarded by into.mu.
	last  contract.Last
	lastH *histogram.FloatHistogram
}

const shards = 256

// table finds series by their labels.
type table struct {
	shards    [shards]shard
	nextSweep atomic.Int64 // Unix nanoseconds
	toSweep   atomic.Uint32
}

type shard struct {
	mu     sync.RWMutex
	byHash map[uint64]*Series
	admits sync.Mutex
	_      [24]byte // a cache line each
}

func (t *table) init(now time.Time) {
	for i := range t.shards {
		t.shards[i].byHash = map[uint64]*Series{}
	}
	t.nextSweep.Store(now.UnixNano())
}

func (t *table) find(hash uint64, wanted labels.Labels) *Series {
	shard := &t.shards[hash%shards]
	shard.mu.RLock()
	s := shard.byHash[hash]
	for s != nil && !labels.Equal(s.labels, wanted) {
		s = s.next
	}
	shard.mu.RUnlock()
	return s
}

// admitting locks out others that would admit a series of this hash: one that two batches
// brought at once would be counted twice, and another folded for it.
func (t *table) admitting(hash uint64) *sync.Mutex {
	mu := &t.shards[hash%shards].admits
	mu.Lock()
	return mu
}

// put adds a series that is not there.
func (t *table) put(s *Series) {
	shard := &t.shards[s.hash%shards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	s.next = shard.byHash[s.hash]
	shard.byHash[s.hash] = s
}

// sweep drops series that nobody writes to any more, one shard at a time, so that
// each is looked at four times in Config.Idle and no batch waits long for it.
func (in *Intake) sweep(now time.Time) {
	t := &in.table
	due := t.nextSweep.Load()
	every := int64(in.config.Idle) / 4 / shards
	if now.UnixNano() < due || !t.nextSweep.CompareAndSwap(due, max(due+every, now.UnixNano()-shards*every)) {
		return
	}
	shard := &t.shards[t.toSweep.Add(1)%shards]
	before := minuteOf(now.Add(-in.config.Idle))
	var gone []*Series
	shard.mu.Lock()
	for hash, s := range shard.byHash {
		var kept *Series
		for s != nil {
			next := s.next
			if s.seen.Load() < before {
				gone = append(gone, s)
			} else {
				s.next, kept = kept, s
			}
			s = next
		}
		if kept == nil {
			delete(shard.byHash, hash)
		} else {
			shard.byHash[hash] = kept
		}
	}
	shard.mu.Unlock()
	for _, s := range gone {
		in.forget(s)
	}
}
