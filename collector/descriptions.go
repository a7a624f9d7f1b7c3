package collector

import (
	"strings"

	"hadron/runtime/invocation"
)

// Description is what is said of a series under its name.
type Description struct {
	Type string // counter, gauge or histogram
	Help string
	Unit string // seconds, or empty
}

// OwnDescriptions says what is known of the series that functions count themselves:
// their kinds. Of two kinds of one name, one is told.
func (c *Collector) OwnDescriptions() map[string]Description {
	out := map[string]Description{}
	for _, t := range c.functions() {
		t.mu.Lock()
		for _, h := range *t.handles.Load() {
			for name, k := range h.own.kinds {
				out[name] = Description{Type: ownTypes[k], Help: ownHelp}
			}
		}
		t.mu.Unlock()
	}
	return out
}

// ownHelp is all that is said of any of them.
const ownHelp = "A metric that functions count themselves."

var ownTypes = map[invocation.MeasureKind]string{
	invocation.MeasureCounter: "counter", invocation.MeasureGauge: "gauge", invocation.MeasureHistogram: "histogram",
}

// Descriptions says what each series of functions means, by name.
func Descriptions() map[string]Description {
	types := map[kind]string{counter: "counter", gauge: "gauge", histo: "histogram"}
	out := make(map[string]Description, len(families))
	for name, f := range families {
		d := Description{Type: types[f.kind], Help: f.help}
		if strings.Contains(name, "_seconds") {
			d.Unit = "seconds"
		}
		out[name] = d
	}
	return out
}
