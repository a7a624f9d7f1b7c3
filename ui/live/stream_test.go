package live

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"hadron/ui/wire"
)

// told is a client that applies what a stream says, as docs/live-protocol.md asks.
type told struct {
	wire  *sender
	at    position
	items map[string]string
	lines []string
}

// sender shows what a frame is on the wire: a prepared message does not tell.
type sender struct{ here, there *websocket.Conn }

func newSender(t testing.TB) *sender {
	t.Helper()
	here, there := socket(t)
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return &sender{here, there}
}

func (s *sender) text(t rapid.TB, f *frame) []byte {
	if err := s.here.WritePreparedMessage(f.prepared); err != nil {
		t.Fatal(err)
	}
	_, data, err := s.there.ReadMessage()
	if err != nil || len(data) != f.bytes {
		t.Fatalf("%d bytes, said to be %d: %v", len(data), f.bytes, err)
	}
	return data
}

// follow takes frames until there are none, and fails on a gap.
func (c *told) follow(t rapid.TB, s stream) {
	for {
		f := s.next(c.at)
		if f == nil {
			return
		}
		var m struct {
			Type    string
			Seq     uint64
			Items   []struct{ Key, Value, Message string }
			Removed []string
		}
		if err := json.Unmarshal(c.wire.text(t, f), &m); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		if m.Type != f.kind || m.Seq != f.seq {
			t.Fatalf("frame %+v says %s %d", f, m.Type, m.Seq)
		}
		if m.Type == wire.TypeSnapshot {
			c.items, c.lines = map[string]string{}, nil
		} else if !c.at.has || m.Seq != c.at.seq+1 {
			t.Fatalf("delta %d after %+v", m.Seq, c.at)
		}
		for _, key := range m.Removed {
			delete(c.items, key)
		}
		for _, it := range m.Items {
			c.items[it.Key] = it.Value
			c.lines = append(c.lines, it.Message)
		}
		c.at = position{seq: f.seq, has: true, upto: f.upto, counted: true}
	}
}

func TestStateReachesEveryClient(t *testing.T) {
	t.Parallel()
	out := newSender(t)
	rapid.Check(t, func(t *rapid.T) {
		s := newState("overview", rapid.Uint64Range(0, 1000).Draw(t, "first"), 4, rapid.IntRange(100, 2000).Draw(t, "bytes"))
		clients := []*told{{wire: out}, {wire: out}, {wire: out}}
		want := map[string]string{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				key := rapid.SampledFrom([]string{"a", "b", "c", "d", `e"\n`}).Draw(t, "key")
				if rapid.Bool().Draw(t, "remove") {
					delete(want, key)
				} else {
					want[key] = rapid.StringN(0, 20, 40).Draw(t, "value")
				}
			}
			var items []item
			for key, value := range want {
				body, _ := json.Marshal(map[string]string{"key": key, "value": value})
				items = append(items, item{key, body})
			}
			s.update(items, time.Unix(1, 0))
			if n := rapid.IntRange(0, len(clients)).Draw(t, "reader"); n < len(clients) {
				clients[n].follow(t, s)
			}
		}
		for i, c := range clients {
			c.follow(t, s)
			if c.at.has && !maps.Equal(c.items, want) {
				t.Fatalf("client %d has %v, want %v", i, c.items, want)
			}
		}
		size := 0
		for _, k := range s.items {
			size += len(k.body)
		}
		if size != s.size || len(s.ring.frames) > 4 {
			t.Fatalf("size %d counted as %d, %d deltas kept", size, s.size, len(s.ring.frames))
		}
	})
}

