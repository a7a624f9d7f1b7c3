package tsdb_test

import (
	"errors"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

func TestRecordingRules(t *testing.T) {
	db := open(t, tsdb.Config{})
	if err := db.Append(t.Context(), []metric.Sample{{Series: series("single"), T: time.Now().Add(-time.Second).UnixMilli(), V: 21}}); err != nil {
		t.Fatal(err)
	}
	if len(db.RuleGroups()) != 0 {
		t.Error("rules before any were set")
	}
	rules := []byte("groups:\n- name: doubles\n  rules:\n  - {record: double, expr: 2 * single, labels: {origin: rule}}\n")
	if err := db.SetRules(rules, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rule's series", func() bool {
		points, err := db.Query(t.Context(), `double{origin="rule"}`, time.Now())
		return err == nil && len(points) == 1 && points[0].V == 42
	})
	for _, bad := range []string{
		"groups: [{name: a, rules: [{alert: X, expr: up}]}]",
		"groups: [{name: a, rules: [{record: x, expr: 'sum('}]}]",
		"groups: [{name: a, unknown: 1}]",
		"][",
	} {
		if err := db.SetRules([]byte(bad), time.Second); !errors.Is(err, tsdb.ErrBadRules) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := db.SetRules(rules, 0); !errors.Is(err, tsdb.ErrBadRules) {
		t.Errorf("interval 0: %v", err)
	}
	if groups := db.RuleGroups(); len(groups) != 1 || groups[0].Name() != "doubles" {
		t.Errorf("after refusals: %v", groups)
	}
	if err := db.SetRules([]byte("groups: []"), time.Second); err != nil {
		t.Fatal(err)
	}
	if groups := db.RuleGroups(); len(groups) != 0 {
		t.Errorf("after removal: %v", groups)
	}
}

// eventually polls, for the rule manager's clock cannot be faked.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(10 * time.Second)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%s did not come", what)
		}
	}
}
