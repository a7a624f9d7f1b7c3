package api

import (
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"hadron/ui/wire"
)

// describe configures huma: OpenAPI 3.1 beside the routes, JSON only, no schema
// links in bodies, no page of documentation (it would load scripts from a CDN).
func (a *api) describe() huma.Config {
	server := a.cfg.ExternalURL
	if server == "" {
		server = "/"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Hadron management API",
				Version:     "1",
				Description: "Functions, their versions and aliases, and how they are doing. Refusals are RFC 9457 problems with a stable code; lists are {\"items\", \"next\"}. GET /api/v1/live is a websocket; docs/live-protocol.md describes it.",
			},
			Servers: []*huma.Server{{URL: server}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token": {Type: "http", Scheme: "bearer", Description: "A token of this server; they start with hdn_."},
				},
			},
		},
		OpenAPIPath:   Prefix + "/openapi",
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{rewrite},
	}
}

// addLive documents the websocket beside the REST routes and mounts its handler.
func (a *api) addLive() {
	path := Prefix + "/live"
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "live", Method: http.MethodGet, Path: path, Tags: []string{"health"},
		Summary:     "Stream health, alerts, logs and deployments",
		Description: "A websocket; docs/live-protocol.md describes its messages. Each subscription is authorised on its own.",
		Security:    []map[string][]string{{"token": {}}},
		Extensions:  map[string]any{"x-hadron-action": "read", "x-hadron-scope": string(ofEach)},
		Responses: map[string]*huma.Response{
			"101":     {Description: "Switching protocols"},
			"default": {Description: "A refusal", Content: map[string]*huma.MediaType{wire.ProblemType: {Schema: a.problemSchema}}},
		},
	})
	live := a.cfg.Live
	if live == nil {
		live = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeProblem(w, a.translate(available(false)))
		})
	}
	a.mux.Handle("GET "+path, live)
}

// tidySchemas says what huma cannot know: lists are never null here, a manifest
// is an object, and huma's own error is never sent.
func (a *api) tidySchemas() {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	requests := []string{
		"Register", "PutAlias", "Rollback", "TeamSettings", "Retention", "Quota", "Origin", "PutSecret", "CreateToken", "SignIn",
	}
	for schema, s := range schemas {
		if !slices.Contains(requests, schema) {
			s.AdditionalProperties = nil // answers may grow
		}
		for name, p := range s.Properties {
			if p.Type == huma.TypeArray {
				p.Nullable = false
			}
			if name == "manifest" || name == "fields" || name == "before" || name == "after" {
				p.Type = huma.TypeObject
				p.AdditionalProperties = true
			}
		}
	}
	health := schemas[reflect.TypeFor[wire.Health]().Name()]
	for _, name := range []string{"errorRatio", "p50", "p95", "p99", "budgetLeft"} {
		health.Properties[name].Nullable = true
	}
}

// empty is the input of routes that take none.
type empty struct{}

// jsonOut is the output of routes that answer with one JSON value.
type jsonOut[T any] struct{ Body T }

func ok[T any](v T) (*jsonOut[T], error) { return &jsonOut[T]{Body: v}, nil }

// nameParams documents the parts of paths that are names. The guard reads them, and
// answers name_invalid where huma would answer something of its own.
func nameParams(parts ...string) []*huma.Param {
	var out []*huma.Param
	for _, part := range parts {
		out = append(out, &huma.Param{
			Name: part, In: "path", Required: true,
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: `^[a-z][a-z0-9-]{0,62}$`},
		})
	}
	return out
}

// textOut is the output of routes that answer with bytes of a type of their own.
type textOut struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}
