package wire

import (
	"encoding/json"
	"time"
)

// DashboardModel is a dashboard as the built-in UI draws it: the same model that
// Grafana gets. Expressions hold the variables $__rate_interval, $version, $instance
// and $window, which whoever asks the Prometheus API replaces.
type DashboardModel struct {
	UID         string                `json:"uid"`
	Title       string                `json:"title"`
	Description string                `json:"description,omitempty"`
	Interval    float64               `json:"interval"` // seconds between samples; $__rate_interval is at least four
	Window      string                `json:"window"`   // what $window is at first
	Rows        []DashboardRow        `json:"rows"`
	Links       []DashboardLink       `json:"links"`
	Annotations []DashboardAnnotation `json:"annotations,omitempty"`
}

// DashboardRow is a titled group of panels, which fill lines from the left.
type DashboardRow struct {
	ID     int              `json:"id"`
	Title  string           `json:"title"`
	Panels []DashboardPanel `json:"panels"`
}

// DashboardPanel is one chart. Its id is stable.
type DashboardPanel struct {
	ID          int                  `json:"id"`
	Title       string               `json:"title"`
	Description string               `json:"description"` // what to do when it looks bad
	Kind        string               `json:"kind"`        // stat, timeseries, heatmap, table or bars
	Unit        string               `json:"unit"`        // reqps, percentunit, s, short, bytes, cps or x
	Queries     []DashboardQuery     `json:"queries"`
	Thresholds  []DashboardThreshold `json:"thresholds"`        // by rising value
	Base        string               `json:"base,omitempty"`    // level below the first threshold
	Words       []DashboardWord      `json:"words,omitempty"`   // of a panel whose values are states
	Columns     []DashboardColumn    `json:"columns,omitempty"` // of a table
	Min         *float64             `json:"min,omitempty"`
	Max         *float64             `json:"max,omitempty"`
	Decimals    *int                 `json:"decimals,omitempty"`
	Stacked     bool                 `json:"stacked,omitempty"`
	Width       int                  `json:"width"`  // of 24 columns
	Height      int                  `json:"height"` // lines
}

// DashboardWord is what a value is called.
type DashboardWord struct {
	Value float64 `json:"value"`
	Text  string  `json:"text"`
	Level string  `json:"level,omitempty"` // good, warn or bad
}

// DashboardColumn is one of a table: a label of its rows, or the value of a query.
// Answers with the same labels are one row.
type DashboardColumn struct {
	Title      string               `json:"title"`
	Label      string               `json:"label,omitempty"` // empty: a value
	Query      int                  `json:"query"`           // whose value: its place among the panel's queries
	Unit       string               `json:"unit,omitempty"`
	Thresholds []DashboardThreshold `json:"thresholds"`
	Base       string               `json:"base,omitempty"`
	URL        string               `json:"url,omitempty"` // where a cell leads; {{label}} stands for a label of the row
}

// DashboardQuery is one PromQL expression.
type DashboardQuery struct {
	RefID   string `json:"refId"`
	Expr    string `json:"expr"`
	Legend  string `json:"legend"`            // {{label}} stands for a label's value
	Instant bool   `json:"instant,omitempty"` // its value now is what matters
	Heatmap bool   `json:"heatmap,omitempty"` // the answer is a native histogram
}

// DashboardThreshold is a value that people agreed on.
type DashboardThreshold struct {
	Value float64 `json:"value"`
	Level string  `json:"level"` // good, warn or bad
	Label string  `json:"label,omitempty"`
}

// DashboardLink leads to another place about the same function.
type DashboardLink struct {
	Title   string `json:"title"`
	URL     string `json:"url"`
	Tooltip string `json:"tooltip"`
}

// DashboardAnnotation marks moments on every chart.
type DashboardAnnotation struct {
	Name  string `json:"name"`
	Expr  string `json:"expr"`
	Title string `json:"title"`
	Text  string `json:"text"`
	Level string `json:"level"`
}

// Dashboards is how far all generated dashboards are, where they are kept.
type Dashboards struct {
	Target       string     `json:"target"` // grafana or files
	Installation string     `json:"installation"`
	Interval     float64    `json:"interval"` // seconds between samples, which they are drawn for
	Policy       string     `json:"policy"`   // for changes by hand: overwrite, keep or fork
	Total        int        `json:"total"`
	Ready        int        `json:"ready"`
	Pending      int        `json:"pending"`
	Failed       int        `json:"failed"`
	Drifted      int        `json:"drifted"` // changed by hand, whatever came of it
	Held         int        `json:"held"`    // deletions that wait to be confirmed
	Running      bool       `json:"running"` // more is to be done at once
	LastPass     *time.Time `json:"lastPass,omitempty"`
	Error        string     `json:"error,omitempty"`    // of the last pass
	Problems     []string   `json:"problems,omitempty"` // extensions that cannot be used, and why
	// Items are those that failed or were changed by hand, and overviews; at most 500.
	Items []DashboardState `json:"items"`
}

// DashboardState is one dashboard as it stands.
type DashboardState struct {
	Function string          `json:"function,omitempty"` // empty of an overview
	Title    string          `json:"title"`
	UID      string          `json:"uid"`
	URL      string          `json:"url"`
	State    State           `json:"state"`
	Error    string          `json:"error,omitempty"`
	Drift    *DashboardDrift `json:"drift,omitempty"`
}

// DashboardDrift is the last change of a dashboard by hand, and what became of it.
type DashboardDrift struct {
	At      time.Time `json:"at"`      // when it was found
	Version int64     `json:"version"` // of Grafana's history, which has the change
	Policy  string    `json:"policy"`  // overwrite, keep or fork
	By      string    `json:"by,omitempty"`
	CopyURL string    `json:"copyUrl,omitempty"` // of the copy that a fork made
}

// DashboardPlan is what the next pass would do.
type DashboardPlan struct {
	Actions   []DashboardAction `json:"actions"`
	Unchanged int               `json:"unchanged"`
	Held      bool              `json:"held"`   // its deletions wait to be confirmed
	Unread    int               `json:"unread"` // dashboards of which nothing is known yet
}

// DashboardAction is one thing that a pass would do, and why.
type DashboardAction struct {
	Do    string `json:"do"`   // create, update, restore, overwrite, keep, fork, read or delete
	What  string `json:"what"` // dashboard, folder, data source or file
	UID   string `json:"uid"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

// ApplyDashboards has a pass begin now.
type ApplyDashboards struct {
	ConfirmDeletes int      `json:"confirmDeletes,omitempty"` // lets it delete as many, where it asks
	Overwrite      []string `json:"overwrite,omitempty"`      // functions whose changes by hand are not kept
}

// PreviewDashboard is an extension to be tried on a function's dashboard.
type PreviewDashboard struct {
	Extension string `json:"extension"` // its YAML
}

// DashboardPreview is a function's dashboard with an extension, which is not kept.
type DashboardPreview struct {
	Added   []string        `json:"added"` // what the extension adds, in words
	Model   DashboardModel  `json:"model"`
	Grafana json.RawMessage `json:"grafana" tstype:"Record<string, unknown>"`
}
