package contract

import (
	"cmp"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"

	"hadron/collector/metric"
)

// MaxCulprits is the most metrics of a team that are told apart once its budget is
// spent; those past it count under Other.
const MaxCulprits = 100

// Culprits tells which metrics of one team went past its budget or a function's, and
// which of their labels has the most values. It is not safe for concurrent use.
type Culprits struct {
	by   map[suspect]*culprit
	seed maphash.Seed
}

// suspect is a metric, and the function whose budget it went past, if it was one's.
type suspect struct{ metric, project, function string }

type culprit struct {
	series uint64
	labels map[string]*distinct
}

// Culprit is one metric past the budget.
type Culprit struct {
	Metric string
	Past   Owner  // whose budget it went past
	Series uint64 // that were folded or lost since the start
	Label  string // of them, the one with the most values
	Values int    // it had, about; MostValues stands for as many or more
}

// NewCulprits makes an empty one.
func NewCulprits() *Culprits {
	return &Culprits{by: map[suspect]*culprit{}, seed: maphash.MakeSeed()}
}

// Add counts a series that was folded or lost, and whose budget was spent.
func (c *Culprits) Add(series metric.Labels, past Owner) {
	name := suspect{series.Get(metric.Name), past.Project, past.Function}
	found := c.by[name]
	if found == nil {
		if len(c.by) >= MaxCulprits {
			name = suspect{metric: Other}
			found = c.by[name]
		}
		if found == nil {
			found = &culprit{labels: map[string]*distinct{}}
			c.by[name] = found
		}
	}
	found.series++
	for _, l := range series {
		if l.Name == metric.Name || l.Name == metric.Team {
			continue
		}
		d := found.labels[l.Name]
		if d == nil {
			if len(found.labels) >= 64 {
				continue
			}
			d = &distinct{}
			found.labels[l.Name] = d
		}
		d.add(maphash.String(c.seed, l.Value))
	}
}

// List returns them, those with the most series first; the owners are of this team.
func (c *Culprits) List(team string) []Culprit {
	out := make([]Culprit, 0, len(c.by))
	for name, found := range c.by {
		one := Culprit{Metric: name.metric, Past: Owner{team, name.project, name.function}, Series: found.series}
		for label, d := range found.labels {
			if n := d.count(); n > one.Values || n == one.Values && label < one.Label {
				one.Label, one.Values = label, n
			}
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Culprit) int {
		return cmp.Or(cmp.Compare(b.Series, a.Series), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Past.Function, b.Past.Function), cmp.Compare(a.Past.Project, b.Past.Project))
	})
	return out
}

// distinct counts different values, about: by the bits of 512 that they leave unset
// (linear counting). It takes 64 bytes whatever is sent.
type distinct [8]uint64

// MostValues is the highest count that distinct tells: with all bits set, more.
const MostValues = 3000

func (d *distinct) add(hash uint64) {
	bit := hash & 511
	d[bit>>6] |= 1 << (bit & 63)
}

func (d *distinct) count() int {
	set := 0
	for _, word := range d {
		set += bits.OnesCount64(word)
	}
	if set == 512 {
		return MostValues
	}
	return int(math.Round(-512 * math.Log(1-float64(set)/512)))
}
