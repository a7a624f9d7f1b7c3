package logs

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// FuzzDecode holds that no bytes in a segment break reading, and that what is
// read can be written and read again.
func FuzzDecode(f *testing.F) {
	whole, err := encode(line{Record: invocation.Record{Time: time.Unix(1, 0), Level: invocation.Warn, Function: "a/b/c", Message: "é\n", Fields: json.RawMessage(`{"a": 1}`)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, "a/b/c")
	f.Add(whole[:len(whole)/2], "a/b/c")
	f.Add([]byte(`{"function":"a/b/c","time":"2026-11-22T12:00:00Z","fields":{"function":"d/e/f"}}`+"\n\x00\x00"), "d/e/f")
	var m storeMetrics
	if err := m.register(nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		var out []invocation.Record
		v := view{metrics: &m}
		v.scan(bytes.Clone(data), needle(function.Name(name)), Filter{Function: function.Name(name)}, &out)
		for _, r := range out {
			if r.Function != function.Name(name) {
				t.Errorf("a record of %q was read for %q", r.Function, name)
			}
			again, err := encode(line{Record: r})
			if err != nil {
				t.Errorf("%+v cannot be written again: %v", r, err)
				continue
			}
			if bytes.Count(again, []byte("\n")) != 1 {
				t.Errorf("a record takes several lines: %q", again)
			}
			if _, ok := decode(bytes.TrimRight(again, "\n")); !ok {
				t.Errorf("cannot be read again: %q", again)
			}
		}
	})
}