func TestSlowClientIsToldTheNewestOnce(t *testing.T) {
	t.Parallel()
	s := newState("overview", 1, 100, 1<<20)
	put := func(value int) {
		s.update([]item{{"a", fmt.Appendf(nil, `{"key":"a","value":"%d %s"}`, value, strings.Repeat("x", 500))}}, time.Now())
	}
	put(0)
	c := &told{wire: newSender(t)}
	c.follow(t, s)
	for i := 1; i <= 50; i++ {
		put(i)
	}
	if f := s.next(c.at); f.kind != wire.TypeSnapshot || f.seq != s.seq {
		t.Errorf("50 deltas are cheaper than one snapshot of the same item: %+v", f)
	}
	if s.next(c.at) != s.next(position{}) {
		t.Error("the snapshot is not shared")
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	out := newSender(t)
	rapid.Check(t, func(t *rapid.T) {
		const most = 8
		tl := newTail("pay/core/charge", rapid.Uint64Range(0, 1000).Draw(t, "first"), most, 1<<20)
		quick, slow := &told{wire: out}, &told{wire: out}
		quick.follow(t, tl)
		slow.follow(t, tl)
		var all []string
		heard := 0 // lines that slow was sent when it last read
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			for range rapid.IntRange(0, 3).Draw(t, "lines") {
				all = append(all, fmt.Sprint("line ", len(all)))
				tl.add([]json.RawMessage{fmt.Appendf(nil, `{"message":%q}`, all[len(all)-1])})
			}
			tl.flush(time.Unix(1, 0))
			quick.follow(t, tl)
			if rapid.Bool().Draw(t, "slow reads") {
				slow.lines = nil
				slow.follow(t, tl)
				checkSlow(t, slow.lines, all, heard)
				heard = len(all)
			}
		}
		if !slices.Equal(quick.lines, all) {
			t.Fatalf("quick has %v, want %v", quick.lines, all)
		}
		if len(tl.lines) > most || len(tl.ring.frames) > most {
			t.Fatalf("%d lines and %d deltas are kept", len(tl.lines), len(tl.ring.frames))
		}
	})
}

// checkSlow holds that a client which read late has the newest lines, or a line
// that says how many it missed.
func checkSlow(t *rapid.T, got, all []string, heard int) {
	if slices.Equal(got, all[heard:]) {
		return
	}
	if len(got) == 0 || !strings.Contains(got[0], "lines came faster") {
		t.Fatalf("got %v of %v, heard %d", got, all, heard)
	}
	var missed int
	if _, err := fmt.Sscan(got[0], &missed); err != nil || missed+len(got)-1 != len(all)-heard || !slices.Equal(got[1:], all[heard+missed:]) {
		t.Fatalf("got %v of %v, heard %d", got, all, heard)
	}
}

func TestTailSaysWhatNobodyGot(t *testing.T) {
	t.Parallel()
	tl := newTail("pay/core/charge", 1, 3, 1<<20)
	c := &told{wire: newSender(t)}
	c.follow(t, tl)
	for i := range 10 {
		tl.add([]json.RawMessage{fmt.Appendf(nil, `{"message":"%d"}`, i)})
	}
	if !tl.flush(time.Unix(1, 0)) || tl.flush(time.Unix(1, 0)) {
		t.Error("flush does not say whether there was something")
	}
	c.follow(t, tl)
	if len(c.lines) != 4 || !strings.HasPrefix(c.lines[0], "7 lines") || c.lines[3] != "9" {
		t.Errorf("%v", c.lines)
	}
}

func FuzzClientMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"subscribe","topic":"overview"}`, `{"type":"subscribe","topic":"function:a/b/c","after":18446744073709551615}`,
		`{"type":"unsubscribe","topic":"logs:a/b/c"}`, `{"type":"subscribe","topic":"logs:"}`, `{"type":7}`, "\xff", `[[[[`,
	} {
		f.Add([]byte(seed))
	}
	h, c := bare(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		bad := c.handle(data)
		if bad != nil && (bad.Code == "" || bad.Detail == "") {
			t.Fatalf("refused without a reason: %+v", bad)
		}
		if err := c.drain(); err == nil && len(c.subs) > h.cfg.MaxSubscriptions {
			t.Fatalf("%d subscriptions", len(c.subs))
		}
	})
}
