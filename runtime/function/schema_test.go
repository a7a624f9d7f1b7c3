package function_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"hadron/runtime/function"
)

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(function.ManifestSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("manifest.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemaTakes(t testing.TB, s *jsonschema.Schema, manifest string) bool {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(manifest))
	return err == nil && s.Validate(doc) == nil
}

// The schema and the parser must refuse the same mistakes.
func TestSchemaAndParserAgree(t *testing.T) {
	s := compileSchema(t)
	both := map[string][]string{
		"taken": {
			`{}`, `{"name":"a/b/c"}`, `{"entry":"src/x.tsx"}`, `{"description":"","owner":"x"}`, `{"runbook":"https://x.example/y?z#1"}`,
			`{"limits":{"timeout":"1.5s","stream":"1h30m","background":"1d","memory":"1GiB","concurrency":1,"body":"512 kB"}}`,
			`{"env":{"A":"","_b9":"x"}}`, `{"secrets":["A","B"]}`, `{"fetch":{"allow":["api.example.com","x:8080","10.0.0.0/8","*","*.example.com:443","localhost","10.0.0.1:80","[::1]:80","fe80::1","2001:db8::/32"]}}`,
			`{"slo":{"availability":50,"latency":[],"window":"90d"}}`, `{"slo":{"latency":[{"quantile":0.5,"threshold":"1ms"},{"quantile":0.9999,"threshold":"90d"}]}}`,
			`{"alerts":{"escalationPolicy":"P1","disabled":true}}`, `{"access":"public","isolation":"request","compatibility_date":"2026-11-22"}`,
			`{"schedules":[{"cron":"*/5 0 1 1 MON"}]}`, ` {"name":"a/b/c"} `,
			`{"delivery":{}}`, `{"delivery":{"strategy":"canary","steps":[1,99],"interval":"1s","probe":{"path":"/health?x=1","expect":204}}}`,
			`{"delivery":{"analysis":{"off":true,"sample":1,"patience":100,"errors":0.5,"latency":50,"metrics":[{"name":"orders_failed_total","better":"lower"},{"name":"size"}]}}}`,
		},
		"refused": {
			`[]`, `"x"`, `1`, `{"name":""}`, `{"name":"a/b"}`, `{"name":"A/b/c"}`, `{"name":1}`, `{"nam":"a/b/c"}`, `{"Name":"a/b/c"}`, `{"name":null}`,
			`{"entry":""}`, `{"entry":"/x.ts"}`, `{"entry":"x.py"}`, `{"entry":"a\\b.ts"}`, `{"entry":"x"}`, `{"description":"` + strings.Repeat("x", 2049) + `"}`,
			`{"runbook":""}`, `{"runbook":"ftp://x"}`, `{"runbook":"wiki"}`, `{"limits":[]}`, `{"limits":{"timeout":2}}`, `{"limits":{"timeout":""}}`, `{"limits":{"timeout":"2"}}`,
			`{"limits":{"timeout":"-2s"}}`, `{"limits":{"timeout":"+2s"}}`, `{"limits":{"timeout":"0d"}}`, `{"limits":{"timeout":"1d2h"}}`, `{"limits":{"memory":"64"}}`, `{"limits":{"memory":"64M"}}`,
			`{"limits":{"memory":"-1MiB"}}`, `{"limits":{"memory":"1.5MiB"}}`, `{"limits":{"memory":1}}`, `{"limits":{"concurrency":0}}`, `{"limits":{"concurrency":"1"}}`, `{"limits":{"concurrency":1.5}}`,
			`{"limits":{"concurrency":1000001}}`, `{"limits":{"cpu":1}}`, `{"env":[]}`, `{"env":{"1":"x"}}`, `{"env":{"A":1}}`, `{"env":{"A-B":"x"}}`, `{"env":{"HADRON_URL":"x"}}`, `{"env":null}`,
			`{"secrets":"A"}`, `{"secrets":["A","A"]}`, `{"secrets":["a b"]}`, `{"secrets":[null]}`, `{"secrets":["HADRON_X"]}`, `{"fetch":{"allow":[""]}}`, `{"fetch":{"allow":["a b"]}}`, `{"fetch":{"allow":["https://x?y"]}}`, `{"fetch":{"allow":"x"}}`, `{"fetch":{"deny":[]}}`,
			`{"slo":{"availability":100}}`, `{"slo":{"availability":0}}`, `{"slo":{"availability":"99"}}`, `{"slo":{"window":"24h"}}`, `{"slo":{"window":"2d"}}`, `{"slo":{"latency":{}}}`,
			`{"slo":{"latency":[{"quantile":1,"threshold":"1s"}]}}`, `{"slo":{"latency":[{"quantile":0.4,"threshold":"1s"}]}}`, `{"slo":{"latency":[{"quantile":0.9}]}}`, `{"slo":{"latency":[{"threshold":"1s"}]}}`, `{"slo":{"latency":[{"quantile":0.9,"threshold":"1s","x":1}]}}`,
			`{"alerts":{"disabled":"no"}}`, `{"alerts":{"policy":"x"}}`, `{"access":"all"}`, `{"access":""}`, `{"isolation":"worker"}`, `{"compatibility_date":"today"}`, `{"compatibility_date":20261122}`,
			`{"schedules":[{}]}`, `{"schedules":[{"cron":"* * * *"}]}`, `{"schedules":[{"cron":"* * * * * *"}]}`, `{"schedules":{"cron":"* * * * *"}}`, `{} {}`, `{`, `{"name":"a/b/c",}`,
			`{"delivery":"canary"}`, `{"delivery":{"strategy":""}}`, `{"delivery":{"strategy":"big-bang"}}`, `{"delivery":{"steps":[0]}}`, `{"delivery":{"steps":[100]}}`, `{"delivery":{"steps":[1.5]}}`,
			`{"delivery":{"probe":{"path":""}}}`, `{"delivery":{"probe":{"path":"health"}}}`, `{"delivery":{"probe":{"path":"/a b"}}}`, `{"delivery":{"probe":{"expect":200}}}`, `{"delivery":{"probe":{"path":"/","expect":100}}}`,
			`{"delivery":{"analysis":{"sample":0}}}`, `{"delivery":{"analysis":{"patience":101}}}`, `{"delivery":{"analysis":{"errors":0}}}`, `{"delivery":{"analysis":{"latency":51}}}`, `{"delivery":{"analysis":{"metrics":[{}]}}}`, `{"delivery":{"analysis":{"metrics":[{"name":"a-b"}]}}}`, `{"delivery":{"analysis":{"metrics":[{"name":"a","better":"more"}]}}}`,
		},
	}
	for verdict, manifests := range both {
		for _, manifest := range manifests {
			_, err := function.ParseManifest([]byte(manifest))
			if schema := schemaTakes(t, s, manifest); schema != (verdict == "taken") || (err == nil) != (verdict == "taken") {
				t.Errorf("should be %s: schema takes it: %v, parser: %v\n%s", verdict, schema, err, manifest)
			}
		}
	}
	// What no schema can say.
	for _, manifest := range []string{
		`{"entry":"../x.ts"}`, `{"limits":{"timeout":"0s"}}`, `{"limits":{"memory":"99999999999GiB"}}`, `{"env":{"A":"1"},"secrets":["A"]}`, `{"compatibility_date":"2026-02-30"}`,
		`{"slo":{"latency":[{"quantile":0.9,"threshold":"1s"},{"quantile":0.9,"threshold":"2s"}]}}`, `{"fetch":{"allow":["https://x"]}}`, `{"fetch":{"allow":["10.0.0.0/99"]}}`, `{"fetch":{"allow":["x:99999"]}}`, `{"fetch":{"allow":["a*.x"]}}`, `{"limits":{"timeout":"999999d"}}`,
		`{"delivery":{"steps":[50,5]}}`, `{"delivery":{"interval":"10ms"}}`, `{"delivery":{"interval":"2d"}}`, `{"delivery":{"analysis":{"metrics":[{"name":"a"},{"name":"a"}]}}}`,
	} {
		if _, err := function.ParseManifest([]byte(manifest)); err == nil || !schemaTakes(t, s, manifest) {
			t.Errorf("parser: %v; schema takes it: %v\n%s", err, schemaTakes(t, s, manifest), manifest)
		}
	}
}

// Whatever the parser takes, the schema takes, and both read it back as it was.
func TestSchemaTakesWhatTheParserWrites(t *testing.T) {
	s := compileSchema(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := drawManifest(rt)
		data, err := json.Marshal(m)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := function.ParseManifest(data)
		if err != nil {
			rt.Fatalf("refused: %v\n%s", err, data)
		}
		if !reflect.DeepEqual(again, m) {
			rt.Fatalf("read back as %+v, was %+v", again, m)
		}
		if !schemaTakes(t, s, string(data)) {
			rt.Fatalf("schema refuses %s", data)
		}
	})
}

func drawManifest(t *rapid.T) function.Manifest {
	m := function.DefaultManifest()
	duration := rapid.Custom(func(t *rapid.T) function.Duration {
		return function.Duration(rapid.Int64Range(1, 1<<62).Draw(t, "duration"))
	})
	size := rapid.Custom(func(t *rapid.T) function.Size { return function.Size(rapid.Int64Range(1, 1<<50).Draw(t, "size")) })
	number := rapid.IntRange(1, 1_000_000)
	word := rapid.StringMatching(`[a-z][a-z0-9-]{0,62}`)
	if rapid.Bool().Draw(t, "named") {
		m.Name = word.Draw(t, "team") + "/" + word.Draw(t, "project") + "/" + word.Draw(t, "name")
	}
	m.Entry = rapid.StringMatching(`([a-z]{1,9}/){0,3}[a-z.]{1,9}\.(ts|tsx|mts|js|jsx|mjs)`).Filter(func(s string) bool { return s[0] != '.' }).Draw(t, "entry")
	m.Description = rapid.StringN(0, 200, -1).Draw(t, "description")
	m.Limits = function.Limits{
		Timeout: duration.Draw(t, "timeout"), Stream: duration.Draw(t, "stream"), Background: duration.Draw(t, "background"),
		Memory: size.Draw(t, "memory"), Concurrency: number.Draw(t, "concurrency"), Body: size.Draw(t, "body"),
		CPU: duration.Draw(t, "cpu"), Queue: duration.Draw(t, "queue"), Response: size.Draw(t, "response"), Headers: size.Draw(t, "headers"),
		Stack: number.Draw(t, "stack"), Timers: number.Draw(t, "timers"), Subrequests: number.Draw(t, "subrequests"), Logs: number.Draw(t, "logs"),
	}
	m.Env = rapid.MapOfN(rapid.StringMatching(`[a-z_][A-Za-z0-9_]{0,20}`), rapid.StringN(0, 40, -1), 1, 5).Draw(t, "env")
	m.SLO.Availability = rapid.Float64Range(50, 99.9999).Draw(t, "availability")
	m.SLO.Window = rapid.SampledFrom(function.Windows).Draw(t, "window")
	m.SLO.Latency = []function.Latency{}
	if rapid.Bool().Draw(t, "with latency") {
		m.SLO.Latency = append(m.SLO.Latency, function.Latency{Quantile: rapid.Float64Range(0.5, 0.99999).Draw(t, "quantile"), Threshold: duration.Draw(t, "threshold")})
	}
	m.Access = rapid.SampledFrom([]string{"private", "team", "public"}).Draw(t, "access")
	return m
}

