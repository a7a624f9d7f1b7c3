package dashgen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hadron/collector/metric"
	"hadron/runtime/function"
)

// ErrExtension is wrapped by every refusal of an operator's extension.
var ErrExtension = errors.New("extension is wrong")

// Extension is what operators add to the dashboards of functions, without a line of
// Go: rows and panels, and a patch of Grafana's JSON.
type Extension struct {
	Name string `yaml:"-"` // of its file, for errors

	// Whose dashboards it is for; an empty one is for all.
	Team     string `yaml:"team"`
	Project  string `yaml:"project"`
	Function string `yaml:"function"`

	Rows []ExtraRow `yaml:"rows"`
	// Patch is merged into Grafana's JSON (RFC 7396), Panels into that of single
	// panels, by id. What makes a dashboard Hadron's own cannot be patched.
	Patch  map[string]any         `yaml:"patch"`
	Panels map[int]map[string]any `yaml:"panels"`
}

// ExtraRow is a row that is added, or panels for one that is there.
type ExtraRow struct {
	Title  string       `yaml:"title"`
	Into   int          `yaml:"into"` // id of the row that gets the panels; 0: a new one
	Panels []ExtraPanel `yaml:"panels"`
}

// ExtraPanel is a panel that is added.
type ExtraPanel struct {
	Title       string           `yaml:"title"`
	Description string           `yaml:"description"`
	Kind        Kind             `yaml:"kind"` // stat, timeseries, heatmap or bars; default timeseries
	Unit        Unit             `yaml:"unit"` // default short
	Width       int              `yaml:"width"`
	Height      int              `yaml:"height"`
	Stacked     bool             `yaml:"stacked"`
	Queries     []ExtraQuery     `yaml:"queries"`
	Thresholds  []ExtraThreshold `yaml:"thresholds"`
}

// ExtraQuery is one expression, in which $selector stands for the matchers of the
// function: team="…",project="…",function="…".
type ExtraQuery struct {
	Expr   string `yaml:"expr"`
	Legend string `yaml:"legend"`
}

// ExtraThreshold is a value above which the panel changes colour.
type ExtraThreshold struct {
	Value float64 `yaml:"value"`
	Level Level   `yaml:"level"` // good, warn or bad
	Label string  `yaml:"label"`
}

// Bounds of an extension.
const (
	mostExtension   = 256 << 10 // bytes of one file
	mostExtraPanels = 40        // of one extension
	mostExtraRows   = 10
)

// selectorVar stands for a function's matchers in an operator's expressions.
const selectorVar = "$selector"

// ParseExtension reads an extension's YAML. check says whether a text is PromQL; nil
// asks nobody. Its errors wrap ErrExtension and say where and what.
func ParseExtension(name string, text []byte, check func(expr string) error) (Extension, error) {
	bad := func(format string, args ...any) (Extension, error) {
		return Extension{}, fmt.Errorf("%s: %w: %s", name, ErrExtension, fmt.Sprintf(format, args...))
	}
	if len(text) > mostExtension {
		return bad("it is longer than %d bytes", mostExtension)
	}
	e := Extension{Name: name}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&e); err != nil && !errors.Is(err, io.EOF) {
		return bad("%v", err)
	}
	e.Name = name
	if len(e.Rows) > mostExtraRows {
		return bad("at most %d rows", mostExtraRows)
	}
	panels := 0
	for _, row := range e.Rows {
		if row.Title == "" && row.Into == 0 {
			return bad("a row needs a title, or the id of the row that it adds to in into")
		}
		for _, p := range row.Panels {
			if panels++; panels > mostExtraPanels {
				return bad("at most %d panels", mostExtraPanels)
			}
			if err := p.check(check); err != nil {
				return bad("panel %q: %v", p.Title, err)
			}
		}
	}
	for _, key := range ownKeys {
		if _, patched := e.Patch[key]; patched {
			return bad("patch: %s is Hadron's own", key)
		}
	}
	for id, patch := range e.Panels {
		for _, key := range []string{"id", "gridPos", "type"} {
			if _, patched := patch[key]; patched {
				return bad("panels: %s of panel %d cannot be patched; add a panel of your own", key, id)
			}
		}
	}
	for _, v := range []any{e.Patch, e.Panels} {
		if _, err := json.Marshal(v); err != nil {
			return bad("a patch must be what JSON can say: %v", err)
		}
	}
	return e, nil
}

