package live

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hadron/ui/wire"
)

// frame is one message, encoded once and shared by every client that gets it.
type frame struct {
	prepared *websocket.PreparedMessage
	kind     string // a type of package wire
	seq      uint64
	upto     uint64 // lines of a tail's topic up to its last one
	lost     uint64 // lines that this client will never get
	bytes    int
	made     time.Time // when what it tells became known
}

// position is how far a client is in a topic. It is all that a client costs: it
// has no queue, so that a slow one is told the newest state of whatever changed
// while it was busy.
type position struct {
	seq     uint64
	has     bool // false: it has nothing yet
	upto    uint64
	counted bool // upto is known
}

// stream is a topic's frames.
type stream interface {
	// next returns the frame that takes a client on; nil where there is nothing
	// new. Deltas have no gaps: where one would be, it is a snapshot.
	next(at position) *frame
	last() uint64
}

// item is one thing of a state topic, under a key that is stable.
type item struct {
	key  string
	body json.RawMessage
}

// ring keeps the last deltas, so that a client can take them up again.
type ring struct {
	frames   []*frame // the newest last; their seqs have no gaps
	bytes    int
	maxCount int
	maxBytes int
}

func (r *ring) push(f *frame) {
	r.frames = append(r.frames, f)
	r.bytes += f.bytes
	cut := 0
	for len(r.frames)-cut > r.maxCount || r.bytes > r.maxBytes && len(r.frames)-cut > 1 {
		r.bytes -= r.frames[cut].bytes
		cut++
	}
	r.frames = slices.Delete(r.frames, 0, cut)
}

// after returns the deltas behind seq, and whether none of them is missing.
func (r *ring) after(seq uint64) ([]*frame, bool) {
	if len(r.frames) == 0 {
		return nil, false
	}
	first := r.frames[0].seq
	if seq+1 < first || seq >= first+uint64(len(r.frames)) {
		return nil, false
	}
	return r.frames[seq+1-first:], true
}

// state is a topic whose items replace one another: only the newest counts.
type state struct {
	name    string // as JSON
	forgets bool   // items that are left out are old, not gone: no client is told
	paged   bool   // items are a page, and messages say of how many

	mu    sync.Mutex
	seq   uint64
	round uint64
	made  time.Time
	items map[string]*kept
	size  int // bytes of all items
	total int // of a page's list
	ring  ring
	whole *frame
}

type kept struct {
	body  json.RawMessage
	round uint64
}

func newState(topic string, first uint64, maxCount, maxBytes int) *state {
	return &state{
		name: quote(topic), seq: first, items: map[string]*kept{},
		ring: ring{maxCount: maxCount, maxBytes: maxBytes},
	}
}

// update takes the whole of the topic's items, and reports whether any changed.
func (s *state) update(items []item, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.replace(items, false, now)
}

// updatePage takes a page's items and of how many they are.
func (s *state) updatePage(items []item, total int, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	other := s.total != total || !s.paged
	s.paged, s.total = true, total
	return s.replace(items, other, now)
}

// patch takes what changed since the last update and what is gone.
func (s *state) patch(items []item, removed []string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed, left []string
	for _, it := range items {
		if s.put(it) {
			changed = append(changed, it.key)
		}
	}
	for _, key := range removed {
		if k := s.items[key]; k != nil {
			s.size -= len(k.body)
			delete(s.items, key)
			left = append(left, key)
		}
	}
	if len(changed)+len(left) == 0 {
		return false
	}
	return s.tell(changed, left, now)
}

// replace is update; even tells clients where no item changed.
func (s *state) replace(items []item, even bool, now time.Time) bool {
	s.round++
	var changed, removed []string
	for _, it := range items {
		if s.put(it) {
			changed = append(changed, it.key)
		}
	}
	if len(s.items) > len(items) {
		removed = s.sweep()
	}
	if s.forgets {
		removed = nil
	}
	if !even && len(changed)+len(removed) == 0 {
		return false
	}
	return s.tell(changed, removed, now)
}

// put keeps an item, and reports whether it is another than before.
func (s *state) put(it item) bool {
	old, there := s.items[it.key]
	if !there {
		old = &kept{}
		s.items[it.key] = old
	}
	old.round = s.round
	if there && bytes.Equal(old.body, it.body) {
		return false
	}
	s.size += len(it.body) - len(old.body)
	old.body = it.body
	return true
}

// tell makes the next message.
func (s *state) tell(changed, removed []string, now time.Time) bool {
	s.seq++
	s.made = now
	s.whole = nil
	f := s.encode(wire.TypeDelta, changed, removed)
	s.ring.push(f)
	return true
}

// sweep removes what the last round did not name.
func (s *state) sweep() []string {
	var removed []string
	for key, k := range s.items {
		if k.round != s.round {
			s.size -= len(k.body)
			delete(s.items, key)
			removed = append(removed, key)
		}
	}
	return removed
}

func (s *state) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

func (s *state) next(at position) *frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.has && at.seq == s.seq {
		return nil
	}
	if at.has {
		if missed, whole := s.ring.after(at.seq); whole && s.cheap(missed) {
			return missed[0]
		}
	}
	if s.whole == nil {
		keys := make([]string, 0, len(s.items))
		for key := range s.items {
			keys = append(keys, key)
		}
		s.whole = s.encode(wire.TypeSnapshot, keys, nil)
	}
	return s.whole
}

// cheap reports whether the deltas cost less than telling everything: a slow
// client gets the newest of each item once instead of all that was between.
func (s *state) cheap(missed []*frame) bool {
	if len(missed) == 1 {
		return true
	}
	bytes := 0
	for _, f := range missed {
		bytes += f.bytes
	}
	return bytes <= s.size
}

func (s *state) encode(kind string, keys, removed []string) *frame {
	slices.Sort(keys)
	slices.Sort(removed)
	extra := ""
	if s.paged {
		extra = `"total":` + strconv.Itoa(s.total) + `,`
	}
	b := begin(kind, s.name, s.seq, extra)
	for _, key := range keys {
		b.item(s.items[key].body)
	}
	f := b.end(removed)
	f.made = s.made
	return f
}

// builder writes a message by hand: its items are JSON already, and encoding
// them again would cost more than everything else.
type builder struct {
	buf   bytes.Buffer
	kind  string
	seq   uint64
	items int
}

func begin(kind, topic string, seq uint64, extra string) *builder {
	b := &builder{kind: kind, seq: seq}
	b.buf.WriteString(`{"type":"` + kind + `","topic":` + topic + `,"seq":` + strconv.FormatUint(seq, 10) + `,` + extra + `"items":[`)
	return b
}

func (b *builder) item(body []byte) {
	if b.items > 0 {
		b.buf.WriteByte(',')
	}
	b.items++
	b.buf.Write(body)
}

func (b *builder) end(removed []string) *frame {
	b.buf.WriteByte(']')
	if b.kind == wire.TypeDelta {
		b.buf.WriteString(`,"removed":[`)
		for i, key := range removed {
			if i > 0 {
				b.buf.WriteByte(',')
			}
			b.buf.WriteString(quote(key))
		}
		b.buf.WriteByte(']')
	}
	b.buf.WriteByte('}')
	f := prepare(b.kind, b.buf.Bytes())
	f.seq = b.seq
	return f
}

func prepare(kind string, data []byte) *frame {
	// It fails only for messages that are no data message.
	prepared, _ := websocket.NewPreparedMessage(websocket.TextMessage, data)
	return &frame{prepared: prepared, kind: kind, bytes: len(data)}
}

func quote(text string) string {
	b, _ := json.Marshal(text) // a string always encodes
	return string(b)
}
