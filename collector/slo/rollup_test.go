package slo_test

import (
	"strings"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
)

// Long windows are counted from rollups, under the names that the collector writes.
func TestIncreaseReadsRollupsOfLongWindows(t *testing.T) {
	short := slo.Increase(metric.Events, "", 6*time.Hour)
	if short != "sum by (team, project, function, slo) (increase(hadron_slo_events_total[6h]))" {
		t.Error(short)
	}
	for counter, rolled := range map[string]string{metric.Events: metric.RolledEvents, metric.BadEvents: metric.RolledBadEvents} {
		long := slo.Increase(counter, `slo="availability"`, 90*day)
		if got := strings.Count(long, rolled+`{slo="availability"}[`); got != 3 || !strings.Contains(long, "offset 90d") {
			t.Error(long)
		}
		if !strings.Contains(long, "["+promText(metric.RollupReach)+"]") {
			t.Errorf("%s does not look back %s", long, metric.RollupReach)
		}
	}
	if metric.RollupReach <= metric.RollupRest+time.Minute {
		t.Error("a resting total may be missed")
	}
}

func promText(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }
