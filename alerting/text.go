package alerting

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hadron/runtime/function"
)

// oneLine makes hostile text safe to stand in a page: one line of valid UTF-8
// without control, format or private characters, of at most most characters.
func oneLine(s string, most int) string {
	var b strings.Builder
	runes, gap := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) || r == utf8.RuneError || !unicode.IsPrint(r) {
			gap = runes > 0
			continue
		}
		need := 1
		if gap {
			need = 2
		}
		if runes+need > most {
			return cut(b.String(), most)
		}
		if gap {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		runes, gap = runes+need, false
	}
	return b.String()
}

// Line makes a person's text safe to keep and to send: one line of valid UTF-8, of at most
// so many characters.
func Line(s string, most int) string { return oneLine(s, most) }

// cut ends a text that goes on with an ellipsis, within most characters.
func cut(s string, most int) string {
	if most < 1 {
		return ""
	}
	runes := []rune(s)
	if len(runes) >= most {
		runes = runes[:most-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

// significant is f with so many digits that say something, never in exponents.
func significant(f float64, digits int) string {
	if f == 0 || math.IsNaN(f) || math.IsInf(f, 0) {
		return "0"
	}
	decimals := max(0, digits-1-int(math.Floor(math.Log10(math.Abs(f)))))
	text := strconv.FormatFloat(f, 'f', min(decimals, 6), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// percent is a share in words: "12 %", "0.14 %". What is not all is never 100 %.
func percent(share float64) string {
	if math.IsNaN(share) {
		return "an unknown share"
	}
	p := share * 100
	if p < 100 && p >= 99 {
		p = math.Floor(p*100) / 100
		return significant(p, 4) + " %"
	}
	return significant(p, 2) + " %"
}

// times is a burn rate in words: "14.4×".
func times(burn float64) string { return significant(burn, 3) + "×" }

// words is a length of time as people say it: "5m", "1h", "30d".
func words(d time.Duration) string { return function.Duration(d).String() }

// about is a length of time, roundly: "40 s", "3 min", "2 h", "9 d".
func about(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	}
	return fmt.Sprintf("%d d", int(math.Round(d.Hours()/24)))
}
