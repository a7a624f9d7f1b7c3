package logs

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Bounds of a shard in memory.
const (
	maxQueue     = 2 << 20 // bytes that wait for the disk
	maxFollowers = 256
	maxBudgets   = 10_000 // functions whose rate is watched at once
)

// shard is the logs of the functions that hash to it. Appends go to a queue under
// mu; the file is written under writing, so that a slow disk stops no caller.
type shard struct {
	cfg     *Config
	metrics *storeMetrics
	dir     string

	mu        sync.Mutex
	queue     []byte
	budgets   map[function.Name]*rate
	losers    map[function.Name]*rate // those that dropped and have not said so
	followers map[*follower]struct{}

	writing  sync.Mutex // taken before mu where both are
	spare    []byte
	segments []*segment // oldest first; the last one is written to, if it is open
	next     int        // the next segment's number
}

// rate bounds one function's records, and counts what it dropped since it last
// said so.
type rate struct {
	tokens  float64
	at      time.Time
	byRate  int
	byQueue int
	version int
	said    time.Time
}

// append encodes on the caller's time and queues.
func (s *shard) append(r invocation.Record, now time.Time) {
	bound(&r)
	data, err := marshal(line{Record: r})
	s.mu.Lock()
	defer s.mu.Unlock()
	budget := s.budget(r.Function, now)
	switch {
	case err != nil || len(data) > maxLine || len(s.queue)+len(data) > maxQueue:
		budget.byQueue++
		s.metrics.dropped.WithLabelValues(dropQueue).Inc()
	case budget.tokens < 1:
		budget.byRate++
		s.metrics.dropped.WithLabelValues(dropRate).Inc()
	default:
		// A long record costs what it takes of the disk.
		budget.tokens -= 1 + float64(len(data)/4096)
		s.put(data, r)
		return
	}
	budget.version = r.Version
	s.losers[r.Function] = budget
}

// put queues a line, shows it to the followers, and has it sent on. The caller holds
// mu, so that all of them see one order.
func (s *shard) put(data []byte, r invocation.Record) {
	s.metrics.records.Inc()
	s.queue = append(s.queue, data...)
	for f := range s.followers {
		f.offer(data, r.Function)
	}
	if s.cfg.Forward != nil {
		s.cfg.Forward(r)
	}
}

// budget returns the function's rate, refilled. The caller holds mu.
func (s *shard) budget(name function.Name, now time.Time) *rate {
	b := s.budgets[name]
	if b == nil {
		b = &rate{tokens: float64(s.cfg.Burst), at: now}
		if len(s.budgets) < maxBudgets {
			s.budgets[name] = b
		}
		return b
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(b.tokens+passed*float64(s.cfg.Rate), float64(s.cfg.Burst))
		b.at = now
	}
	return b
}

const sayEvery = time.Second

// settle puts a record into the stream of each function that lost some, at most
// once a second.
func (s *shard) settle(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, b := range s.losers {
		if now.Sub(b.said) < sayEvery || len(s.queue) > maxQueue-maxLine {
			continue
		}
		r := invocation.Record{Time: now, Level: invocation.Warn, Function: name, Version: b.version, Message: dropMessage(b, s.cfg.Rate)}
		if data, err := encode(line{Record: r}); err == nil {
			s.put(data, r)
		}
		b.byRate, b.byQueue, b.said = 0, 0, now
		delete(s.losers, name)
	}
}

// forget drops the rates of functions at rest.
func (s *shard) forget(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, b := range s.budgets {
		if now.Sub(b.at) > time.Minute && b.byRate+b.byQueue == 0 {
			delete(s.budgets, name)
		}
	}
}

func dropMessage(b *rate, most int) string {
	switch {
	case b.byQueue == 0:
		return fmt.Sprintf("%d log records were dropped here: more than %d a second", b.byRate, most)
	case b.byRate == 0:
		return fmt.Sprintf("%d log records were dropped here: the log writer could not keep up", b.byQueue)
	}
	return fmt.Sprintf("%d log records were dropped here: %d over %d a second, %d because the log writer could not keep up",
		b.byRate+b.byQueue, b.byRate, most, b.byQueue)
}

