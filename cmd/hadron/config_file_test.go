package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"hadron/cmd/hadron/app"
)

type serveOnly struct {
	Serve serveCommand `cmd:""`
}

func parseServe(t *testing.T, args ...string) (app.Config, error) {
	t.Helper()
	var root serveOnly
	k, err := kong.New(&root, kong.DefaultEnvars("HADRON"), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(append([]string{"serve"}, args...))
	return root.Serve.Config, err
}

// The shipped example has every key, each with its default, and nothing else.
func TestExampleFileIsTheDefaults(t *testing.T) {
	t.Parallel()
	const example = "../../deploy/hadron.example.yaml"
	fromFile, err := parseServe(t, "--config", example)
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := parseServe(t)
	if err != nil {
		t.Fatal(err)
	}
	// The file spells out what is filled in later.
	fromFile.Metrics.Interval, fromFile.Alerting.Interval = 0, 0
	fromFile.Fetch.PrivateAllow = defaults.Fetch.PrivateAllow
	fromFile.Prometheus.Dir = "" // where the file is
	if got, want := sprint(fromFile), sprint(defaults); got != want {
		t.Errorf("the example says\n%s\nand the defaults are\n%s", got, want)
	}

	file, err := readYAML(example, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	k, err := kong.New(&serveOnly{}, kong.DefaultEnvars("HADRON"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range k.Model.Children[0].Flags {
		name := settingName(f.Name)
		if _, there := file.values[name]; !there && name != "config" && name != "fetch.private_allow" && name != "help" {
			t.Errorf("the example lacks %s", name)
		}
	}
}

func TestSettingsYield(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.yaml")
	if err := os.WriteFile(path, []byte("data_dir: /from/file\nlimits:\n  in_flight: 7\ngrafana:\n  datasource_url: http://file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HADRON_LIMITS_IN_FLIGHT", "8")
	t.Setenv("HADRON_GRAFANA_DATASOURCE_URL", "http://env")
	cfg, err := parseServe(t, "--config", path, "--grafana.datasource-url", "http://flag")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DataDir != "/from/file" || cfg.Limits.InFlight != 8 || cfg.Grafana.DatasourceURL != "http://flag" {
		t.Errorf("file %q, env %d, flag %q", cfg.DataDir, cfg.Limits.InFlight, cfg.Grafana.DatasourceURL)
	}
	t.Setenv("HADRON_CONFIG", path)
	if cfg, err = parseServe(t); err != nil || cfg.DataDir != "/from/file" {
		t.Errorf("HADRON_CONFIG: %q, %v", cfg.DataDir, err)
	}
}

func TestUnknownSettingsAreRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hadron.yaml")
	for text, want := range map[string]string{
		"grafana:\n  tokn: x\n": `"grafana.tokn"`,
		"listen: [":             "not YAML",
		"limits: {timeout: 5}":  "is not a duration",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := parseServe(t, "--config", path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
