package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"hadron/ui/wire"
)

// rows are the functions that were told of, in order.
func (s *topState) rows(order string) []wire.Health {
	out := make([]wire.Health, 0, len(s.items))
	for _, h := range s.items {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b wire.Health) int {
		return cmp.Or(topCompare(order, &a, &b), cmp.Compare(a.Function, b.Function))
	})
	return out
}

// topCompare orders as the server does; what has no value is last.
func topCompare(order string, a, b *wire.Health) int {
	falling := func(value func(*wire.Health) *float64) int {
		x, y := value(a), value(b)
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return 1
		case y == nil:
			return -1
		}
		return cmp.Compare(*y, *x)
	}
	switch order {
	case "name":
		return 0
	case "rate":
		return cmp.Compare(b.Rate, a.Rate)
	case "errors":
		return falling(func(h *wire.Health) *float64 { return h.ErrorRatio })
	case "p50":
		return falling(func(h *wire.Health) *float64 { return h.P50 })
	case "p99":
		return falling(func(h *wire.Health) *float64 { return h.P99 })
	case "inflight":
		return b.InFlight - a.InFlight
	case "deployed":
		return b.DeployedAt.Compare(a.DeployedAt)
	case "budget":
		return falling(func(h *wire.Health) *float64 {
			if h.BudgetLeft == nil {
				return nil
			}
			spent := -*h.BudgetLeft
			return &spent
		})
	}
	if c := topRank(a.State) - topRank(b.State); c != 0 {
		return c
	}
	if topRank(a.State) < 2 {
		return b.Since.Compare(a.Since)
	}
	return 0
}

func topRank(state string) int {
	at := slices.Index([]string{"failing", "degraded", "unknown", "healthy", "idle"}, state)
	if at < 0 {
		return 2
	}
	return at
}

// style is how a state looks on a terminal; the sign and the word say it as well.
type style func(state, text string) string

func plainStyle(_, text string) string { return text }

func colourStyle(state, text string) string {
	code := map[string]string{"failing": "31;1", "degraded": "33;1", "healthy": "32", "idle": "2", "head": "2", "bold": "1", "lost": "31;7"}[state]
	if code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

const topColumns = 98 // of the columns beside the name

// topLines draws the list: counts, names of columns, a line a function, and under one
// that is in trouble its reason. width 0 is as wide as it takes.
func topLines(l topList, paint style, width int) []string {
	longest := len("FUNCTION")
	for _, h := range l.Items {
		longest = max(longest, len(h.Function))
	}
	if width > 0 {
		longest = min(longest, max(20, width-topColumns))
	}
	out := []string{
		clipLine(topCounts(l, paint), width),
		paint("head", clipLine(fmt.Sprintf("%-11s%-*s%9s  %-8s%9s%9s%9s%8s%9s  %-12s %s", "STATE", longest+1, "FUNCTION", "REQ/S", "TREND", "ERRORS", "P50", "P99", "FLIGHT", "BUDGET", "VERSION", "DEPLOYED"), width)),
	}
	for _, h := range l.Items {
		line := fmt.Sprintf("%-11s%-*s%9s  %-8s%9s%9s%9s%8d%9s  %-12s %s",
			stateSign(h.State)+" "+plain(h.State), longest+1, clipText(plain(h.Function), longest), topNumber(h.Rate), spark(h.Trend, 8), topPercent(h.ErrorRatio),
			topSeconds(h.P50), topSeconds(h.P99), h.InFlight, topBudget(h.BudgetLeft), topVersions(h.Versions), ago(h.DeployedAt, plain(h.DeployedBy)))
		out = append(out, paint(h.State, clipLine(line, width)))
		if h.State == "failing" || h.State == "degraded" {
			out = append(out, clipLine("           "+plain(h.Reason), width))
		}
	}
	return out
}

func topCounts(l topList, paint style) string {
	s := l.Summary.States
	parts := []string{}
	for _, c := range []struct {
		state string
		n     int
	}{{"failing", s.Failing}, {"degraded", s.Degraded}, {"unknown", s.Unknown}, {"healthy", s.Healthy}, {"idle", s.Idle}} {
		if c.n > 0 || c.state == "failing" {
			parts = append(parts, paint(c.state, fmt.Sprintf("%s %d %s", stateSign(c.state), c.n, c.state)))
		}
	}
	parts = append(parts, topNumber(l.Summary.Rate)+" req/s", topPercent(l.Summary.ErrorRatio)+" errors", fmt.Sprintf("%d in flight", l.Summary.InFlight))
	return strings.Join(parts, "  ")
}

func topNumber(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.1f M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.1f k", v/1e3)
	case v >= 10 || v == float64(int(v)):
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func topPercent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.2f %%", *v*100)
}

func topSeconds(v *float64) string {
	if v == nil {
		return "–"
	}
	return seconds(*v)
}

func topBudget(v *float64) string {
	switch {
	case v == nil:
		return "–"
	case *v < -1:
		return fmt.Sprintf("%.0f× over", min(-*v, 999))
	}
	return fmt.Sprintf("%.0f %%", *v*100)
}

func topVersions(vs []wire.VersionShare) string {
	if len(vs) == 1 {
		return fmt.Sprintf("@%d", vs[0].Version)
	}
	var parts []string
	for _, v := range vs {
		parts = append(parts, fmt.Sprintf("@%d %.0f", v.Version, v.Share*100))
	}
	return strings.Join(parts, "·")
}

// spark is a trend as one letter a value, the newest at its right end.
func spark(values []float64, width int) string {
	if len(values) > width {
		values = values[len(values)-width:]
	}
	top := 0.0
	for _, v := range values {
		top = max(top, v)
	}
	marks := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range values {
		at := 0
		if top > 0 {
			at = int(max(0, v) / top * float64(len(marks)-1))
		}
		b.WriteRune(marks[min(at, len(marks)-1)])
	}
	return b.String()
}

// clipText keeps the end of a name, which tells it from others.
func clipText(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	runes := []rune(s)
	return "…" + string(runes[len(runes)-width+1:])
}

// clipLine cuts a line at the terminal's edge. Colours take no room.
func clipLine(s string, width int) string {
	if width <= 0 {
		return s
	}
	var b strings.Builder
	at, escape := 0, false
	for _, r := range s {
		switch {
		case escape:
			escape = r != 'm'
		case r == '\x1b':
			escape = true
		default:
			if at++; at > width {
				continue
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func ageText(d time.Duration) string {
	return fmt.Sprintf("%d s", int(max(0, d).Seconds()))
}