// ownKeys of a dashboard are what Hadron finds and tells its dashboards by, and what
// has a form of its own here.
var ownKeys = []string{"uid", "id", "version", "tags", "title", "panels", "schemaVersion"}

func (p *ExtraPanel) check(expr func(string) error) error {
	switch {
	case p.Title == "":
		return errors.New("it needs a title")
	case p.Description == "":
		return errors.New("it needs a description that says what to do when it looks bad")
	case !slices.Contains([]Kind{"", Stat, Timeseries, Heatmap, Bars}, p.Kind):
		return fmt.Errorf("there is no kind %q: stat, timeseries, heatmap or bars", p.Kind)
	case !slices.Contains([]Unit{"", PerSecond, Ratio, Seconds, Count, Bytes, Events, Burn}, p.Unit):
		return fmt.Errorf("there is no unit %q: reqps, percentunit, s, short, bytes, cps or x", p.Unit)
	case p.Width < 0 || p.Width > Columns:
		return fmt.Errorf("width is 1 to %d", Columns)
	case p.Height < 0 || p.Height > 40:
		return errors.New("height is 1 to 40")
	case len(p.Queries) == 0 || len(p.Queries) > 26:
		return errors.New("it needs 1 to 26 queries")
	}
	for _, q := range p.Queries {
		if q.Expr == "" {
			return errors.New("a query needs an expr")
		}
		if expr == nil {
			continue
		}
		filled := Query{Expr: q.Expr}.At(map[string]string{
			"__rate_interval": "1m", "version": ".+", "window": "1m", "selector": `team="t",project="p",function="f"`,
		})
		if err := expr(filled); err != nil {
			return fmt.Errorf("expr: %w", err)
		}
	}
	for _, t := range p.Thresholds {
		if math.IsNaN(t.Value) || math.IsInf(t.Value, 0) {
			return errors.New("a threshold's value must be a number")
		}
		if !slices.Contains([]Level{Good, Warn, Bad}, t.Level) {
			return fmt.Errorf("there is no level %q: good, warn or bad", t.Level)
		}
	}
	return nil
}

// Extensions are those of an installation, in the order in which they apply.
type Extensions struct {
	list   []Extension
	digest string
}

