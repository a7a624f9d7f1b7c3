package alerting

import (
	"fmt"

	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// standing is the versions that are not run. It needs no query: the platform knows.
func (r *round) standing() []invocation.Quarantine {
	if r.e.cfg.Quarantined == nil {
		return nil
	}
	return r.e.cfg.Quarantined()
}

// quarantined is the versions that are not run, because they end the workers they run
// in, as conditions: one for each.
func (r *round) quarantined() []Condition {
	count := map[function.Name]float64{}
	list := r.standing()
	for _, q := range list {
		count[q.Version.Name]++
	}
	out := make([]Condition, 0, len(list))
	for _, q := range list {
		out = append(out, Condition{
			Function: q.Version.Name, Kind: slo.Quarantine, Since: q.Since, Reason: quarantineReason(q), Value: count[q.Version.Name],
		})
	}
	return out
}

// quarantineReason says it in words; the platform's only, no function's.
func quarantineReason(q invocation.Quarantine) string {
	times := "once"
	if q.Deaths > 1 {
		times = fmt.Sprintf("%d times", q.Deaths)
	}
	return fmt.Sprintf("version %d ended its worker %s: %s", q.Version.Version, times, oneLine(q.Reason, maxText))
}