// The defaults that the schema tells are those that the parser fills in, and no
// key goes without a word of description.
func TestSchemaDescribesEveryKeyAndItsDefault(t *testing.T) {
	type node struct {
		Description string
		Default     json.RawMessage
		Ref         string `json:"$ref"`
		Properties  map[string]json.RawMessage
		Items       json.RawMessage
	}
	var walk func(path string, raw json.RawMessage, typ reflect.Type, defaults any)
	walk = func(path string, raw json.RawMessage, typ reflect.Type, defaults any) {
		var n node
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		if path != "" && n.Description == "" && !strings.HasSuffix(path, "[]") {
			t.Errorf("%s has no description", path)
		}
		if n.Default == nil && !strings.Contains(path, "[]") {
			t.Errorf("%s has no default", path)
		}
		if typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct {
			walk(path+"[]", n.Items, typ.Elem(), nil)
			return
		}
		if typ.Kind() != reflect.Struct {
			if want, ok := defaults.(map[string]any); ok {
				last := path[strings.LastIndexByte(path, '.')+1:]
				if v, set := want[last]; set {
					var told any
					if err := json.Unmarshal(n.Default, &told); err != nil || !reflect.DeepEqual(told, v) {
						t.Errorf("%s: schema says the default is %s, the parser %v", path, n.Default, v)
					}
				}
			}
			return
		}
		if len(n.Properties) != typ.NumField() {
			t.Errorf("%s: schema has %d keys, the type %d", path, len(n.Properties), typ.NumField())
		}
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			at := strings.TrimPrefix(path+"."+name, ".")
			sub := defaults
			if object, ok := defaults.(map[string]any); ok && typ.Field(i).Type.Kind() == reflect.Struct {
				sub = object[name]
			}
			if n.Properties[name] == nil {
				t.Errorf("schema lacks %s", at)
				continue
			}
			walk(at, n.Properties[name], typ.Field(i).Type, sub)
		}
	}
	data, err := json.Marshal(function.DefaultManifest())
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := json.Unmarshal(data, &defaults); err != nil {
		t.Fatal(err)
	}
	walk("", function.ManifestSchema, reflect.TypeFor[function.Manifest](), defaults)
}
