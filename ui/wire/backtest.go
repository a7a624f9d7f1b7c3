package wire

import (
	"encoding/json"
	"time"
)

// AskBacktest is the body that replays a function's history.
type AskBacktest struct {
	Since string `json:"since,omitempty"` // how long before until, such as 7d, which it is unless given
	// SLO is the objectives to try, as a manifest has them under slo; the function's own unless given.
	SLO json.RawMessage `json:"slo,omitempty" tstype:"Record<string, unknown>"`
}

// Backtest is what the alerts of objectives would have done.
type Backtest struct {
	Function   string              `json:"function"`
	From       time.Time           `json:"from"`
	To         time.Time           `json:"to"`
	Interval   float64             `json:"interval"` // seconds between evaluations
	SLO        SLO                 `json:"slo"`
	Pages      int                 `json:"pages"`   // incidents that wake somebody
	Tickets    int                 `json:"tickets"` // incidents that do not
	Objectives []BacktestObjective `json:"objectives"`
	Alerts     []BacktestAlert     `json:"alerts"` // each time that a rule fired, by time
	Notes      []string            `json:"notes"`  // what limits what is said here
}

// BacktestObjective is an objective and what its budget lost.
type BacktestObjective struct {
	Name       string   `json:"name"`
	Ratio      float64  `json:"ratio"`
	Threshold  float64  `json:"threshold,omitempty"` // seconds; latency only
	Events     float64  `json:"events"`
	Bad        float64  `json:"bad"`
	Burn       *float64 `json:"burn"`       // times the sustainable rate, over all the time; null without events
	BudgetUsed *float64 `json:"budgetUsed"` // the share of the SLO window's budget
}

// BacktestAlert is one time that a rule fired.
type BacktestAlert struct {
	SLO     string     `json:"slo"`
	Class   string     `json:"class"`
	Window  string     `json:"window"`
	FiredAt time.Time  `json:"firedAt"`
	EndedAt *time.Time `json:"endedAt,omitempty"` // missing: it fired to the end
	Why     string     `json:"why"`
	Ended   string     `json:"ended,omitempty"`
}
