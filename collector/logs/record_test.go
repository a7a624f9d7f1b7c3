package logs

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
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

// FuzzFilter holds what is read by a filter, over segments and the whole path of a
// query, to the filter's own words, whatever they and the records hold.
func FuzzFilter(f *testing.F) {
	f.Add("hello\nworld é", `{"user":"Ada"}`, "ada", "", "warn", "warn", int64(5), int64(3), int64(9), 2, 0)
	f.Add("\"function\":\"a/b/d\"", `{"function":"a/b/d"}`, `"FUNCTION"`, "r1", "error", "debug", int64(1), int64(0), int64(0), 1, 1)
	f.Add("İstanbul", `{`, "i̇", "r2", "loud", "", int64(-7), int64(-9), int64(0), 3, 3)
	var m storeMetrics
	if err := m.register(nil); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message, fields, text, request, level, least string, at, since, until int64, version, wanted int) {
		const day = 24 * 60 * 60
		moment := func(n int64) time.Time {
			if n == 0 {
				return time.Time{}
			}
			return time.Unix(2e9+n%day, 0).UTC()
		}
		var data []byte
		var records []invocation.Record
		for i, name := range []function.Name{"a/b/c", "a/b/d", "a/b/c"} {
			r := invocation.Record{
				Time: time.Unix(2e9+at%day+int64(i), 0).UTC(), Level: invocation.Level(level), Message: message, Function: name,
				Version: version & 7, Request: "r1", Fields: json.RawMessage(fields),
			}
			one, err := encode(line{Record: r})
			if err != nil {
				continue // fields that are no JSON and such: dropped, and counted
			}
			kept, ok := decode(bytes.TrimRight(one, "\n"))
			if !ok {
				t.Fatalf("%q cannot be read", one)
			}
			data, records = append(data, one...), append(records, kept.Record)
		}
		filter := Filter{
			Function: "a/b/c", Level: invocation.Level(least), Since: moment(since), Until: moment(until), Text: text, Request: request, Version: wanted & 7,
		}
		var got []invocation.Record
		view{metrics: &m}.scan(data, needle(filter.Function), filter, &got)
		slices.Reverse(got)
		var want []invocation.Record
		for _, r := range records {
			lower := strings.ToLower(text)
			if r.Function == "a/b/c" && (least == "" || r.Level.Severity() >= invocation.Level(least).Severity()) &&
				(filter.Since.IsZero() || !r.Time.Before(filter.Since)) && (filter.Until.IsZero() || r.Time.Before(filter.Until)) &&
				(request == "" || r.Request == request) && (wanted&7 == 0 || r.Version == wanted&7) &&
				(text == "" || strings.Contains(strings.ToLower(r.Message), lower) || strings.Contains(strings.ToLower(string(r.Fields)), lower)) {
				want = append(want, r)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v gave %+v, want %+v", filter, got, want)
		}
	})
}

// FuzzReceivers holds that nothing a receiver answers makes more records refused than
// were sent, and that whatever a function logs can be sent as JSON.
func FuzzReceivers(f *testing.F) {
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"x"}}`), "hello", `{"a":[1,{"b":null}]}`)
	f.Add([]byte(`total ignored: 999999999 out of 3`), "\xff", `{"a":1e999}`)
	f.Add([]byte(`{"partialSuccess":{"rejectedLogRecords":-1}}`), "", `[]`)
	f.Fuzz(func(t *testing.T, answer []byte, message, fields string) {
		for _, status := range []int{200, 204, 400} {
			for _, judge := range []func(int, int, []byte) (int, string){judgeLoki, judgeOTLP} {
				if n, _ := judge(2, status, answer); n < 0 || n > 2 {
					t.Fatalf("%d of 2 refused by %q", n, answer)
				}
			}
		}
		r := invocation.Record{Time: time.Unix(1, 0), Level: "x", Message: message, Function: "a/b/c", Fields: json.RawMessage(fields)}
		bound(&r)
		batch := []invocation.Record{r, r}
		for _, encode := range []func([]invocation.Record) ([]byte, string, error){
			encodeLoki, func(b []invocation.Record) ([]byte, string, error) { return encodeOTLP(b, "n") },
		} {
			body, _, err := encode(batch)
			if err != nil || !json.Valid(body) {
				t.Fatalf("%q %q: %v", message, fields, err)
			}
		}
	})
}
