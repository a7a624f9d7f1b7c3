package alerting

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Question is what Config.Describe is asked: what is to be known of a function
// for a page about one of its objectives.
type Question struct {
	Function  function.Name
	SLO       string
	Class     slo.Class
	Since     time.Time // when the incident began
	At        time.Time // now
	Over      time.Duration
	Resolving bool
}

// Details are what a page says beside the alert itself. All are optional. Texts
// may be hostile; secrets must not be among them.
type Details struct {
	Began      time.Time // when it went wrong, where known better than by the alert
	Codes      []CodeShare
	TopError   *TopError
	Deployment *Deployment // the last one
	Previous   int         // the version to roll back to; 0: none
	BudgetLeft *float64    // share, under 0 when overspent
	Live       string      // URL of the function's page
	Dashboard  string      // URL of its dashboard at the time
	Logs       string      // URL of its logs, filtered to the top error
	Trace      string      // URL of the trace of a call that failed, or was slow
	Runbook    string      // URL in the manifest
}

// CodeShare is an error code and its share of the errors.
type CodeShare struct {
	Code  string
	Share float64
}

// TopError is the error that is seen most.
type TopError struct {
	Message  string
	Frames   []string // "greet src/index.ts:14:9", innermost first, in the author's files
	Count    int64
	Request  string // the id of one request that failed with it
	NewSince int    // the version that brought it; 0: it is older
}

// Deployment is a version that went live.
type Deployment struct {
	Version int
	By      string
	Message string
	At      time.Time
}

// page is everything an event is made from.
type page struct {
	installation string
	action       Action
	incident     Incident
	rule         slo.Rule // the pair of windows that fires; zero where it is not known any more
	objective    function.Objective
	sample       sample
	firing       []Key
	why          string // of a resolve, and of a condition
	details      Details
	at           time.Time
}

// Bounds of a page's parts, in characters, so that the whole is a few kilobytes.
const (
	maxWho     = 40
	maxText    = 200
	maxError   = 400
	maxFrames  = 5
	maxCodes   = 5
	maxURL     = 2048
	maxRequest = 64
	// blamed is how long after a deployment an incident's summary still names it.
	blamed = time.Hour
)

// event writes the page. It is pure.
func (p page) event() Event {
	name := p.incident.Function
	e := Event{
		Action: p.action, DedupKey: p.incident.DedupKey, Severity: p.incident.Class.Severity(),
		Source: "hadron", Component: string(name), Group: name.Team(),
		Class: string(p.incident.Class) + ": " + oneLine(p.incident.SLO, maxWho),
		Alert: Key{Objective: p.incident.Objective}.Name(), SLO: oneLine(p.incident.SLO, maxWho),
		Timestamp: p.at.UTC().Format(time.RFC3339Nano), Began: p.incident.OpenedAt.UTC().Format(time.RFC3339Nano), Client: "Hadron",
	}
	if p.installation != "" {
		e.Source = oneLine("hadron "+p.installation, maxText)
	}
	e.Links = p.links()
	if len(e.Links) > 0 {
		e.ClientURL = e.Links[0].Href
	}
	if p.incident.SLO == Test {
		return p.drillEvent(e)
	}
	if p.action == Resolve {
		e.Summary = oneLine(fmt.Sprintf("%s: %s.", p.incident.who(), p.why), MaxSummary)
		e.Details = []Field{{"ended", p.why}, {"began", p.began().UTC().Format(time.RFC3339)}}
		if !isCondition(p.incident.SLO) {
			e.Details = append(e.Details, Field{"objective", p.promise()})
		}
		return e
	}
	if isCondition(p.incident.SLO) {
		e.Summary, e.Details = p.conditionSummary(), p.conditionFields()
		return e
	}
	e.Summary = p.summary()
	e.Details = p.fields()
	return e
}

func (p page) summary() string {
	base := oneLine(p.incident.Function.Base(), maxWho)
	text := base
	switch {
	case p.incident.Class == slo.Ticket:
		text += " spends its error budget: " + p.felt()
	case p.objective.Threshold > 0:
		text += " is slow: " + p.felt()
	default:
		text += " is failing: " + p.felt()
	}
	if end := p.exhaustion(); end != "" {
		text += ", " + end
	}
	text += "."
	if d, after, ok := p.blame(); ok {
		text += fmt.Sprintf(" Began %s after @%d", about(after), d.Version)
		if who := oneLine(d.By, maxWho); who != "" {
			text += " (" + who + ")"
		}
		text += "."
	}
	return oneLine(text, MaxSummary)
}

// felt is what users feel: the share of bad events and what is bad about them.
func (p page) felt() string {
	share := p.sample.bad()
	if p.objective.Threshold > 0 {
		return fmt.Sprintf("%s of requests take over %s", percent(share), p.threshold())
	}
	return percent(share) + " of requests error"
}

func (p page) threshold() string {
	if d := p.objective.Threshold; d < time.Second {
		return significant(float64(d)/float64(time.Millisecond), 4) + " ms"
	}
	return significant(p.objective.Threshold.Seconds(), 4) + " s"
}

func (p page) promise() string {
	text := fmt.Sprintf("%s: %s", oneLine(p.incident.SLO, maxWho), percentExact(p.objective.Ratio))
	if p.objective.Threshold > 0 {
		text += " under " + p.threshold()
	} else {
		text += " without error"
	}
	if p.rule.SLOWindow > 0 {
		text += " over " + p.rule.SLOWindowName()
	}
	return text
}

