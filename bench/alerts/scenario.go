package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"hadron/runtime/function"
)

// want is what a person would say of a scenario, from how it was made and not from
// what any rule says of it.
type want int

const (
	nothing want = iota // nobody is to hear of it
	ticket
	page
)

// The timeline that all scenarios share: a history that fills the longest alert
// window, and the days that are judged.
const (
	history = 72 * time.Hour
	length  = history + 72*time.Hour
)

// span is a time within the timeline.
type span struct{ from, to time.Duration }

func (s span) has(t time.Duration) bool { return t >= s.from && t < s.to }

// instance is one process that serves the function: a series of its own.
type instance struct {
	version int
	node    string
	alive   span
	resets  []time.Duration // its counters begin again
}

// scenario is one function with a history that is known to be what it is.
type scenario struct {
	kind      string
	name      function.Name
	slo       string // the objective that it is about
	objective float64
	rate      func(t time.Duration) float64 // calls a second
	bad       func(t time.Duration) float64 // share of them
	instances []instance
	gaps      []span // nothing is scraped
	want      want
	fault     span // where want is not nothing
}

// kind makes scenarios of one kind.
type kind struct {
	name string
	make func(d *draw) scenario
}

// kinds are the rows of the table, in its order. What is drawn keeps a distance from
// what the objective's budget makes a question of taste: 2 % of it in an hour or 5 %
// in six are a page, 10 % in three days are a ticket.
var kinds = []kind{
	{"total outage", (*draw).outage},
	{"fast burn, 20–90×", (*draw).fastBurn},
	{"middling burn, 8–12×", (*draw).middlingBurn},
	{"slow burn, 3.6–5×", func(d *draw) scenario { return d.slowBurn(3.6, 5, 30*time.Hour) }},
	{"slower burn, 1.8–2.6×", func(d *draw) scenario { return d.slowBurn(1.8, 2.6, 56*time.Hour) }},
	{"spikes", (*draw).spikes},
	{"latency shift", (*draw).latencyShift},
	{"low traffic, single failures", (*draw).quietFailures},
	{"low traffic, outage", (*draw).quietOutage},
	{"daily rhythm", (*draw).diurnal},
	{"daily rhythm, outage", (*draw).diurnalOutage},
	{"deploy blips", (*draw).deployBlips},
	{"counter resets", (*draw).resets},
	{"counter resets in an outage", (*draw).resetsInOutage},
	{"scrape gaps", (*draw).gapsOnly},
	{"scrape gaps in an outage", (*draw).gapsInOutage},
	{"node churn", (*draw).churn},
	{"node churn, outage", (*draw).churnOutage},
	{"traffic stops", (*draw).stops},
	{"traffic stops in an outage", (*draw).stopsInOutage},
}

// scenarios draws n of each kind.
func scenarios(seed uint64, n int) []scenario {
	var out []scenario
	for i, k := range kinds {
		for j := range n {
			d := &draw{rand.New(rand.NewPCG(seed, uint64(i)<<32|uint64(j)))}
			s := k.make(d)
			s.kind, s.name = k.name, function.Name(fmt.Sprintf("sim/kind-%02d/case-%02d", i, j))
			out = append(out, s)
		}
	}
	return out
}

// draw makes scenarios by chance.
type draw struct{ *rand.Rand }

func (d *draw) between(low, high float64) float64 { return low + d.Float64()*(high-low) }

// spread is between low and high, as often in each order of magnitude.
func (d *draw) spread(low, high float64) float64 {
	return math.Exp(d.between(math.Log(low), math.Log(high)))
}

func (d *draw) during(low, high time.Duration) time.Duration {
	return time.Duration(d.between(float64(low), float64(high))).Truncate(time.Second)
}

// begin is when what is to be seen begins.
func (d *draw) begin() time.Duration { return history + d.during(time.Hour, 6*time.Hour) }

// healthy is a function with steady traffic and a few errors, well within its budget.
func (d *draw) healthy(low, high float64) scenario {
	rate := d.spread(low, high)
	s := scenario{
		slo: "availability", objective: []float64{0.99, 0.995, 0.999}[d.IntN(3)],
		rate:      func(time.Duration) float64 { return rate },
		instances: []instance{{version: 1, node: "a", alive: span{0, length}}},
	}
	noise := d.between(0, 0.3) * (1 - s.objective)
	s.bad = func(time.Duration) float64 { return noise }
	return s
}

