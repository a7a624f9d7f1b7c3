package wire

// DashboardModel is a function's dashboard as the built-in UI draws it: the same
// model that Grafana gets. Expressions hold the variables $__rate_interval and
// $version, which whoever asks the Prometheus API replaces.
type DashboardModel struct {
	UID         string                `json:"uid"`
	Title       string                `json:"title"`
	Description string                `json:"description,omitempty"`
	Interval    float64               `json:"interval"` // seconds between samples; $__rate_interval is at least four
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
	Kind        string               `json:"kind"`        // stat, timeseries, heatmap or table
	Unit        string               `json:"unit"`        // reqps, percentunit, s, short or x
	Queries     []DashboardQuery     `json:"queries"`
	Thresholds  []DashboardThreshold `json:"thresholds"`     // by rising value
	Base        string               `json:"base,omitempty"` // level below the first threshold
	Min         *float64             `json:"min,omitempty"`
	Max         *float64             `json:"max,omitempty"`
	Decimals    *int                 `json:"decimals,omitempty"`
	Stacked     bool                 `json:"stacked,omitempty"`
	Width       int                  `json:"width"`  // of 24 columns
	Height      int                  `json:"height"` // lines
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
