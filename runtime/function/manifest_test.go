package function_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/function"
)

func TestEmptyManifestIsReadyForProduction(t *testing.T) {
	for _, text := range []string{"", " \n", "null", "{}", `{"limits":{},"slo":{}}`} {
		m, err := function.ParseManifest([]byte(text))
		if err != nil || !reflect.DeepEqual(m, function.DefaultManifest()) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
}

func TestParseManifestNamesKeyAndCure(t *testing.T) {
	for text, want := range map[string]string{
		`{"limits":{"timout":"2s"}}`:                     `manifest: limits.timout: no such key; did you mean "timeout"?`,
		`{"limits":{"Timeout":"2s"}}`:                    `manifest: limits.Timeout: no such key; did you mean "timeout"?`,
		`{"timeout":"2s"}`:                               `manifest: timeout: no such key; did you mean "limits.timeout"?`,
		`{"alerts":{"escalation_policy":"x"}}`:           `manifest: alerts.escalation_policy: no such key; did you mean "escalationPolicy"?`,
		`{"quantile":0.9}`:                               `manifest: quantile: no such key; did you mean "slo.latency[].quantile"?`,
		`{"frobnicate":1}`:                               `manifest: frobnicate: no such key; docs/manifest.md lists them all`,
		`{"limits":{"timeout":2}}`:                       `manifest: limits.timeout: a number stands where a duration, such as "2s", is expected`,
		`{"limits":{"timeout":"2"}}`:                     `manifest: limits.timeout: "2" is not a duration: write it as "300ms", "2s", "5m", "6h" or "30d"`,
		`{"limits":{"memory":"lots"}}`:                   `manifest: limits.memory: "lots" is not a size: write it as "512KiB", "64MiB" or "1GiB"`,
		`{"limits":{"concurrency":0}}`:                   `manifest: limits.concurrency: a whole number from 1 to 1000000`,
		`{"env":{"PORT":80}}`:                            `manifest: env.PORT: a number stands where text is expected`,
		`{"env":{"HADRON_URL":"x"}}`:                     `manifest: env: "HADRON_URL": names that begin with HADRON_ are the platform's`,
		`{"env":{"A":"x"},"secrets":["B","A"]}`:          `manifest: secrets[1]: "A" is in env too; keep it in one of them`,
		`{"slo":{"latency":[{"quantile":99}]}}`:          `manifest: slo.latency[0].quantile: from 0.5 to under 1, such as 0.99`,
		`{"slo":{"latency":[{"quantile":0.9}]}}`:         `manifest: slo.latency[0].threshold: is missing: give a duration, such as "300ms"`,
		`{"slo":{"window":"2d"}}`:                        `manifest: slo.window: is one of 1h 6h 12h 1d 7d 28d 30d 90d`,
		`{"slo":null}`:                                   `manifest: slo: null stands where an object of keys and values is expected; leave the key out to have its default`,
		`{"name":"greeting"}`:                            `manifest: name: "greeting" is not a function name: write it as "team/project/name"`,
		`{"schedules":[{"cron":"daily"}]}`:               `manifest: schedules[0].cron: five fields, such as "*/5 * * * *"`,
		`[]`:                                             `manifest: a list stands where an object of keys and values is expected`,
		`{"name":`:                                       `manifest: not JSON: it ends too early`,
		`{}x`:                                            `manifest: there is more behind the first JSON value`,
		strings.Repeat(" ", 1+function.MaxManifestBytes): `manifest: holds 65537 bytes; at most 65536 are taken`,
	} {
		_, err := function.ParseManifest([]byte(text))
		var bad *function.ManifestError
		if !errors.As(err, &bad) || err.Error() != want {
			t.Errorf("%.60s\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestWithinNamesTheLimit(t *testing.T) {
	most := function.MaxLimits()
	if err := function.DefaultLimits().Within(most); err != nil {
		t.Errorf("the defaults are over the maxima: %v", err)
	}
	if err := most.Within(most); err != nil {
		t.Errorf("a maximum is allowed itself: %v", err)
	}
	for want, l := range map[string]function.Limits{
		"manifest: limits.timeout: this server allows at most 5m":       {Timeout: most.Timeout + 1},
		"manifest: limits.stream: this server allows at most 1h":        {Stream: most.Stream + 1},
		"manifest: limits.background: this server allows at most 15m":   {Background: most.Background + 1},
		"manifest: limits.memory: this server allows at most 1GiB":      {Memory: most.Memory + 1},
		"manifest: limits.concurrency: this server allows at most 1024": {Concurrency: most.Concurrency + 1},
		"manifest: limits.body: this server allows at most 64MiB":       {Body: most.Body + 1},
	} {
		if err := l.Within(most); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestObjectivesAreExact(t *testing.T) {
	slo := function.SLO{Availability: 99.9, Latency: []function.Latency{
		{Quantile: 0.99, Threshold: function.Duration(time.Second)}, {Quantile: 0.999, Threshold: 1}, {Quantile: 0.5, Threshold: 1}, {Quantile: 0.9999999, Threshold: 1},
	}}
	want := []function.Objective{
		{Name: "availability", Ratio: 0.999},
		{Name: "latency-p99", Ratio: 0.99, Threshold: time.Second},
		{Name: "latency-p99-9", Ratio: 0.999, Threshold: 1},
		{Name: "latency-p50", Ratio: 0.5, Threshold: 1},
		{Name: "latency-p99-99999", Ratio: 0.9999999, Threshold: 1},
	}
	if got := slo.Objectives(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.IntRange(5000, 9999).Draw(t, "availability")
		got := function.SLO{Availability: float64(hundredths) / 100}.Objectives()[0].Ratio
		if want := float64(hundredths) / 10000; got != want {
			t.Fatalf("%d hundredths of a percent: ratio %v, want %v", hundredths, got, want)
		}
	})
}

func TestQuantitiesReadBack(t *testing.T) {
	for text, want := range map[string]time.Duration{"1d": 24 * time.Hour, "30d": 720 * time.Hour, "1h30m": 90 * time.Minute, "1.5s": 1500 * time.Millisecond, "106751d": 106751 * 24 * time.Hour} {
		if d, err := function.ParseDuration(text); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(d), err)
		}
	}
	for want, d := range map[string]time.Duration{"1d": 24 * time.Hour, "1h": time.Hour, "10m": 10 * time.Minute, "1h10m": 70 * time.Minute, "1h0m30s": time.Hour + 30*time.Second, "300ms": 300 * time.Millisecond, "36h": 36 * time.Hour} {
		if got := function.Duration(d).String(); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := function.Duration(rapid.Int64Min(1).Draw(t, "duration"))
		if got, err := function.ParseDuration(d.String()); err != nil || got != d {
			t.Fatalf("%d is written %s and read %d (%v)", d, d, got, err)
		}
		s := function.Size(rapid.Int64Min(1).Draw(t, "size"))
		if got, err := function.ParseSize(s.String()); err != nil || got != s {
			t.Fatalf("%d is written %s and read %d (%v)", int64(s), s, got, err)
		}
	})
}

func TestDigestIsThatOfCanonicalJSON(t *testing.T) {
	// The hash of {"manifest":{"a":"é","b":[1,true,null,1e+21]},"source":"x\ny"}.
	got, err := function.Digest("x\ny", []byte(`{"b" : [1.0, true, null, 1e21], "a":"\u00e9"}`))
	if want := "sha256:1ab89d825586e7e225467a4e2c1baa73bb56fea5b84407e707cf32fac7cb7f69"; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	same := []string{"", "null", "{}", " { } "}
	first, _ := function.Digest("s", nil)
	for _, manifest := range same {
		if d, err := function.Digest("s", []byte(manifest)); err != nil || d != first {
			t.Errorf("manifest %q: %s, %v", manifest, d, err)
		}
	}
	for _, bad := range []string{"{", "{} {}", `{"a":1e999}`} {
		var keyed *function.ManifestError
		if _, err := function.Digest("s", []byte(bad)); !errors.As(err, &keyed) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Whoever writes the same manifest, however spaced and ordered, means the same version.
func TestDigestSeesMeaningOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.String(), rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64Range(-1e300, 1e300), func(f float64) any { return f }),
			rapid.Map(rapid.SliceOf(rapid.String()), func(l []string) any { return l }),
			rapid.Map(rapid.MapOf(rapid.String(), rapid.Bool()), func(m map[string]bool) any { return m }),
		)).Draw(t, "manifest")
		source := rapid.String().Draw(t, "source")
		plain, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		indented, err := json.MarshalIndent(values, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		a, errA := function.Digest(source, plain)
		b, errB := function.Digest(source, indented)
		if errA != nil || errB != nil || a != b {
			t.Fatalf("%s, %v; %s, %v", a, errA, b, errB)
		}
		if c, _ := function.Digest(source+" ", plain); c == a {
			t.Fatal("another source has the same digest")
		}
	})
}