// broken makes a share of calls fail within the fault.
func (s *scenario) broken(at span, share float64, w want) {
	before := s.bad
	s.fault, s.want = at, w
	s.bad = func(t time.Duration) float64 {
		if at.has(t) {
			return share
		}
		return before(t)
	}
}

// burning is broken, in multiples of what the objective allows.
func (s *scenario) burning(at span, burn float64, w want) { s.broken(at, burn*(1-s.objective), w) }

func (d *draw) fault(low, high time.Duration) span {
	from := d.begin()
	return span{from, from + d.during(low, high)}
}

func (d *draw) outage() scenario {
	s := d.healthy(0.2, 300)
	s.broken(d.fault(25*time.Minute, 2*time.Hour), d.between(0.6, 1), page)
	return s
}

func (d *draw) fastBurn() scenario {
	s := d.healthy(5, 300)
	s.burning(d.fault(90*time.Minute, 4*time.Hour), d.between(20, 90), page)
	return s
}

func (d *draw) middlingBurn() scenario {
	s := d.healthy(5, 300)
	s.burning(d.fault(6*time.Hour, 10*time.Hour), d.between(8, 12), page)
	return s
}

func (d *draw) slowBurn(low, high float64, lasts time.Duration) scenario {
	s := d.healthy(5, 300)
	s.burning(d.fault(lasts, lasts+4*time.Hour), d.between(low, high), ticket)
	return s
}

// spikes are short total failures, each well under what is worth a page, hours apart.
func (d *draw) spikes() scenario {
	s := d.healthy(0.5, 300)
	most := 5 * (1 - s.objective) * 3600 // seconds of all calls failing: 5 hours' worth of budget
	quiet := s.bad
	var at []span
	for t := d.begin(); t < length-time.Hour && len(at) < 3; t += d.during(10*time.Hour, 20*time.Hour) {
		at = append(at, span{t, t + time.Duration(d.between(0.4, 1)*most)*time.Second})
	}
	s.bad = func(t time.Duration) float64 {
		for _, x := range at {
			if x.has(t) {
				return 1
			}
		}
		return quiet(t)
	}
	return s
}

// latencyShift slows a share of calls: by much, or by a little for days.
func (d *draw) latencyShift() scenario {
	s := d.healthy(5, 300)
	s.slo, s.objective = "latency-p99", 0.99
	s.bad = func(time.Duration) float64 { return 0.002 }
	if d.IntN(2) == 0 {
		s.broken(d.fault(90*time.Minute, 5*time.Hour), d.between(0.2, 0.9), page)
	} else {
		s.burning(d.fault(30*time.Hour, 34*time.Hour), d.between(3.6, 5), ticket)
	}
	return s
}

// failing makes single calls fail: those of the seconds given.
func (s *scenario) failing(at ...time.Duration) {
	s.bad = func(t time.Duration) float64 {
		for _, x := range at {
			if t <= x && x < t+step {
				return 1
			}
		}
		return 0
	}
	rate := s.rate
	s.rate = func(t time.Duration) float64 {
		for _, x := range at {
			if t <= x && x < t+step {
				return math.Inf(1) // exactly one call
			}
		}
		return rate(t)
	}
}

func (d *draw) quietFailures() scenario {
	s := d.healthy(2.0/3600, 40.0/3600)
	first := d.begin()
	at := []time.Duration{first}
	if d.IntN(2) == 0 {
		at = append(at, first+d.during(7*time.Hour, 40*time.Hour))
	}
	s.failing(at...)
	return s
}

func (d *draw) quietOutage() scenario {
	s := d.healthy(8.0/3600, 60.0/3600)
	s.bad = func(time.Duration) float64 { return 0 }
	s.broken(d.fault(3*time.Hour, 8*time.Hour), 1, page)
	return s
}

func (d *draw) rhythm(s *scenario) {
	base, depth, phase := s.rate(0), d.between(0.85, 0.99), d.between(0, 2*math.Pi)
	s.rate = func(t time.Duration) float64 {
		return base * (1 + depth*math.Sin(2*math.Pi*t.Hours()/24+phase))
	}
}

func (d *draw) diurnal() scenario {
	s := d.healthy(0.05, 100)
	d.rhythm(&s)
	if s.rate(0) < 1 { // a share of few calls is a few calls
		s.bad = func(time.Duration) float64 { return 0.1 * (1 - s.objective) }
	}
	return s
}

func (d *draw) diurnalOutage() scenario {
	s := d.healthy(5, 300)
	d.rhythm(&s)
	at := d.fault(40*time.Minute, 3*time.Hour)
	s.broken(at, d.between(0.5, 1), page)
	return s
}

