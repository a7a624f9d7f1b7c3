package dashgen

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// GrafanaOptions is what a dashboard's JSON needs beside its model.
type GrafanaOptions struct {
	// DatasourceUID is what the data source variable starts at; empty leaves the
	// choice to Grafana, which takes its default Prometheus.
	DatasourceUID string
	// Refresh is how often an open dashboard reloads; default "30s".
	Refresh string
	// Compact is for machines: JSON on one line, as the SDK writes it.
	Compact bool
}

// schemaVersion is the newest that the SDK writes; an older Grafana takes it.
const schemaVersion = 42

// ErrRender wraps what a dashboard cannot be rendered for.
var ErrRender = errors.New("dashboard cannot be rendered")

// Grafana renders a dashboard as Grafana's JSON. The same model gives the same
// bytes; its errors wrap ErrRender.
func Grafana(d Dashboard, o GrafanaOptions) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if o.Refresh == "" {
		o.Refresh = "30s"
	}
	out := sdk.Dashboard{
		Uid: &d.UID, Title: &d.Title, Description: &d.Description,
		Tags:          d.Tags,
		Timezone:      ptr("browser"),
		Editable:      ptr(false),
		GraphTooltip:  ptr(sdk.DashboardCursorSyncCrosshair),
		Time:          &sdk.DashboardDashboardTime{From: "now-6h", To: "now"},
		Refresh:       &o.Refresh,
		SchemaVersion: schemaVersion,
		Panels:        panelsOf(d.Rows),
		Templating:    sdk.DashboardDashboardTemplating{List: variablesOf(d.Variables, o)},
		Annotations:   sdk.AnnotationContainer{List: annotationsOf(d.Annotations)},
		Links:         linksOf(d.Links),
	}
	write := readable
	if o.Compact {
		write = json.Marshal
	}
	text, err := write(out)
	if err == nil && len(d.Patches) > 0 {
		text, err = d.patched(text)
	}
	if err != nil {
		return nil, fmt.Errorf("render %s: %w: %w", d.Title, ErrRender, err)
	}
	return text, nil
}

// check finds what Grafana would take and then show wrong: ids are positive and
// given once, and a panel fits its line.
func (d Dashboard) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("render %s: %w: %s", d.Title, ErrRender, fmt.Sprintf(format, args...))
	}
	switch {
	case d.UID == "" || len(d.UID) > maxUID:
		return bad("uid %q must have 1 to %d characters", d.UID, maxUID)
	case d.Title == "":
		return bad("it has no title")
	}
	ids := map[int]bool{}
	for _, row := range d.Rows {
		if row.ID <= 0 || ids[row.ID] {
			return bad("id %d of row %q is not positive or taken", row.ID, row.Title)
		}
		ids[row.ID] = true
		for _, p := range row.Panels {
			switch {
			case p.ID <= 0 || ids[p.ID]:
				return bad("id %d of panel %q is not positive or taken", p.ID, p.Title)
			case p.Width <= 0 || p.Width > Columns || p.Height <= 0:
				return bad("panel %q does not fit: %d by %d", p.Title, p.Width, p.Height)
			case len(p.Queries) == 0:
				return bad("panel %q has no query", p.Title)
			}
			ids[p.ID] = true
		}
	}
	return nil
}

func source() *common.DataSourceRef {
	return &common.DataSourceRef{Type: ptr("prometheus"), Uid: ptr("${datasource}")}
}

// panelsOf lays rows out: a row's head is one line, its panels follow in lines
// filled from the left.
func panelsOf(rows []Row) []sdk.PanelOrRowPanel {
	var out []sdk.PanelOrRowPanel
	y := 0
	for _, row := range rows {
		out = append(out, sdk.PanelOrRowPanel{RowPanel: &sdk.RowPanel{
			Type: "row", Title: &row.Title, Id: uint32(row.ID),
			GridPos: grid(0, y, Columns, 1),
			Panels:  []sdk.Panel{},
		}})
		y++
		x, tallest := 0, 0
		for _, p := range row.Panels {
			if x+p.Width > Columns {
				x, y, tallest = 0, y+tallest, 0
			}
			panel := panelOf(p)
			panel.GridPos = grid(x, y, p.Width, p.Height)
			out = append(out, sdk.PanelOrRowPanel{Panel: &panel})
			x, tallest = x+p.Width, max(tallest, p.Height)
		}
		y += tallest
	}
	return out
}

