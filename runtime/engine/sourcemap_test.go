package engine

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestShiftMap(t *testing.T) {
	shifted, err := shiftMap([]byte(`{"version":3,"mappings":"AAAA,CAAC;;gBAAgB;"}`), 10, nil)
	if err != nil || !strings.Contains(string(shifted), `"WAAA,CAAC;;iBAAgB;"`) {
		t.Fatalf("%s, %v", shifted, err)
	}
	for _, bad := range []string{`{`, `{"mappings":3}`, `{"mappings":"?"}`, `{"mappings":"gggggggggg"}`, `[]`, `{"mappings":"AAAA"`, `{"mappings":"AAAA\"}`, `{"a":{"mappings":"AAAA"}`, `{"mappings" "AAAA"}`, `{"mappings":"AAAA";}`, `{,}`, `{"a":}`} {
		if _, err := shiftMap([]byte(bad), 10, nil); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if out, err := shiftMap(nil, 10, nil); out != nil || err != nil {
		t.Errorf("no map became %s, %v", out, err)
	}
}

func FuzzShiftMap(f *testing.F) {
	f.Add("AAAA,CAAC;;gBAAgB;")
	f.Add(`AAAA,\";CAAC`)
	f.Fuzz(func(t *testing.T, mappings string) {
		text, err := json.Marshal(mappings)
		if err != nil {
			t.Skip("not text")
		}
		out, err := shiftMap([]byte(`{"version":3,"mappings":`+string(text)+`}`), 27, nil)
		if err == nil && !json.Valid(out) {
			t.Fatalf("%q became %s", mappings, out)
		}
	})
}

// Whatever a map holds beside them, what positions need is what a decoder finds there.
func TestShiftMapCutsOutWhatADecoderFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\\"{}\[\],: a]{0,12}`))
		in := map[string]any{"version": 3, "mappings": "AAAA,CAAC;;gBAAgB", "sources": rapid.SliceOf(text).Draw(t, "sources")}
		for _, key := range []string{"sourcesContent", "names", "ignoreList", "x_{\"}"} {
			if rapid.Bool().Draw(t, "has "+key) {
				in[key] = rapid.SampledFrom([]any{
					nil, true, -1.5e9, []any{}, map[string]any{"mappings": "no"}, rapid.SliceOf(text).Draw(t, key),
				}).Draw(t, "value")
			}
		}
		if rapid.Bool().Draw(t, "has root") {
			in["sourceRoot"] = text.Draw(t, "root")
		}
		data, err := json.Marshal(in)
		if rapid.Bool().Draw(t, "indented") {
			data, err = json.MarshalIndent(in, " ", "\t")
		}
		if err != nil {
			t.Fatal(err)
		}
		shifted, err := shiftMap(data, 10, nil)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		type read struct {
			Sources    []string
			SourceRoot string
			Mappings   string
		}
		var was, is read
		if err := json.Unmarshal(data, &was); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(shifted, &is); err != nil {
			t.Fatalf("%s: %v", shifted, err)
		}
		was.Mappings = "WAAA,CAAC;;iBAAgB"
		if !reflect.DeepEqual(is, was) {
			t.Errorf("%s became %s", data, shifted)
		}
	})
}

// BenchmarkShiftMap is what a map costs before it is read, which holds its authors' files.
func BenchmarkShiftMap(b *testing.B) {
	mappings := "AAAA" + strings.Repeat(",CAAC,IAAI", 20_000)
	data, err := json.Marshal(map[string]any{"version": 3, "sources": []string{"a.ts"}, "sourcesContent": []string{strings.Repeat("const text = \"a\\n\";\n", 50_000)}, "mappings": mappings})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := shiftMap(data, 10, nil); err != nil {
			b.Fatal(err)
		}
	}
}