// NewExtensions puts extensions together; they apply in the order of their names.
func NewExtensions(list []Extension) Extensions {
	list = slices.SortedFunc(slices.Values(list), func(a, b Extension) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.Marshal(list)
	if err != nil {
		text = []byte(err.Error()) // parsing refuses what JSON cannot say
	}
	out := Extensions{list: list}
	if len(list) > 0 {
		out.digest = digest(string(text))
	}
	return out
}

// Digest tells one set of extensions from another; empty without any.
func (e Extensions) Digest() string { return e.digest }

func (e Extension) applies(name function.Name) bool {
	return (e.Team == "" || e.Team == name.Team()) && (e.Project == "" || e.Project == name.Project()) &&
		(e.Function == "" || e.Function == name.Base())
}

// extend adds what operators want on a function's dashboard.
func (d *Dashboard) extend(b board, extensions Extensions) {
	ids := map[int]bool{}
	for _, row := range d.Rows {
		ids[row.ID] = true
		for _, p := range row.Panels {
			ids[p.ID] = true
		}
	}
	for _, e := range extensions.list {
		if !e.applies(d.Function) {
			continue
		}
		for _, extra := range e.Rows {
			panels := make([]Panel, len(extra.Panels))
			for i, p := range extra.Panels {
				panels[i] = p.panel(b, ownID(e.Name+"\x00"+extra.Title+"\x00"+p.Title, ids))
			}
			at := slices.IndexFunc(d.Rows, func(r Row) bool { return r.ID == extra.Into })
			if at < 0 { // also where the row is not on this dashboard: what it has is shown all the same
				d.Rows = append(d.Rows, Row{ID: ownID(e.Name+"\x00"+extra.Title, ids), Title: extra.Title})
				at = len(d.Rows) - 1
			}
			d.Rows[at].Panels = append(d.Rows[at].Panels, panels...)
		}
		if len(e.Patch) > 0 || len(e.Panels) > 0 {
			d.Patches = append(d.Patches, Patch{By: e.Name, Dashboard: e.Patch, Panels: e.Panels})
		}
	}
}

func (p *ExtraPanel) panel(b board, id int) Panel {
	out := Panel{
		ID: id, Title: p.Title, Description: p.Description, Kind: p.Kind, Unit: p.Unit, Stacked: p.Stacked,
		Width: p.Width, Height: p.Height,
	}
	if out.Kind == "" {
		out.Kind = Timeseries
	}
	if out.Unit == "" {
		out.Unit = Count
	}
	if out.Width == 0 {
		out.Width = 8
	}
	if out.Height == 0 {
		out.Height = 8
	}
	for _, q := range p.Queries {
		query := Query{Expr: strings.ReplaceAll(q.Expr, selectorVar, b.selector), Legend: q.Legend}
		if query.Legend == "" {
			query.Legend = everyLabel
		}
		query.Instant, query.Heatmap = out.Kind == Stat || out.Kind == Bars, out.Kind == Heatmap
		out.Queries = append(out.Queries, query)
	}
	for _, t := range p.Thresholds {
		out.Thresholds = append(out.Thresholds, Threshold(t))
	}
	slices.SortStableFunc(out.Thresholds, func(a, b Threshold) int {
		switch {
		case a.Value < b.Value:
			return -1
		case a.Value > b.Value:
			return 1
		}
		return 0
	})
	return out
}

// Patch is what an operator merges into Grafana's JSON of a dashboard.
type Patch struct {
	By        string // of whose extension, for errors
	Dashboard map[string]any
	Panels    map[int]map[string]any
}

// patched merges patches into a dashboard's JSON, in their order.
func (d Dashboard) patched(text []byte) ([]byte, error) {
	var model map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&model); err != nil {
		return nil, err
	}
	panels := map[string]map[string]any{}
	list, _ := model["panels"].([]any)
	for _, p := range list {
		if panel, ok := p.(map[string]any); ok {
			panels[fmt.Sprint(panel["id"])] = panel
		}
	}
	for _, patch := range d.Patches {
		if err := mergeYAML(model, patch.Dashboard); err != nil {
			return nil, fmt.Errorf("%s: %w", patch.By, err)
		}
		for id, changes := range patch.Panels {
			// A panel that this dashboard lacks is another function's: nothing to patch.
			if panel := panels[strconv.Itoa(id)]; panel != nil {
				if err := mergeYAML(panel, changes); err != nil {
					return nil, fmt.Errorf("%s: panel %d: %w", patch.By, id, err)
				}
			}
		}
	}
	return readable(model)
}

// mergeYAML merges what YAML read into what JSON read: the patch takes JSON's types.
func mergeYAML(into, patch map[string]any) error {
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	var plain map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&plain); err != nil {
		return err
	}
	merge(into, plain)
	return nil
}

// merge is RFC 7396's: null removes, objects merge, all else replaces.
func merge(into, patch map[string]any) {
	for key, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case isObject:
			have, ok := into[key].(map[string]any)
			if !ok {
				have = map[string]any{}
			}
			merge(have, inner)
			into[key] = have
		default:
			into[key] = value
		}
	}
}

// matchers of a function, as expressions have them.
func matchers(name function.Name) string {
	return fmt.Sprintf(`%s=%q,%s=%q,%s=%q`, metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base())
}
