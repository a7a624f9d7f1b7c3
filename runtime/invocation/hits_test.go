package invocation_test

import (
	"encoding/json"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// A limit that is counted has the name of the manifest's key that sets it.
func TestHitsAreNamedAsTheManifestsKeys(t *testing.T) {
	data, err := json.Marshal(function.MaxLimits())
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(data, &keys); err != nil {
		t.Fatal(err)
	}
	n := 0
	for at, name := range invocation.Hits(0xffff).Known().All() {
		if _, ok := keys[name]; !ok || invocation.HitName(at) != name {
			t.Errorf("limits has no key %s", name)
		}
		n++
	}
	if n != invocation.HitCount {
		t.Errorf("%d of %d limits were told", n, invocation.HitCount)
	}
	for at, name := range (invocation.HitTimers | invocation.HitLogs).All() {
		if name != "timers" && name != "logs" || at >= invocation.HitCount {
			t.Errorf("unexpected %d %s", at, name)
		}
	}
}