// remove puts a mark behind which reading does not go.
func (s *shard) remove(name function.Name, now time.Time) {
	data, err := encode(line{Record: invocation.Record{Time: now, Level: invocation.Info, Function: name, Message: "deleted"}, Gone: true})
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.budgets, name)
	delete(s.losers, name)
	s.queue = append(s.queue, data...) // whatever the bound: deletions are few, and must hold
}

// flush writes what is queued.
func (s *shard) flush() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.write(nil)
}

// write moves the queue to the file, and lets a follower begin at that very
// point. The caller holds writing.
func (s *shard) write(begin *follower) error {
	s.mu.Lock()
	data := s.queue
	s.queue, s.spare = s.spare, nil
	if begin != nil {
		s.followers[begin] = struct{}{}
	}
	s.mu.Unlock()
	if len(data) == 0 {
		s.keep(data)
		return nil
	}
	active, err := s.active(int64(len(data)))
	if err == nil {
		err = active.write(data)
	}
	if err != nil {
		s.metrics.failures.Inc()
		s.mu.Lock()
		s.queue = append(data, s.queue...) // tried again; what does not fit behind it is dropped and counted
		s.mu.Unlock()
		return fmt.Errorf("write log segment: %w", err)
	}
	s.metrics.bytes.Add(float64(len(data)))
	s.keep(data)
	return nil
}

// keep holds on to a buffer for the next queue, unless a burst made it large.
func (s *shard) keep(buf []byte) {
	if cap(buf) > maxQueue/8 {
		buf = nil
	}
	s.spare = buf[:0]
}

// view is what can be read of a shard as of now: all that was appended before. A
// follower, where given, gets all that is appended after, until detach.
func (s *shard) view(begin *follower) (v view, detach func(), err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if begin != nil {
		s.mu.Lock()
		full := len(s.followers) >= maxFollowers
		s.mu.Unlock()
		if full {
			return view{}, nil, errTooMany
		}
	}
	v = view{metrics: s.metrics, extents: make([]extent, 0, len(s.segments))}
	if err := s.write(begin); err != nil {
		s.mu.Lock()
		v.tail = slices.Clone(s.queue) // what the disk refuses can be read all the same
		s.mu.Unlock()
	}
	for _, seg := range s.segments {
		v.extents = append(v.extents, extent{path: seg.path, size: seg.size, last: seg.last})
	}
	return v, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.followers, begin)
	}, nil
}

var errTooMany = fmt.Errorf("too many readers follow these logs: at most %d at once", maxFollowers)

func (s *shard) close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.write(nil)
	if n := len(s.segments); n > 0 {
		if cerr := s.segments[n-1].seal(); err == nil {
			err = cerr
		}
	}
	return err
}

// follower takes the lines of one function as they are appended.
type follower struct {
	filter Filter
	wake   chan struct{}

	mu      sync.Mutex
	pending [][]byte
	bytes   int
	missed  int
}

const maxPending = 4 << 20 // bytes

func newFollower(f Filter) *follower {
	f.Until, f.Limit = time.Time{}, 0
	return &follower{filter: f, wake: make(chan struct{}, 1)}
}

// offer never blocks.
func (f *follower) offer(data []byte, name function.Name) {
	if name != f.filter.Function {
		return
	}
	f.mu.Lock()
	if f.bytes+len(data) > maxPending {
		f.missed++
	} else {
		f.pending = append(f.pending, data)
		f.bytes += len(data)
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take returns what came since, as far as the filter takes it, and a word of what
// was missed.
func (f *follower) take() []invocation.Record {
	f.mu.Lock()
	pending, missed := f.pending, f.missed
	f.pending, f.bytes, f.missed = nil, 0, 0
	f.mu.Unlock()
	var out []invocation.Record
	for _, data := range pending {
		if l, ok := decode(data[:len(data)-1]); ok && f.filter.takes(&l.Record) {
			out = append(out, l.Record)
		}
	}
	if missed > 0 {
		out = append(out, invocation.Record{
			Time: time.Now().UTC(), Level: invocation.Warn, Function: f.filter.Function,
			Message: fmt.Sprintf("%d log records were not shown here: this reader is too slow; they are kept and can be read again", missed),
		})
	}
	return out
}
