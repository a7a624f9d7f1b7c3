package pagerdutytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// contract checks requests and answers against PagerDuty's own descriptions.
type contract struct{ rest, events *openapi3.T }

// The routes in use: the whole description takes seconds to read, and has references
// that lead nowhere.
var (
	restRoutes = []string{
		"/services", "/services/{id}", "/services/{id}/integrations", "/services/{id}/integrations/{integration_id}",
		"/escalation_policies", "/escalation_policies/{id}", "/abilities", "/incidents",
		"/business_services", "/business_services/{id}",
		"/service_dependencies/associate", "/service_dependencies/disassociate", "/service_dependencies/business_services/{id}",
		"/webhook_subscriptions", "/webhook_subscriptions/{id}", "/webhook_subscriptions/{id}/enable",
	}
	eventRoutes = []string{"/enqueue", "/change/enqueue"}
)

// loadContract returns nil and a sentence where there are no descriptions.
var loadContract = sync.OnceValues(func() (*contract, error) {
	dir, err := contracts()
	if err != nil {
		return nil, err
	}
	rest, err := load(filepath.Join(dir, "REST.openapiv3.json"), restRoutes)
	if err != nil {
		return nil, err
	}
	events, err := load(filepath.Join(dir, "events-v2.openapiv3.json"), eventRoutes)
	if err != nil {
		return nil, err
	}
	return &contract{rest, events}, nil
})

var errNoContracts = errors.New("requests are not checked against PagerDuty's descriptions: HADRON_CONTRACTS names no folder that has them")

// contracts finds the folder of descriptions: HADRON_CONTRACTS, taken from the
// repository's root, or ../shared/contracts beside it.
func contracts() (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(root)
		if up == root {
			return "", errNoContracts
		}
		root = up
	}
	dir := os.Getenv("HADRON_CONTRACTS") //nolint:forbidigo // a fake for tests, not the program
	if dir == "" {
		dir = filepath.Join("..", "shared", "contracts")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	dir = filepath.Join(dir, "pagerduty")
	if _, err := os.Stat(filepath.Join(dir, "REST.openapiv3.json")); err != nil {
		return "", errNoContracts
	}
	return dir, nil
}

func load(path string, routes []string) (*openapi3.T, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read description: %w", err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if paths, ok := doc["paths"].(map[string]any); ok {
		for route := range paths {
			if !slices.Contains(routes, route) {
				delete(paths, route)
			}
		}
	}
	if parts, ok := doc["components"].(map[string]any); ok {
		delete(parts, "requestBodies")
		delete(parts, "examples")
	}
	dropExamples(doc)
	if data, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	t, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return t, nil
}

// dropExamples takes the examples of bodies away: some refer to what is not there.
func dropExamples(at any) {
	switch at := at.(type) {
	case map[string]any:
		if _, body := at["schema"]; body {
			delete(at, "examples")
		}
		for _, v := range at {
			dropExamples(v)
		}
	case []any:
		for _, v := range at {
			dropExamples(v)
		}
	}
}

// route finds the description of a request; nil: it describes none.
func route(doc *openapi3.T, r *http.Request, path string) (*routers.Route, map[string]string) {
	have := strings.Split(strings.Trim(path, "/"), "/")
	for pattern, item := range doc.Paths.Map() {
		want := strings.Split(strings.Trim(pattern, "/"), "/")
		op := item.GetOperation(r.Method)
		if len(want) != len(have) || op == nil {
			continue
		}
		params, ok := map[string]string{}, true
		for i, w := range want {
			if strings.HasPrefix(w, "{") {
				params[strings.Trim(w, "{}")] = have[i]
			} else {
				ok = ok && w == have[i]
			}
		}
		if ok {
			return &routers.Route{Spec: doc, Path: pattern, PathItem: item, Method: r.Method, Operation: op}, params
		}
	}
	return nil, nil
}

var options = &openapi3filter.Options{
	AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
	IncludeResponseStatus: true,
	// The description marks type and ids as read-only, and its own examples send them.
	ExcludeReadOnlyValidations: true,
}

// request checks what came in; body is read from r.
func (c *contract) request(ctx context.Context, doc *openapi3.T, r *http.Request, path string) error {
	to, params := route(doc, r, path)
	if to == nil {
		return fmt.Errorf("%s %s is not described", r.Method, path)
	}
	err := openapi3filter.ValidateRequest(ctx, &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: to, Options: options,
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, path, err)
	}
	return nil
}

// response checks what is about to go out: a fake that disagrees with the
// description is wrong.
func (c *contract) response(ctx context.Context, doc *openapi3.T, r *http.Request, path string, status int, header http.Header, body []byte) error {
	to, params := route(doc, r, path)
	if to == nil {
		return nil
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: to, Options: options},
		Status:                 status, Header: header, Options: options,
	}
	in.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(ctx, in); err != nil {
		return fmt.Errorf("answer to %s %s: %w", r.Method, path, err)
	}
	return nil
}