// The page for authors must tell of every key.
func TestManifestPageNamesEveryKey(t *testing.T) {
	page, err := os.ReadFile("../../docs/manifest.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			inner := f.Type
			if inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct {
				name, inner = name+"[]", inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				walk(prefix+name+".", inner)
				continue
			}
			if !strings.Contains(string(page), "`"+prefix+name+"`") {
				t.Errorf("docs/manifest.md lacks `%s%s`", prefix, name)
			}
		}
	}
	walk("", reflect.TypeFor[function.Manifest]())
}

func FuzzParseManifest(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"name":"a/b/c"}`, `{"limits":{"timeout":"2s"}}`, `{"slo":{"latency":[{"quantile":0.99,"threshold":"1s"}]}}`, `{"env":{"A":"b"}}`,
		`{"fetch":{"allow":["::1","x:1"]}}`, `[[[[`, `{"a":1e999}`, `{"concurrency":9999999999999999999}`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := function.ParseManifest(data)
		if err != nil {
			var bad *function.ManifestError
			if !errors.As(err, &bad) || bad.Problem == "" || len(err.Error()) > 4096 {
				t.Errorf("error %T %v", err, err)
			}
			return
		}
		if _, err := function.Digest("", data); err != nil {
			t.Errorf("taken, and has no digest: %v", err)
		}
		written, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := function.ParseManifest(written)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("written as %s, read back as %+v (%v), was %+v", written, again, err, m)
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	source := strings.Repeat("export const a = (b) => b.c ?? \"d\";\n", 30_000)
	manifest := []byte(`{"name":"a/b/c","limits":{"timeout":"2s"}}`)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := function.Digest(source, manifest); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseManifest(b *testing.B) {
	data := []byte(`{"name":"a/b/c","limits":{"timeout":"2s","memory":"128MiB"},"env":{"A":"b"},"slo":{"latency":[{"quantile":0.99,"threshold":"1s"}]}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := function.ParseManifest(data); err != nil {
			b.Fatal(err)
		}
	}
}