// percentExact writes an objective with all its digits: 0.9995 is "99.95 %".
func percentExact(ratio float64) string {
	return strconv.FormatFloat(math.Round(ratio*1e10)/1e8, 'f', -1, 64) + " %"
}

// exhaustion says when the budget is gone at this pace, where that is known.
func (p page) exhaustion() string {
	if p.details.BudgetLeft == nil || p.rule.SLOWindow == 0 {
		return ""
	}
	d := slo.Exhaustion(*p.details.BudgetLeft, p.sample.shortBurn(), p.rule.SLOWindow)
	switch {
	case d == 0:
		return "budget spent"
	case d < 0:
		return ""
	}
	return "budget gone in " + about(d)
}

// began is when it went wrong.
func (p page) began() time.Time {
	if b := p.details.Began; !b.IsZero() && b.Before(p.incident.OpenedAt) {
		return b
	}
	return p.incident.OpenedAt
}

// blame is the last deployment, if it went live shortly before it began.
func (p page) blame() (Deployment, time.Duration, bool) {
	if p.details.Deployment == nil {
		return Deployment{}, 0, false
	}
	after := p.began().Sub(p.details.Deployment.At)
	return *p.details.Deployment, after, after >= 0 && after <= blamed
}

// fields are the details, in the order in which somebody half asleep needs them.
func (p page) fields() []Field {
	var out []Field
	add := func(name, value string) {
		if value != "" {
			out = append(out, Field{name, value})
		}
	}
	add("what users feel", p.felt()+p.codes())
	since := p.began()
	add("since", fmt.Sprintf("%s, %s ago", since.UTC().Format(time.RFC3339), about(max(0, p.at.Sub(since)))))
	add("what changed", p.changed())
	if p.details.Previous > 0 {
		add("undo", fmt.Sprintf("hadron rollback %s --to %d", p.incident.Function, p.details.Previous))
	}
	add("top error", p.topError())
	add("stack", p.stack())
	add("burn", p.burn())
	if left := p.details.BudgetLeft; left != nil {
		text := significant(*left*100, 2) + " % left"
		if *left <= 0 {
			text = "overspent by " + percent(-*left)
		}
		if end := p.exhaustion(); end != "" && *left > 0 {
			text += ", at this pace " + strings.TrimPrefix(end, "budget ")
		}
		add("budget", text)
	}
	add("objective", p.promise())
	if len(p.firing) > 0 {
		var windows []string
		for _, k := range p.firing {
			windows = append(windows, fmt.Sprintf("%s %s", k.Class, k.Window))
		}
		add("firing windows", strings.Join(windows, ", "))
	}
	if p.details.Runbook == "" {
		add("runbook", "none in hadron.yaml")
	}
	return out
}

func (p page) codes() string {
	if len(p.details.Codes) == 0 {
		return ""
	}
	var parts []string
	for i, c := range p.details.Codes {
		if i == maxCodes {
			parts = append(parts, "and more")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s", oneLine(c.Code, maxWho), percent(c.Share)))
	}
	return "; of the errors: " + strings.Join(parts, ", ")
}

func (p page) changed() string {
	d := p.details.Deployment
	if d == nil {
		return ""
	}
	text := fmt.Sprintf("@%d", d.Version)
	if who := oneLine(d.By, maxWho); who != "" {
		text += " by " + who
	}
	text += ", " + d.At.UTC().Format(time.RFC3339)
	if message := oneLine(d.Message, maxText); message != "" {
		text += fmt.Sprintf(", “%s”", message)
	}
	if p.began().Before(d.At) {
		text += ", after it began"
	}
	return text
}

func (p page) topError() string {
	top := p.details.TopError
	if top == nil {
		return ""
	}
	text := oneLine(top.Message, maxError)
	if len(top.Frames) > 0 {
		text += " at " + oneLine(top.Frames[0], maxText)
	}
	if top.NewSince > 0 {
		text += fmt.Sprintf(", new since @%d", top.NewSince)
	}
	if top.Count > 0 {
		text += fmt.Sprintf(", seen %d times", top.Count)
	}
	if id := oneLine(top.Request, maxRequest); id != "" {
		text += ", request " + id
	}
	return text
}

func (p page) stack() string {
	if p.details.TopError == nil || len(p.details.TopError.Frames) < 2 {
		return ""
	}
	var lines []string
	for i, f := range p.details.TopError.Frames {
		if i == maxFrames {
			break
		}
		lines = append(lines, oneLine(f, maxText))
	}
	return strings.Join(lines, " ← ")
}

func (p page) burn() string {
	if p.rule.SLOWindow == 0 {
		return ""
	}
	return fmt.Sprintf("%s over %s and %s over %s; a %s from %s on",
		times(p.sample.shortBurn()), short(p.rule), times(p.sample.longBurn()), long(p.rule), p.rule.Window.Class, times(p.rule.Window.Factor))
}

func (p page) links() []Link {
	var out []Link
	for _, l := range []Link{
		{p.details.Live, "Live page"},
		{p.details.Dashboard, "Dashboard at that time"},
		{p.details.Logs, "Logs of the errors"},
		{p.details.Trace, "Trace"},
		{p.details.Runbook, "Runbook"},
	} {
		if href, ok := webAddress(l.Href); ok {
			out = append(out, Link{href, l.Text})
		}
	}
	return out
}

// webAddress takes http and https only: a manifest may hold any text.
func webAddress(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", false
	}
	text := u.String()
	return text, len(text) <= maxURL
}
