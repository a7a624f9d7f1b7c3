// Package dashgen draws dashboards: of a function from what is known of it, of a
// project, a team and the installation from their names. What it draws is one typed
// model, which the built-in UI, Grafana and Perses all render. It is pure: the same
// function gives the same bytes.
package dashgen

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"hadron/runtime/function"
)

// Dashboard is one dashboard.
type Dashboard struct {
	UID         string
	Title       string
	Description string
	Tags        []string
	Function    function.Name // empty unless it is a function's
	Folder      Folder
	Rows        []Row
	Variables   []Variable
	Links       []Link
	Annotations []Annotation
	Patches     []Patch // of Grafana's JSON, by operators
}

// Folder is where a dashboard lies: of the whole installation, of a team, or of a
// project ("team/project").
type Folder string

// FolderOf is the folder of a function's dashboard: its project's.
func FolderOf(name function.Name) Folder { return Folder(name.Team() + "/" + name.Project()) }

// Team is the team whose folder it is; empty for the installation's.
func (f Folder) Team() string {
	team, _, _ := strings.Cut(string(f), "/")
	return team
}

// Row is a titled group of panels; its panels fill lines of Columns from the left.
// ID is stable and no panel's.
type Row struct {
	ID     int
	Title  string
	Panels []Panel
}

// Columns is the width of a line of panels, as in Grafana.
const Columns = 24

// Kind is how a panel draws.
type Kind string

// The kinds.
const (
	Stat       Kind = "stat"
	Timeseries Kind = "timeseries"
	Heatmap    Kind = "heatmap"
	Table      Kind = "table"
	Bars       Kind = "bars" // one bar for each answer of an instant query, longest first
)

// Unit of a panel's values, in Grafana's ids.
type Unit string

// The units.
const (
	PerSecond Unit = "reqps"
	Ratio     Unit = "percentunit"
	Seconds   Unit = "s"
	Count     Unit = "short"
	Bytes     Unit = "bytes"
	Events    Unit = "cps" // of whatever is counted, a second
	Burn      Unit = "x"   // times the sustainable rate
)

// Panel is one chart. ID is stable: it names what the panel shows, so links to
// it outlive changes around it.
type Panel struct {
	ID          int
	Title       string
	Description string // what to do when it looks bad
	Kind        Kind
	Unit        Unit
	Queries     []Query
	Thresholds  []Threshold // by rising value
	Base        Level       // below the first threshold; empty is Good where there is one
	Words       []Word      // what values are called, of a panel whose values are states
	Columns     []Column    // of a table, from the left
	Links       []Link      // from the panel to what explains it
	Min, Max    *float64
	Decimals    *int
	Stacked     bool
	Width       int // of Columns
	Height      int // lines
}

// Word is what a value is called.
type Word struct {
	Value float64
	Text  string
	Level Level
}

// Column is one of a table. Rows of a panel's queries with the same labels are one
// row; a column shows one of those labels, or the value of one query.
type Column struct {
	Label string // the label that it shows; empty: a value
	Query int    // whose value it shows: its place among the panel's queries
	Title string
	Unit  Unit // of a value
	// Thresholds and Base colour its values as a panel's do.
	Thresholds []Threshold
	Base       Level
	// URL leads from a cell elsewhere; {{label}} stands for a label of the row.
	URL string
}

// Query is one PromQL expression with Grafana's variables in it.
type Query struct {
	RefID    string
	Expr     string
	Legend   string // Grafana's {{label}} notation
	Instant  bool   // its value now is what matters
	Table    bool   // its answer is rows of labels and a value
	Heatmap  bool   // the answer is a native histogram
	Exemplar bool
}

// Threshold is a value that people agreed on; the panel changes colour above it.
type Threshold struct {
	Value float64
	Level Level
	Label string
}

// Level is the colour of a threshold, by meaning.
type Level string

// The levels.
const (
	Good Level = "good"
	Warn Level = "warn"
	Bad  Level = "bad"
)

// Variable is a choice at the head of a dashboard.
type Variable struct {
	Name    string
	Label   string
	Kind    VariableKind
	Query   string   // PromQL-like of a query variable, plugin of a data source variable
	Tooltip string   // what it chooses
	Options []string // of a custom variable
	Default string   // of a custom variable
	Multi   bool
}

// VariableKind is where a variable's values come from.
type VariableKind string

// The kinds of variables.
const (
	DatasourceVariable VariableKind = "datasource"
	QueryVariable      VariableKind = "query"
	CustomVariable     VariableKind = "custom"
)

// Link leads to another place about the same thing.
type Link struct {
	Title   string
	URL     string
	Tooltip string
	Grafana bool     // it means something in Grafana only
	Tags    []string // it lists Grafana's dashboards with all these tags; URL is empty
}

// Annotation marks moments on every chart.
type Annotation struct {
	Name  string
	Expr  string
	Title string
	Text  string
	Level Level
}

// Grafana's bounds: a longer uid is not loaded, a longer title or tag does not
// fit its database.
const (
	maxUID   = 40
	maxTitle = 189
	maxTag   = 50
)

// UIDPrefix begins the uid of every dashboard that any Hadron generates.
const UIDPrefix = "hdn-"

// UID names a function's dashboard in one installation: UIDPrefix and 32 hex digits
// of SHA-256. It depends on the names only, so a dashboard keeps its address.
func UID(installation string, name function.Name) string {
	return (UIDPrefix + digest(installation+"\x00"+string(name)))[:min(maxUID, len(UIDPrefix)+32)]
}

// Marker is the tag that says which installation a dashboard belongs to. With the
// uid it is what makes a dashboard Hadron's own to change and to delete.
func Marker(installation string) string { return fit("hadron:"+installation, maxTag) }

// fit shortens a text to most bytes, so that different texts stay different.
func fit(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const kept = 12
	return strings.ToValidUTF8(text[:most-kept-1], "") + "~" + digest(text)[:kept]
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Variables of Grafana that expressions use.
const (
	rateInterval = "$__rate_interval"
	versionVar   = "$version"
	windowVar    = "$window"
)

// DefaultWindow is what the variable window is at first: how far back tables and
// single numbers look.
const DefaultWindow = "15m"

// At returns the expression with its variables replaced, for whoever is not
// Grafana. Names are given without the $; longer names are replaced first.
func (q Query) At(values map[string]string) string {
	names := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	expr := q.Expr
	for _, name := range names {
		expr = strings.ReplaceAll(expr, "$"+name, values[name])
	}
	return expr
}
