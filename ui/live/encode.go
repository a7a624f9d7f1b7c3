package live

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"hadron/ui/wire"
)

// Digits of a number in a list: more than a table shows, few enough that what is
// the same to people is no change.
const (
	digits      = 4
	trendDigits = 3
)

// appendHealth writes a health as encoding/json would, with its numbers rounded:
// this is done for each function that changed, each tick.
func appendHealth(b []byte, h *wire.Health, at time.Time) []byte {
	b = append(b, `{"function":`...)
	b = appendText(b, h.Function)
	b = append(b, `,"state":`...)
	b = appendText(b, h.State)
	b = append(b, `,"reason":`...)
	b = appendText(b, h.Reason)
	b = append(b, `,"since":`...)
	b = appendTime(b, h.Since)
	b = append(b, `,"rate":`...)
	b = appendNumber(b, h.Rate, digits)
	b = append(b, `,"errorRatio":`...)
	b = appendMaybe(b, h.ErrorRatio)
	b = append(b, `,"p50":`...)
	b = appendMaybe(b, h.P50)
	b = append(b, `,"p95":`...)
	b = appendMaybe(b, h.P95)
	b = append(b, `,"p99":`...)
	b = appendMaybe(b, h.P99)
	b = append(b, `,"inFlight":`...)
	b = strconv.AppendInt(b, int64(h.InFlight), 10)
	b = append(b, `,"errors":[`...)
	for i, e := range h.Errors {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"code":`...)
		b = appendText(b, e.Code)
		b = append(b, `,"ratio":`...)
		b = appendNumber(b, e.Ratio, digits)
		b = append(b, '}')
	}
	b = append(b, `],"coldStarts":`...)
	b = appendNumber(b, h.ColdStarts, digits)
	b = append(b, `,"throttled":`...)
	b = appendNumber(b, h.Throttled, digits)
	b = append(b, `,"cpu":`...)
	b = appendNumber(b, h.CPU, digits)
	b = append(b, `,"budgetLeft":`...)
	b = appendMaybe(b, h.BudgetLeft)
	b = append(b, `,"burns":[`...)
	for i, burn := range h.Burns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"window":`...)
		b = appendText(b, burn.Window)
		b = append(b, `,"rate":`...)
		b = appendNumber(b, burn.Rate, digits)
		b = append(b, '}')
	}
	b = append(b, `],"availability":`...)
	b = appendNumber(b, h.Availability, 17)
	if h.LatencyTarget != 0 {
		b = append(b, `,"latencyTarget":`...)
		b = appendNumber(b, h.LatencyTarget, 17)
	}
	if h.LatencyQuantile != 0 {
		b = append(b, `,"latencyQuantile":`...)
		b = appendNumber(b, h.LatencyQuantile, 17)
	}
	b = append(b, `,"window":`...)
	b = appendText(b, h.Window)
	b = append(b, `,"versions":[`...)
	for i, v := range h.Versions {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"version":`...)
		b = strconv.AppendInt(b, int64(v.Version), 10)
		b = append(b, `,"share":`...)
		b = appendNumber(b, v.Share, digits)
		b = append(b, '}')
	}
	b = append(b, `],"trend":[`...)
	for i, v := range h.Trend {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, v, trendDigits)
	}
	b = append(b, `],"deployedAt":`...)
	b = appendTime(b, h.DeployedAt)
	b = append(b, `,"deployedBy":`...)
	b = appendText(b, h.DeployedBy)
	if !at.IsZero() {
		b = append(b, `,"updatedAt":`...)
		b = appendTime(b, at)
	}
	return append(b, '}')
}

// appendText writes a string; one with anything to escape is left to encoding/json.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return append(b, quote(s)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendTime(b []byte, t time.Time) []byte {
	if y := t.Year(); y < 0 || y > 9999 {
		t = time.Time{} // RFC 3339 has no such year
	}
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// appendMaybe writes null where there is nothing that JSON could say.
func appendMaybe(b []byte, v *float64) []byte {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return append(b, "null"...)
	}
	return appendNumber(b, *v, digits)
}

func appendNumber(b []byte, v float64, digits int) []byte {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(b, '0')
	case v == math.Trunc(v) && math.Abs(v) < 1e4:
		return strconv.AppendInt(b, int64(v), 10)
	case digits > 15, math.Abs(v) > 1e300: // which rounding could take out of range
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return strconv.AppendFloat(b, v, 'g', digits, 64)
}

// sameHealth reports whether nothing but the time of measuring differs. It says
// no to what rounds to the same: the encoding finds out.
func sameHealth(a, b *wire.Health) bool {
	return a.State == b.State && a.Reason == b.Reason && a.Rate == b.Rate && a.InFlight == b.InFlight &&
		sameNumber(a.ErrorRatio, b.ErrorRatio) && sameNumber(a.P50, b.P50) && sameNumber(a.P95, b.P95) && sameNumber(a.P99, b.P99) &&
		a.ColdStarts == b.ColdStarts && a.Throttled == b.Throttled && a.CPU == b.CPU && slices.Equal(a.Errors, b.Errors) && slices.Equal(a.Burns, b.Burns) &&
		sameNumber(a.BudgetLeft, b.BudgetLeft) && a.Availability == b.Availability && a.LatencyTarget == b.LatencyTarget &&
		a.LatencyQuantile == b.LatencyQuantile && a.Window == b.Window && a.DeployedBy == b.DeployedBy &&
		a.Since.Equal(b.Since) && a.DeployedAt.Equal(b.DeployedAt) && slices.Equal(a.Versions, b.Versions) && slices.Equal(a.Trend, b.Trend)
}

func sameNumber(a, b *float64) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// rounded is a number as lists show it.
func rounded(v float64) float64 {
	out, err := strconv.ParseFloat(string(appendNumber(nil, v, digits)), 64)
	if err != nil {
		return 0
	}
	return out
}

// encoded is a value of package wire, which always encodes.
func encoded(v any) json.RawMessage {
	body, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return body
}

// fill puts empty lists where there are none: clients are never sent null for a list.
func fill(h *wire.Health) {
	if h.Versions == nil {
		h.Versions = []wire.VersionShare{}
	}
	if h.Trend == nil {
		h.Trend = []float64{}
	}
	if h.Errors == nil {
		h.Errors = []wire.CodeShare{}
	}
	if h.Burns == nil {
		h.Burns = []wire.Burn{}
	}
}
