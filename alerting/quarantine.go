package alerting

import (
	"fmt"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// quarantined is the versions that are not run, because they end the workers they run
// in, as conditions: one for each function. It needs no query: the platform knows.
func (r *round) quarantined() []Condition {
	if r.e.cfg.Quarantined == nil {
		return nil
	}
	count := map[function.Name]float64{}
	list := r.e.cfg.Quarantined()
	for _, q := range list {
		count[q.Version.Name]++
	}
	out := make([]Condition, 0, len(list))
	for _, q := range list {
		out = append(out, Condition{
			Function: q.Version.Name, Kind: Quarantine, Since: q.Since, Reason: quarantineReason(q), Value: count[q.Version.Name],
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
