package worker

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/function"
)

// kept are the parts of a manifest that no engine reads: a new one crosses, or is named here.
var kept = map[string]bool{
	"Name": true, "Entry": true, "Description": true, "Owner": true, "Runbook": true, "SLO": true, "Alerts": true, "Access": true,
	"CompatibilityDate": true, "Schedules": true, "Delivery": true,
}

func TestManifestsSurviveTheWire(t *testing.T) {
	text := rapid.StringN(0, 20, 60)
	texts := rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(text, 1, 5))
	rapid.Check(t, func(t *rapid.T) {
		want := function.Manifest{
			Secrets: texts.Draw(t, "secrets"), Fetch: function.Fetch{Allow: texts.Draw(t, "allow")},
			Isolation: text.Draw(t, "isolation"), UnsafeEval: rapid.Bool().Draw(t, "evals"),
		}
		if rapid.Bool().Draw(t, "has env") {
			want.Env = rapid.MapOfN(text, text, 1, 5).Draw(t, "env")
		}
		limits := reflect.ValueOf(&want.Limits).Elem()
		for i := range limits.NumField() {
			limits.Field(i).SetInt(rapid.Int64().Draw(t, limits.Type().Field(i).Name))
		}
		data := appendManifest(nil, &want)
		c := cursor{s: string(data)}
		got := c.manifest()
		if err := c.end(); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: %+v, want %+v", err, got, want)
		}
		short := cursor{s: string(data[:rapid.IntRange(0, len(data)-1).Draw(t, "cut")])}
		if short.manifest(); short.end() == nil {
			t.Fatal("a manifest without its end was taken")
		}
	})
	of := reflect.TypeFor[function.Manifest]()
	crosses := map[string]bool{"Limits": true, "Env": true, "Secrets": true, "Fetch": true, "Isolation": true, "UnsafeEval": true}
	for i := range of.NumField() {
		if name := of.Field(i).Name; kept[name] == crosses[name] {
			t.Errorf("it is not said whether a worker gets a manifest's %s", name)
		}
	}
	if n := reflect.TypeFor[function.Fetch]().NumField(); n != 1 {
		t.Errorf("%d fields of Fetch, one crosses", n)
	}
}
