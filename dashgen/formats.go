package dashgen

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format is a form in which dashboards are given to others than Hadron's own Grafana.
type Format string

// The formats.
const (
	FormatGrafana      Format = "grafana"          // Grafana's JSON, to import
	FormatProvisioning Format = "provisioning"     // files for Grafana's file provisioning, with its two configurations
	FormatConfigMap    Format = "configmap"        // ConfigMaps for the sidecar of Grafana's Helm chart
	FormatOperator     Format = "grafana-operator" // GrafanaDashboard resources
	FormatPerses       Format = "perses"           // dashboards of Perses
)

// Formats lists the formats.
func Formats() []Format {
	return []Format{FormatGrafana, FormatProvisioning, FormatConfigMap, FormatOperator, FormatPerses}
}

// ErrFormat is returned for a format that is none.
var ErrFormat = errors.New("unknown format")

// File is one file of what is rendered; its path has forward slashes.
type File struct {
	Path string
	Data []byte
}

// RenderOptions is what files need beside dashboards.
type RenderOptions struct {
	// DatasourceURL is how Grafana reaches Hadron's /prometheus.
	DatasourceURL string
	// Namespace of Kubernetes resources, and the project of Perses; default "monitoring".
	Namespace string
	// Interval between samples, such as "15s"; default that.
	Interval string
}

// Render writes dashboards in a format, in the order of their paths: the same
// dashboards give the same bytes. Its errors wrap ErrFormat or ErrRender.
func Render(format Format, boards []Dashboard, o RenderOptions) ([]File, error) {
	if !slices.Contains(Formats(), format) {
		return nil, fmt.Errorf("%w %q: there are %v", ErrFormat, format, Formats())
	}
	if o.Namespace == "" {
		o.Namespace = "monitoring"
	}
	if o.Interval == "" {
		o.Interval = "15s"
	}
	var out []File
	for _, d := range boards {
		file, err := renderOne(format, d, o)
		if err != nil {
			return nil, err
		}
		out = append(out, file)
	}
	if format == FormatProvisioning {
		for _, c := range provisioning(o) {
			text, err := toYAML(c.resource)
			if err != nil {
				return nil, err
			}
			out = append(out, File{c.path, text})
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func renderOne(format Format, d Dashboard, o RenderOptions) (File, error) {
	if format == FormatPerses {
		text, err := readable(perses(d, o))
		if err != nil {
			return File{}, fmt.Errorf("render %s: %w: %w", d.Title, ErrRender, err)
		}
		return File{d.file() + ".json", text}, nil
	}
	text, err := Grafana(d, GrafanaOptions{})
	if err != nil {
		return File{}, err
	}
	var resource map[string]any
	switch format {
	case FormatGrafana:
		return File{d.file() + ".json", text}, nil
	case FormatProvisioning:
		return File{"dashboards/" + d.file() + ".json", text}, nil
	case FormatConfigMap:
		resource = configMap(d, text, o)
	case FormatOperator:
		resource = grafanaDashboard(d, text, o)
	case FormatPerses: // done above
	}
	manifest, err := toYAML(resource)
	return File{d.file() + ".yaml", manifest}, err
}

// file is where a dashboard lies among others, without what its name ends in.
func (d Dashboard) file() string {
	switch {
	case d.Function != "":
		return string(d.Function)
	case d.Title == PlatformTitle:
		return "_platform"
	}
	return path.Join(string(d.Folder), "_overview")
}

// folderTitle is what people call a dashboard's folder.
func (d Dashboard) folderTitle() string {
	return strings.TrimSuffix("Hadron / "+strings.ReplaceAll(string(d.Folder), "/", " / "), " / ")
}

func configMap(d Dashboard, text []byte, o RenderOptions) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": d.UID, "namespace": o.Namespace,
			"labels":      map[string]any{"grafana_dashboard": "1", "app.kubernetes.io/managed-by": "hadron"},
			"annotations": map[string]any{"grafana_folder": d.folderTitle()},
		},
		"data": map[string]any{d.UID + ".json": string(text)},
	}
}

func grafanaDashboard(d Dashboard, text []byte, o RenderOptions) map[string]any {
	return map[string]any{
		"apiVersion": "grafana.integreatly.org/v1beta1", "kind": "GrafanaDashboard",
		"metadata": map[string]any{
			"name": d.UID, "namespace": o.Namespace, "labels": map[string]any{"app.kubernetes.io/managed-by": "hadron"},
		},
		"spec": map[string]any{
			"uid": d.UID, "folder": d.folderTitle(), "resyncPeriod": "5m", "json": string(text),
			"instanceSelector": map[string]any{"matchLabels": map[string]any{"dashboards": "grafana"}},
		},
	}
}

type configuration struct {
	path     string
	resource map[string]any
}

// provisioning is Grafana's own configuration for the files beside it.
func provisioning(o RenderOptions) []configuration {
	return []configuration{
		{"provisioning/dashboards/hadron.yaml", map[string]any{
			"apiVersion": 1,
			"providers": []any{map[string]any{
				"name": "hadron", "type": "file", "allowUiUpdates": false,
				"options": map[string]any{"path": "/var/lib/hadron/dashboards", "foldersFromFilesStructure": true},
			}},
		}},
		{"provisioning/datasources/hadron.yaml", map[string]any{
			"apiVersion": 1,
			"datasources": []any{map[string]any{
				"name": "Hadron", "uid": "hadron", "type": "prometheus", "access": "proxy", "url": o.DatasourceURL,
				"jsonData":       map[string]any{"httpMethod": "POST", "timeInterval": o.Interval, "httpHeaderName1": "Authorization"},
				"secureJsonData": map[string]any{"httpHeaderValue1": "Bearer $HADRON_TOKEN"}, // Grafana reads it from its environment
			}},
		}},
	}
}

func toYAML(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(v), encoder.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRender, err)
	}
	return out.Bytes(), nil
}
