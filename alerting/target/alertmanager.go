package target

import (
	"context"
	"strings"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// amAlert is an alert as Alertmanager's API v2 takes it.
type amAlert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	StartsAt     string            `json:"startsAt,omitempty"`
	EndsAt       string            `json:"endsAt,omitempty"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// amLife is how long an Alertmanager believes an open incident without hearing of it
// again: a Hadron that is away for less changes nothing.
const amLife = time.Hour

// sendAlertmanager posts the incident as an alert. Class and severity are among its
// labels, so that routes can tell pages from tickets; an incident whose class changed
// ends under the other one.
func (s *Sender) sendAlertmanager(ctx context.Context, e alerting.Event) error {
	now := s.opts.Now().UTC()
	alerts := []amAlert{s.amAlert(e, e.Severity)}
	other := slo.Page.Severity()
	if e.Severity == other {
		other = slo.Ticket.Severity()
	}
	ended := s.amAlert(e, other)
	ended.EndsAt = now.Format(time.RFC3339Nano)
	switch e.Action {
	case alerting.Trigger:
		alerts[0].EndsAt = now.Add(amLife).Format(time.RFC3339Nano)
	case alerting.Resolve:
		alerts[0].EndsAt = now.Format(time.RFC3339Nano)
	case alerting.Acknowledge:
		return nil // it knows of no such thing
	}
	body, err := encode(append(alerts, ended))
	if err != nil {
		return &alerting.FinalError{Err: err}
	}
	return s.post(ctx, s.alertsURL(), body, nil)
}

func (s *Sender) alertsURL() string {
	return strings.TrimSuffix(strings.TrimSuffix(s.cfg.URL, "/"), "/api/v2/alerts") + "/api/v2/alerts"
}

func (s *Sender) amAlert(e alerting.Event, severity string) amAlert {
	name := function.Name(e.Component)
	class := slo.Ticket
	if severity == slo.Page.Severity() {
		class = slo.Page
	}
	a := amAlert{
		Labels: map[string]string{
			"alertname": e.Alert, "team": name.Team(), "project": name.Project(), "function": name.Base(),
			"slo": e.SLO, "class": string(class), "severity": severity, "job": "hadron", "hadron": s.opts.Installation,
		},
		Annotations: map[string]string{"summary": e.Summary, "dedup_key": e.DedupKey}, StartsAt: e.Began, GeneratorURL: e.ClientURL,
	}
	if e.Test {
		a.Labels["test"] = "true"
	}
	var lines []string
	for _, f := range e.Details {
		lines = append(lines, f.Name+": "+f.Value)
	}
	a.Annotations["description"] = strings.Join(lines, "\n")
	for _, l := range e.Links {
		a.Annotations[annotation(l.Text)] = l.Href
	}
	return a
}

// annotation is a link's text as a name that Alertmanager takes: "Runbook" is
// runbook_url, as its users know it.
func annotation(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteRune(r)
		case b.Len() > 0:
			b.WriteByte('_')
		}
	}
	return strings.Trim(b.String(), "_") + "_url"
}