// deployBlips are new versions whose first seconds fail in part.
func (d *draw) deployBlips() scenario {
	s := d.healthy(2, 300)
	quiet, version := s.bad, 1
	most := 3 * (1 - s.objective) * 3600
	var at []span
	share := d.between(0.3, 1)
	for t := d.begin(); t < length-2*time.Hour; t += d.during(8*time.Hour, 20*time.Hour) {
		at = append(at, span{t, t + time.Duration(d.between(0.3, 1)*most/share)*time.Second})
		s.instances[len(s.instances)-1].alive.to = t
		version++
		s.instances = append(s.instances, instance{version: version, node: "a", alive: span{t, length}})
	}
	s.bad = func(t time.Duration) float64 {
		for _, x := range at {
			if x.has(t) {
				return share
			}
		}
		return quiet(t)
	}
	return s
}

// restarts makes the process begin again every so often, with its counters; away for
// a while each time, where away is not 0.
func (d *draw) restarts(s *scenario, within span, every, away time.Duration) {
	for t := within.from + d.during(every/4, every); t < within.to; t += d.during(every/2, every+every/2) {
		s.instances[0].resets = append(s.instances[0].resets, t)
		if away > 0 {
			s.gaps = append(s.gaps, span{t, t + d.during(away/2, away)})
		}
	}
}

func (d *draw) resets() scenario {
	s := d.healthy(0.5, 300)
	d.restarts(&s, span{0, length}, d.during(20*time.Minute, 4*time.Hour), 0)
	return s
}

// resetsInOutage is a process that ends again and again, and is away in between.
func (d *draw) resetsInOutage() scenario {
	s := d.healthy(0.5, 300)
	s.broken(d.fault(40*time.Minute, 3*time.Hour), d.between(0.6, 1), page)
	d.restarts(&s, s.fault, d.during(8*time.Minute, 20*time.Minute), d.during(2*time.Minute, 8*time.Minute))
	return s
}

func (d *draw) holes(s *scenario, within span, every, long time.Duration) {
	for t := within.from + d.during(every/4, every); t < within.to; t += d.during(every/2, every+every/2) {
		s.gaps = append(s.gaps, span{t, t + d.during(long/4, long)})
	}
}

func (d *draw) gapsOnly() scenario {
	s := d.healthy(0.5, 300)
	d.holes(&s, span{history, length}, d.during(time.Hour, 6*time.Hour), 25*time.Minute)
	return s
}

func (d *draw) gapsInOutage() scenario {
	s := d.healthy(0.5, 300)
	s.broken(d.fault(90*time.Minute, 4*time.Hour), d.between(0.6, 1), page)
	d.holes(&s, span{s.fault.from + 20*time.Minute, s.fault.to - 20*time.Minute}, 40*time.Minute, 20*time.Minute)
	return s
}

// nodes makes several nodes serve the function, which come and go.
func (d *draw) nodes(s *scenario) {
	s.instances = nil
	for i := range 2 + d.IntN(3) {
		for t, n := time.Duration(0), 0; t < length; n++ {
			life := d.during(30*time.Minute, 10*time.Hour)
			if t < history {
				life *= 8 // the past is not what this is about
			}
			s.instances = append(s.instances, instance{version: 1, node: fmt.Sprintf("n%d-%d", i, n), alive: span{t, min(t+life, length)}})
			t += life + d.during(0, 3*time.Minute)
		}
	}
}

func (d *draw) churn() scenario {
	s := d.healthy(0.5, 300)
	d.nodes(&s)
	return s
}

func (d *draw) churnOutage() scenario {
	s := d.healthy(0.5, 300)
	d.nodes(&s)
	s.broken(d.fault(40*time.Minute, 3*time.Hour), d.between(0.6, 1), page)
	return s
}

func (s *scenario) silent(at span) {
	rate := s.rate
	s.rate = func(t time.Duration) float64 {
		if at.has(t) {
			return 0
		}
		return rate(t)
	}
}

func (d *draw) stops() scenario {
	s := d.healthy(0.5, 300)
	s.silent(d.fault(time.Hour, 48*time.Hour))
	return s
}

// stopsInOutage is a fault that drives the callers away, and is still there.
func (d *draw) stopsInOutage() scenario {
	s := d.healthy(0.5, 300)
	s.broken(d.fault(2*time.Hour, 6*time.Hour), 1, page)
	s.silent(span{s.fault.from + d.during(12*time.Minute, 40*time.Minute), s.fault.to})
	return s
}
