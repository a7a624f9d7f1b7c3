package delivery

import "math"

// The statistics of a canary. docs/delivery.md says why these.

const (
	// alpha bounds how often a version that is no worse fails, over a whole rollout
	// with all its looks and measures.
	alpha = 0.01
	// beta bounds how often a version that is worse by a margin passes a step.
	beta = 0.05
	// tolerance is how many times the baseline's share of bad calls is no harm yet.
	tolerance = 1.1
)

// harms are the sizes of harm that the evidence is a mixture over: so many times the
// odds that a bad call is the canary's.
var harms = [...]float64{1.1, 1.25, 1.5, 2, 3, 5, 10, 30, 100, 1000}

// evidence is the logarithm of an e-value against "a bad call is the canary's no more
// often than tolerance allows", where both sides are of one size: canary and baseline
// are how many bad calls each had. It is a mixture of likelihood ratios, so under that
// hypothesis it is a nonnegative supermartingale over the calls, and by Ville's
// inequality the chance that it ever exceeds 1/a is at most a, however often one looks
// (Lindon and Malek 2022; Lindon, Sanden and Shirikian 2022; Ramdas et al. 2023).
func evidence(canary, baseline float64) float64 {
	most := tolerance / (1 + tolerance)
	best := math.Inf(-1)
	var logs [len(harms)]float64
	for i, harm := range harms {
		odds := tolerance * harm
		p := odds / (1 + odds)
		logs[i] = canary*math.Log(p/most) + baseline*math.Log((1-p)/(1-most))
		best = max(best, logs[i])
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - best)
	}
	return best + math.Log(sum/float64(len(harms)))
}

// mean is the logarithm of the mean of e-values given by theirs: an e-value again.
func mean(logs []float64) float64 {
	if len(logs) == 0 {
		return math.Inf(-1)
	}
	best := math.Inf(-1)
	for _, l := range logs {
		best = max(best, l)
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - best)
	}
	return best + math.Log(sum/float64(len(logs)))
}

// wilson is the score interval of a share at z standard deviations.
func wilson(bad, n, z float64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	p := bad / n
	centre := p + z*z/(2*n)
	width := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	return max(0, (centre-width)/scale), min(1, (centre+width)/scale)
}

// excess is the upper confidence bound of how much greater the canary's share of bad
// calls is: Newcombe's hybrid of two score intervals (1998, method 10).
func excess(canary, canaryOf, baseline, baselineOf, z float64) float64 {
	if canaryOf == 0 || baselineOf == 0 {
		return 1
	}
	p1, p0 := canary/canaryOf, baseline/baselineOf
	_, high := wilson(canary, canaryOf, z)
	low, _ := wilson(baseline, baselineOf, z)
	return p1 - p0 + math.Sqrt((high-p1)*(high-p1)+(p0-low)*(p0-low))
}

// times is the upper confidence bound of the ratio of two rates over sides of one
// size, from the share that the canary has of all events.
func times(canary, baseline, z float64) float64 {
	_, high := wilson(canary, canary+baseline, z)
	if high >= 1 {
		return math.Inf(1)
	}
	return high / (1 - high)
}

// deviations is how many standard deviations leave a tail of p.
func deviations(p float64) float64 { return math.Sqrt2 * math.Erfinv(1-2*p) }
