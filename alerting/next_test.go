package alerting_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/alerting"
	"hadron/collector/slo"
)

const day = 24 * time.Hour

var (
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	fast = slo.Rules(30*day, 15*time.Second)[0] // a page at 14.4× over 1h and 5m
)

func counts(longBad, longAll, shortBad, shortAll float64) *alerting.Counts {
	return &alerting.Counts{Objective: 0.999, LongBad: longBad, LongAll: longAll, ShortBad: shortBad, ShortAll: shortAll}
}

func TestNext(t *testing.T) {
	inactive := alerting.Status{State: alerting.Inactive}
	firing := alerting.Status{State: alerting.Firing, ActiveAt: noon.Add(-time.Hour), FiredAt: noon.Add(-time.Hour)}
	pending := alerting.Status{State: alerting.Pending, ActiveAt: noon.Add(-time.Minute)}
	nan := math.NaN()
	for name, c := range map[string]struct {
		was    alerting.Status
		counts *alerting.Counts
		wait   time.Duration
		want   alerting.State
		reason string
	}{
		"a real burn fires at once":             {inactive, counts(30, 1000, 10, 100), 0, alerting.Firing, "10 % of events are bad over 5m"},
		"or waits, where it is told to":         {inactive, counts(30, 1000, 10, 100), time.Minute, alerting.Pending, ""},
		"long enough":                           {pending, counts(30, 1000, 10, 100), time.Minute, alerting.Firing, ""},
		"not long enough":                       {pending, counts(30, 1000, 10, 100), 2 * time.Minute, alerting.Pending, ""},
		"pending ends":                          {pending, counts(30, 1000, 0, 100), time.Minute, alerting.Inactive, ""},
		"missing neither fires nor ends":        {pending, nil, time.Minute, alerting.Pending, "no data"},
		"short window alone":                    {inactive, counts(10, 10000, 10, 100), 0, alerting.Inactive, "within budget"},
		"long window alone":                     {inactive, counts(30, 1000, 0, 100), 0, alerting.Inactive, "within budget"},
		"one failure of a quiet function":       {inactive, counts(1, 1, 1, 1), 0, alerting.Inactive, "fewer than 3"},
		"two failures of a quiet function":      {inactive, counts(2.1, 2, 1, 1), 0, alerting.Firing, "100 %"},
		"two of a function called often":        {inactive, counts(2.1, 100, 1, 1), 0, alerting.Inactive, "fewer than 3"},
		"two in a row of such a one":            {inactive, counts(2.1, 100, 2, 2), 0, alerting.Firing, "100 %"},
		"two among calls that succeed":          {inactive, counts(2, 20, 2, 3), 0, alerting.Inactive, "fewer than 3"},
		"three failures of a quiet function":    {inactive, counts(2.9, 3, 1, 1), 0, alerting.Firing, "100 %"},
		"never called":                          {inactive, counts(0, 0, 0, 0), 0, alerting.Inactive, "traffic stopped"},
		"no series":                             {inactive, nil, 0, alerting.Inactive, "no data"},
		"a burn goes on":                        {firing, counts(30, 1000, 10, 100), 0, alerting.Firing, ""},
		"a burn goes on, though few are left":   {firing, counts(1, 1, 1, 1), 0, alerting.Firing, ""},
		"no call is no recovery":                {firing, counts(30, 1000, 0, 0), 0, alerting.Firing, "traffic stopped: no call over 5m"},
		"no series is no recovery":              {firing, nil, 0, alerting.Firing, "no data"},
		"nor is an objective that is not there": {firing, &alerting.Counts{Objective: nan, LongBad: 1, LongAll: 9, ShortBad: 0, ShortAll: 9}, 0, alerting.Firing, ""},
		"one success is no recovery":            {firing, counts(3, 4, 0, 1), 0, alerting.Firing, "too few calls"},
		"three successes are":                   {firing, counts(3, 6, 0, 3), 0, alerting.Resolved, "100 % of events are good"},
		"one is, when the long window is calm":  {firing, counts(0, 4, 0, 1), 0, alerting.Resolved, ""},
		"as Prometheus has it":                  {firing, counts(10, 10000, 10, 100), 0, alerting.Resolved, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := fast
			r.For = c.wait
			got, reason := alerting.Next(r, c.was, c.counts, noon)
			if got.State != c.want || !strings.Contains(reason, c.reason) {
				t.Errorf("%s (%s), want %s (%s)", got.State, reason, c.want, c.reason)
			}
		})
	}
}

func TestResolvedIsShownForAWhile(t *testing.T) {
	was := alerting.Status{State: alerting.Resolved, ResolvedAt: noon}
	calm := counts(0, 1000, 0, 100)
	if got, _ := alerting.Next(fast, was, calm, noon.Add(time.Minute)); got != was {
		t.Errorf("%+v", got)
	}
	if got, _ := alerting.Next(fast, was, nil, noon.Add(time.Hour)); got.State != alerting.Inactive {
		t.Errorf("%+v", got)
	}
	if got, _ := alerting.Next(fast, was, counts(30, 1000, 10, 100), noon.Add(time.Minute)); got.State != alerting.Firing {
		t.Errorf("%+v", got)
	}
}

// Whatever was seen: what is missing ends nothing that fires and begins nothing,
// times are those of the state, and the step can be repeated.
func TestNextProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Just(math.NaN()), rapid.Just(0.0), rapid.Float64Range(0, 1000), rapid.Just(math.Inf(1)))
		was := alerting.Status{State: alerting.Inactive}
		r := rapid.SampledFrom(slo.Rules(30*day, 15*time.Second)).Draw(t, "rule")
		r.For = time.Duration(rapid.IntRange(0, 3).Draw(t, "for")) * time.Minute
		now := noon
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(time.Minute)
			c := &alerting.Counts{
				Objective: rapid.SampledFrom([]float64{0.5, 0.999, math.NaN()}).Draw(t, "objective"),
				LongBad:   number.Draw(t, "long_bad"), LongAll: number.Draw(t, "long_all"),
				ShortBad: number.Draw(t, "short_bad"), ShortAll: number.Draw(t, "short_all"),
			}
			got, reason := alerting.Next(r, was, c, now)
			missing := !(c.ShortAll > 0) || math.IsNaN(c.Objective)
			if missing && was.State == alerting.Firing && got != was {
				t.Fatalf("%+v became %+v of nothing", was, got)
			}
			if missing && got.State == alerting.Firing && was.State != alerting.Firing {
				t.Fatalf("fires of nothing: %+v", c)
			}
			if got.State == alerting.Firing && (got.FiredAt.IsZero() || got.FiredAt.Sub(got.ActiveAt) < r.For) {
				t.Fatalf("fired too early: %+v", got)
			}
			if got.State == "" || reason == "" && got.State != alerting.Inactive && got.State != alerting.Resolved {
				t.Fatalf("%q, %q", got.State, reason)
			}
			was = got
		}
	})
}
