// Package contract decides what of other people's metrics comes into the store,
// and under which labels: what a series may look like, whose it is, and how many
// series each team may have. It is pure, and every door asks it: remote write,
// OTLP and the scraper. docs/metrics.md tells senders the same in words.
package contract

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"hadron/collector/metric"
)

// Contract bounds what one series may look like. Lengths are bytes.
type Contract struct {
	Labels    int // of one series, its name among them
	Name      int // of the metric's name
	LabelName int // of a label's name
	Value     int // of a label's value
	Bytes     int // of all names and values of a series
}

// Default is the contract where the operator sets no other.
var Default = Contract{Labels: 40, Name: 200, LabelName: 128, Value: 1024, Bytes: 8192}

// Refusal says why a series was not taken. Its text fits a line whatever was sent.
type Refusal struct {
	Label string // at fault; __name__ for the metric's name, empty for the series as a whole
	Why   string // says the bound or the rule
}

func (r *Refusal) Error() string {
	if r.Label == "" {
		return r.Why
	}
	return "label " + quoted(r.Label) + " " + r.Why
}

// quoted shortens what somebody sent to something that fits a line.
func quoted(text string) string {
	const most = 64
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		return fmt.Sprintf("%q…", text[:cut])
	}
	return fmt.Sprintf("%q", text)
}

func refuse(label, why string, args ...any) *Refusal {
	return &Refusal{Label: label, Why: fmt.Sprintf(why, args...)}
}

// Check returns why the series is not taken, nil where it is. The labels are
// sorted, as metric.Labels are.
func (c Contract) Check(series metric.Labels) *Refusal {
	if len(series) > c.Labels {
		return refuse("", "the series has %d labels, at most %d are taken", len(series), c.Labels)
	}
	bytes, named := 0, false
	for i, l := range series {
		bytes += len(l.Name) + len(l.Value)
		if i > 0 && series[i-1].Name == l.Name {
			return refuse(l.Name, "is given twice")
		}
		if l.Name == metric.Name {
			named = true
			if r := c.checkName(l.Value); r != nil {
				return r
			}
			continue
		}
		if r := c.checkLabel(l); r != nil {
			return r
		}
	}
	if !named {
		return refuse(metric.Name, "is missing: a series needs a metric's name")
	}
	if bytes > c.Bytes {
		return refuse("", "names and values of the series have %d bytes, at most %d are taken", bytes, c.Bytes)
	}
	return nil
}

func (c Contract) checkName(name string) *Refusal {
	switch {
	case len(name) > c.Name:
		return refuse(metric.Name, "%s has %d bytes, at most %d are taken", quoted(name), len(name), c.Name)
	case !printable(name):
		return refuse(metric.Name, "%s must be UTF-8 without control characters", quoted(name))
	}
	return nil
}

func (c Contract) checkLabel(l metric.Label) *Refusal {
	switch {
	case l.Name == "":
		return refuse("", "a label of the series has no name")
	case len(l.Name) > c.LabelName:
		return refuse(l.Name, "has a name of %d bytes, at most %d are taken", len(l.Name), c.LabelName)
	case !printable(l.Name):
		return refuse(l.Name, "has a name that is not UTF-8 without control characters")
	case strings.HasPrefix(l.Name, "__"):
		return refuse(l.Name, "begins with two underscores, which are for Prometheus itself")
	case len(l.Value) > c.Value:
		return refuse(l.Name, "has a value of %d bytes, at most %d are taken", len(l.Value), c.Value)
	case !utf8.ValidString(l.Value):
		return refuse(l.Name, "has a value that is not UTF-8")
	}
	return nil
}

func printable(text string) bool {
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return utf8.ValidString(text)
}

// Validate reports a bound that cannot be, as a sentence.
func (c Contract) Validate() error {
	if min(c.Labels, c.Name, c.LabelName, c.Value) < 1 || c.Bytes < c.Name {
		return fmt.Errorf("bounds on labels are at least 1, and those on a series' bytes at least those on its name")
	}
	// Prometheus's labels panic at a string of 16 MiB.
	if max(c.Name, c.LabelName, c.Value, c.Bytes) > 1<<20 {
		return fmt.Errorf("bounds on labels are at most 1 MiB")
	}
	return nil
}
