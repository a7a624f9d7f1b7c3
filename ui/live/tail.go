package live

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"hadron/runtime/function"
	"hadron/ui/wire"
)

// tail is a topic of lines that follow one another; each message has the next
// sequence number. It keeps the newest, bounded by count and bytes, for everyone
// together; who falls further behind finds a line that says how many it missed.
type tail struct {
	function function.Name
	name     string // the topic as JSON
	maxLines int
	maxBytes int

	mu      sync.Mutex
	seq     uint64
	total   uint64 // lines there ever were
	lines   []json.RawMessage
	bytes   int
	ring    ring
	made    time.Time
	whole   *frame
	pending []json.RawMessage // not in a message yet
	skipped uint64            // that pending had no room for
}

func newTail(name function.Name, first uint64, maxLines, maxBytes int) *tail {
	return &tail{
		function: name, name: quote(wire.TopicLogs + string(name)), maxLines: maxLines, maxBytes: maxBytes, seq: first,
		ring: ring{maxCount: maxLines, maxBytes: maxBytes},
	}
}

// add takes lines for the next message.
func (t *tail) add(lines []json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, lines...)
	if over := len(t.pending) - t.maxLines; over > 0 {
		t.pending = slices.Delete(t.pending, 0, over)
		t.skipped += uint64(over)
	}
}

// flush makes one message of the lines since the last, and reports whether there were any.
func (t *tail) flush(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) == 0 {
		return false
	}
	batch := t.pending
	t.pending = nil
	if t.skipped > 0 {
		batch = slices.Insert(batch, 0, t.notice(t.skipped, now))
		t.skipped = 0
	}
	t.seq++
	t.made = now
	t.whole = nil
	t.keep(batch)
	t.ring.push(t.encode(wire.TypeDelta, batch))
	return true
}

func (t *tail) keep(batch []json.RawMessage) {
	t.total += uint64(len(batch))
	t.lines = append(t.lines, batch...)
	for _, line := range batch {
		t.bytes += len(line)
	}
	cut := 0
	for len(t.lines)-cut > t.maxLines || t.bytes > t.maxBytes && len(t.lines)-cut > 1 {
		t.bytes -= len(t.lines[cut])
		cut++
	}
	t.lines = slices.Delete(t.lines, 0, cut)
}

// notice is a line of the platform about lines that are not shown.
func (t *tail) notice(n uint64, at time.Time) json.RawMessage {
	line, _ := json.Marshal(wire.LogRecord{ // all of it encodes
		Time: at, Level: "warn", Function: string(t.function),
		Message: fmt.Sprintf("%d lines came faster than they could be sent here; hadron logs has them", n),
	})
	return line
}

func (t *tail) last() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seq
}

func (t *tail) next(at position) *frame {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.has && at.seq == t.seq {
		return nil
	}
	if at.has {
		if missed, whole := t.ring.after(at.seq); whole {
			return missed[0]
		}
	}
	first := t.total - uint64(len(t.lines))
	if at.counted && at.upto < first {
		return t.behind(first - at.upto)
	}
	if t.whole == nil {
		t.whole = t.encode(wire.TypeSnapshot, t.lines)
	}
	return t.whole
}

// behind is the snapshot for a client that lost lines. It is made for it alone.
func (t *tail) behind(lost uint64) *frame {
	f := t.encode(wire.TypeSnapshot, slices.Insert(slices.Clone(t.lines), 0, t.notice(lost, t.made)))
	f.lost = lost
	return f
}

func (t *tail) encode(kind string, lines []json.RawMessage) *frame {
	b := begin(kind, t.name, t.seq, "")
	for _, line := range lines {
		b.item(line)
	}
	f := b.end(nil)
	f.upto, f.made = t.total, t.made
	return f
}
