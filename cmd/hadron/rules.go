package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/project"
	"hadron/ui/client"
)

type rulesCommand struct {
	Render rulesRenderCommand `cmd:"" help:"Write the generated alert rules for a Prometheus, Mimir or Grafana of your own."`
}

type rulesRenderCommand struct {
	server `embed:""`
	Path   string `arg:"" optional:"" help:"Folder of one function (with hadron.yaml), whose rules are written without asking a server. Default: all functions of the server."`

	Format      string   `default:"prometheus" enum:"prometheus,prometheus-operator,mimir,grafana" help:"prometheus (a rule file), prometheus-operator (a PrometheusRule), mimir (a namespace of its ruler) or grafana (provisioning of Grafana-managed rules)."`
	Window      []string `help:"SLO window to write rules for, such as 30d; give it once for each. Default: those that the functions have." placeholder:"WINDOW"`
	Tests       bool     `help:"Write cases for promtool test rules, in place of the rules."`
	RulesFile   string   `default:"rules.yaml" help:"Where those cases find the rules, in the prometheus format." placeholder:"FILE"`
	Namespace   string   `help:"Namespace of the resource or the ruler, folder in Grafana. Default: hadron; of a resource none." placeholder:"NAME"`
	Label       []string `help:"Label of the PrometheusRule, which a Prometheus resource selects it by; once for each." placeholder:"KEY=VALUE"`
	Datasource  string   `help:"Uid of the data source in Grafana that has Hadron's series. Default: hadron." placeholder:"UID"`
	Interval    string   `help:"With a folder: between samples and evaluations. Default 15s; a server knows its own." placeholder:"DURATION"`
	ExternalURL string   `name:"external-url" help:"With a folder: Hadron's address, for links to the function's page; a server knows its own." placeholder:"URL"`
}

func (c *rulesRenderCommand) Run(ctx context.Context, std stdio) error {
	if c.JSON {
		return &usageError{"rules are written as YAML: leave --json out"}
	}
	windows, err := dashgen.ParseWindows(c.Window)
	if err != nil {
		return unrendered(err)
	}
	labels, err := dashgen.ParseLabels(c.Label)
	if err != nil {
		return unrendered(err)
	}
	if c.Path != "" {
		return c.offline(std, windows, labels)
	}
	if c.Interval != "" || c.ExternalURL != "" {
		return &usageError{"--interval and --external-url go with a folder; the rules of a server have its own"}
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	text, err := api.Rules(ctx, client.RuleOptions{
		Format: c.Format, Windows: c.Window, Tests: c.Tests, RulesFile: c.RulesFile,
		Namespace: c.Namespace, Datasource: c.Datasource, Labels: c.Label,
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(std.Out, text)
	return err
}

// defaultCadence is a server's, where its settings do not say otherwise.
const defaultCadence = 15 * time.Second

// offline renders the rules of the function in a folder, from its manifest.
func (c *rulesRenderCommand) offline(std stdio, windows []time.Duration, labels map[string]string) error {
	p, err := project.Load(c.Path)
	if err != nil {
		return err
	}
	if p.Manifest.Name == "" {
		return &usageError{`this function has no name: write "name: team/project/name" into hadron.yaml`}
	}
	name, err := function.ParseName(p.Manifest.Name)
	if err != nil {
		return &usageError{err.Error()}
	}
	if p.Manifest.Alerts.Disabled {
		return &usageError{"hadron.yaml turns alerts off (alerts.disabled): there are no rules to write"}
	}
	if len(windows) == 0 {
		windows = []time.Duration{time.Duration(p.Manifest.SLO.Window)}
	}
	interval := defaultCadence
	if c.Interval != "" {
		d, err := function.ParseDuration(c.Interval)
		if err != nil {
			return &usageError{"--interval: " + err.Error()}
		}
		interval = time.Duration(d)
	}
	if c.ExternalURL != "" {
		if _, err := client.New(c.ExternalURL, ""); err != nil {
			return &usageError{"--external-url: " + err.Error()}
		}
	}
	s := dashgen.RulesSpec{
		Function: name, Runbook: p.Manifest.Runbook, Windows: windows, Interval: interval, ExternalURL: strings.TrimRight(c.ExternalURL, "/"),
		Namespace: c.Namespace, DatasourceUID: c.Datasource, Labels: labels,
	}
	var text []byte
	if c.Tests {
		text, err = dashgen.RuleTests(s, c.RulesFile, p.Manifest.SLO.Objectives())
	} else {
		text, err = dashgen.Rules(s, dashgen.RuleFormat(c.Format))
	}
	if err != nil {
		return unrendered(err)
	}
	_, err = std.Out.Write(text)
	return err
}

// unrendered is the command line's fault, where the rules cannot be rendered.
func unrendered(err error) error {
	if errors.Is(err, dashgen.ErrRules) {
		return &usageError{err.Error()}
	}
	return err
}
