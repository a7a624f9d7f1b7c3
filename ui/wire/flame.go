package wire

// Flame is where a function's JavaScript spent its time, as a tree of calls.
type Flame struct {
	Seconds float64   `json:"seconds"` // that were watched
	Samples int64     `json:"samples"`
	Pruned  bool      `json:"pruned"` // calls with a very small share are left out
	Root    FlameNode `json:"root"`   // all of it; it has no name
}

// FlameNode is one function as it was called along one path.
type FlameNode struct {
	Name     string      `json:"name"`
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"` // where the function begins
	Self     float64     `json:"self"`           // seconds in it alone
	Total    float64     `json:"total"`          // with what it called
	Children []FlameNode `json:"children"`       // the longest first
}