func grid(x, y, w, h int) *sdk.GridPos {
	return &sdk.GridPos{X: uint32(x), Y: uint32(y), W: uint32(w), H: uint32(h)}
}

func targetsOf(queries []Query) []variants.Dataquery {
	out := make([]variants.Dataquery, len(queries))
	for i, q := range queries {
		target := prometheus.Dataquery{
			Datasource:   source(),
			EditorMode:   ptr(prometheus.QueryEditorModeCode),
			Expr:         q.Expr,
			Format:       ptr(prometheus.PromQueryFormatTimeSeries),
			LegendFormat: &q.Legend,
			RefId:        &q.RefID,
			Range:        ptr(!q.Instant),
		}
		if q.Instant {
			target.Instant = ptr(true)
		}
		switch {
		case q.Heatmap:
			target.Format = ptr(prometheus.PromQueryFormatHeatmap)
		case q.Table:
			target.Format = ptr(prometheus.PromQueryFormatTable)
		}
		if q.Exemplar {
			target.Exemplar = ptr(true)
		}
		out[i] = target
	}
	return out
}

func variablesOf(variables []Variable, o GrafanaOptions) []sdk.VariableModel {
	option := func(text, value string) sdk.VariableOption {
		return sdk.VariableOption{
			Selected: ptr(true),
			Text:     sdk.StringOrArrayOfString{String: &text},
			Value:    sdk.StringOrArrayOfString{String: &value},
		}
	}
	var out []sdk.VariableModel
	for _, v := range variables {
		m := sdk.VariableModel{Name: v.Name, Label: &v.Label, Query: &sdk.StringOrMap{String: &v.Query}}
		if v.Tooltip != "" {
			m.Description = &v.Tooltip
		}
		switch v.Kind {
		case DatasourceVariable:
			m.Type = sdk.VariableTypeDatasource
			if o.DatasourceUID != "" {
				m.Current = ptr(option(o.DatasourceUID, o.DatasourceUID))
			}
		case QueryVariable:
			m.Type = sdk.VariableTypeQuery
			m.Datasource = source()
			m.Definition = &v.Query
			m.Refresh = ptr(sdk.VariableRefreshOnTimeRangeChanged)
			m.Sort = ptr(sdk.VariableSortNumericalDesc)
		case CustomVariable:
			m.Type = sdk.VariableTypeCustom
			for _, value := range v.Options {
				choice := option(value, value)
				choice.Selected = ptr(value == v.Default)
				m.Options = append(m.Options, choice)
			}
			m.Current = ptr(option(v.Default, v.Default))
		}
		if v.Multi {
			m.Multi, m.IncludeAll, m.AllValue = ptr(true), ptr(true), ptr(".+")
			m.Current = &sdk.VariableOption{
				Selected: ptr(true),
				Text:     sdk.StringOrArrayOfString{ArrayOfString: []string{"All"}},
				Value:    sdk.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
			}
		}
		out = append(out, m)
	}
	return out
}

func annotationsOf(annotations []Annotation) []sdk.AnnotationQuery {
	var out []sdk.AnnotationQuery
	for _, a := range annotations {
		out = append(out, sdk.AnnotationQuery{
			Name: a.Name, Datasource: source(), Enable: true, IconColor: colour(a.Level),
			Expr: &a.Expr, TitleFormat: &a.Title, TextFormat: &a.Text,
			Target: prometheus.Dataquery{
				Datasource: source(), Expr: a.Expr, RefId: ptr("Anno"), Range: ptr(true),
				EditorMode: ptr(prometheus.QueryEditorModeCode),
			},
		})
	}
	return out
}

func linksOf(links []Link) []sdk.DashboardLink {
	var out []sdk.DashboardLink
	for _, l := range links {
		out = append(out, linkOf(l))
	}
	return out
}

func linkOf(l Link) sdk.DashboardLink {
	if len(l.Tags) > 0 {
		return sdk.DashboardLink{
			Title: l.Title, Type: sdk.DashboardLinkTypeDashboards, Icon: "apps", Tooltip: l.Tooltip,
			Tags: l.Tags, AsDropdown: true, KeepTime: true,
		}
	}
	return sdk.DashboardLink{
		Title: l.Title, Type: sdk.DashboardLinkTypeLink, Icon: "external link",
		Tooltip: l.Tooltip, Url: &l.URL, Tags: []string{}, TargetBlank: true,
	}
}
