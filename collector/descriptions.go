package collector

import "strings"

// Description is what is said of a series under its name.
type Description struct {
	Type string // counter, gauge or histogram
	Help string
	Unit string // seconds, or empty
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
