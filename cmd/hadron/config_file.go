package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"hadron/cmd/hadron/app"
)

// yamlFile resolves flags from a YAML file: the flag grafana.datasource-url is
// the key grafana.datasource_url. A value stands back where the flag's variable
// is set in the environment, since kong would let the file win; an unknown key is
// refused.
type yamlFile struct {
	path     string
	values   map[string]string
	sections []byte // what is Prometheus's, as YAML; nil where the file has none of it
	getenv   func(string) (string, bool)
}

// prometheusSections are in Prometheus's own form, and read by storage/tsdb/scrape.
var prometheusSections = []string{"global", "scrape_configs", "remote_write"}

const maxConfigFile = 1 << 20

func readYAML(path string, getenv func(string) (string, bool)) (*yamlFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	var root map[string]any
	dec := yaml.NewDecoder(io.LimitReader(f, maxConfigFile))
	if err := dec.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is not YAML: %w", path, err)
	}
	y := &yamlFile{path: path, values: map[string]string{}, getenv: getenv}
	sections := map[string]any{}
	for _, name := range prometheusSections {
		if section, there := root[name]; there {
			sections[name] = section
			delete(root, name)
		}
	}
	if len(sections) > 0 {
		if y.sections, err = yaml.Marshal(sections); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return y, y.flatten("", root)
}

func (y *yamlFile) flatten(prefix string, node map[string]any) error {
	for key, value := range node {
		name := prefix + key
		switch v := value.(type) {
		case map[string]any:
			if err := y.flatten(name+".", v); err != nil {
				return err
			}
		case []any:
			items := make([]string, len(v))
			for i, item := range v {
				items[i] = fmt.Sprint(item)
			}
			y.values[name] = strings.Join(items, ",")
		case nil:
		case string, int, int64, uint64, float64, bool:
			y.values[name] = fmt.Sprint(v)
		default:
			return fmt.Errorf("%s: %s: %T cannot be a setting", y.path, name, v)
		}
	}
	return nil
}

// prometheus is the part of the file that is in Prometheus's form.
func (y *yamlFile) prometheus() app.PrometheusSections {
	return app.PrometheusSections{YAML: y.sections, Dir: filepath.Dir(y.path)}
}

// differing names the settings that another reading of the file has otherwise, in order.
func (y *yamlFile) differing(other *yamlFile) []string {
	names := map[string]bool{}
	for name, value := range y.values {
		names[name] = other.values[name] != value
	}
	for name, value := range other.values {
		names[name] = y.values[name] != value
	}
	maps.DeleteFunc(names, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(names))
}

func settingName(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// Validate is part of kong.Resolver; unknown keys are refused in Resolve's
// command, which alone knows its flags.
func (y *yamlFile) Validate(*kong.Application) error { return nil }

func (y *yamlFile) known(flags []*kong.Flag) error {
	names := make([]string, len(flags))
	for i, f := range flags {
		names[i] = settingName(f.Name)
	}
	for key := range y.values {
		if !slices.Contains(names, key) {
			return fmt.Errorf("%s: there is no setting %q; hadron serve --help lists them all", y.path, key)
		}
	}
	return nil
}

// Resolve is part of kong.Resolver.
func (y *yamlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := y.getenv(env); set {
			return nil, nil
		}
	}
	if value := y.values[settingName(flag.Name)]; value != "" {
		return value, nil
	}
	return nil, nil // an empty value is the default
}
