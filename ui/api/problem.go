package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hadron/alerting"
	"hadron/dashgen"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// problem is a refusal on its way to the client: what huma needs to know beside
// the body.
type problem struct {
	wire.Problem
	header http.Header
	cause  error // never shown
}

func (p *problem) GetStatus() int          { return p.Status }
func (p *problem) GetHeaders() http.Header { return p.header }
func (p *problem) ContentType(string) string {
	return wire.ProblemType
}
func (p *problem) Unwrap() error { return p.cause }

func refuse(status int, code, format string, args ...any) *problem {
	return &problem{Problem: wire.Problem{
		Title: title(status), Status: status, Code: code, Detail: fmt.Sprintf(format, args...),
	}}
}

func (p *problem) with(name, value string) *problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

func title(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "Error"
}

// table is the one place where an error of the domain becomes a status and a code.
var table = []struct {
	is     error
	status int
	code   string
}{
	{registry.ErrNotFound, http.StatusNotFound, "function_not_found"},
	{registry.ErrVersionNotFound, http.StatusNotFound, "version_not_found"},
	{registry.ErrStale, http.StatusPreconditionFailed, "stale"},
	{registry.ErrNoPrevious, http.StatusConflict, "no_previous_version"},
	{function.ErrAlias, http.StatusUnprocessableEntity, "alias_invalid"},
	{registry.ErrAliasNotFound, http.StatusNotFound, "alias_not_found"},
	{registry.ErrAmbiguous, http.StatusConflict, "ambiguous"},
	{registry.ErrTooLarge, http.StatusRequestEntityTooLarge, "body_too_large"},
	{registry.ErrTooMany, http.StatusConflict, "too_many"},
	{registry.ErrConflict, http.StatusConflict, "conflict"},
	{registry.ErrSource, http.StatusUnprocessableEntity, "source_invalid"},
	{registry.ErrOrigin, http.StatusBadRequest, "invalid_request"},
	{tenant.ErrNoTeam, http.StatusNotFound, "team_not_found"},
	{tenant.ErrTeamExists, http.StatusConflict, "team_exists"},
	{tenant.ErrTeamStale, http.StatusPreconditionFailed, "stale"},
	{tenant.ErrNotEmpty, http.StatusConflict, "not_empty"},
	{tenant.ErrSettings, http.StatusUnprocessableEntity, "settings_invalid"},
	{tenant.ErrNoSecret, http.StatusNotFound, "secret_not_found"},
	{tenant.ErrSecretStale, http.StatusConflict, "conflict"},
	{tenant.ErrSecret, http.StatusUnprocessableEntity, "secret_invalid"},
	{tenant.ErrSecretInUse, http.StatusConflict, "secret_in_use"},
	{tenant.ErrNoKey, http.StatusServiceUnavailable, "secret_sealed"},
	{tenant.ErrNoToken, http.StatusNotFound, "token_not_found"},
	{tenant.ErrTokenExists, http.StatusConflict, "token_exists"},
	{tenant.ErrTooManyTokens, http.StatusConflict, "too_many"},
	{tenant.ErrInvalid, http.StatusBadRequest, "token_invalid"},
	{tenant.ErrAbove, http.StatusForbidden, "above_grants"},
	{tenant.ErrCSRF, http.StatusForbidden, "csrf"},
	{ErrExtension, http.StatusUnprocessableEntity, "extension_invalid"},
	{ErrNoPager, http.StatusConflict, "no_pagerduty"},
	{ErrDashboards, http.StatusBadGateway, "dashboards_unavailable"},
	{delivery.ErrNotFound, http.StatusNotFound, "deployment_not_found"},
	{delivery.ErrConflict, http.StatusConflict, "conflict"},
	{delivery.ErrEnded, http.StatusConflict, "deployment_ended"},
	{delivery.ErrNotNow, http.StatusConflict, "not_now"},
	{delivery.ErrSplit, http.StatusConflict, "alias_split"},
	{delivery.ErrInvalid, http.StatusBadRequest, "invalid_request"},
	{alerting.ErrSilence, http.StatusUnprocessableEntity, "silence_invalid"},
	{alerting.ErrNoSilence, http.StatusNotFound, "silence_not_found"},
	{alerting.ErrUnsigned, http.StatusUnauthorized, "webhook_unsigned"},
	{alerting.ErrNoSecret, http.StatusServiceUnavailable, "unavailable"},
	{alerting.ErrNoIncident, http.StatusNotFound, "incident_not_found"},
	{alerting.ErrNoDrill, http.StatusNotFound, "test_not_found"},
	{alerting.ErrNoAlerts, http.StatusConflict, "alerts_off"},
	{alerting.ErrNoHistory, http.StatusConflict, "no_history"},
	{alerting.ErrTooMuchHistory, http.StatusUnprocessableEntity, "too_much_history"},
	{dashgen.ErrRules, http.StatusBadRequest, "invalid_request"},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout"},
	{context.Canceled, statusClientClosed, "client_closed"},
}

// statusClientClosed is never seen by anyone: the client has left.
const statusClientClosed = 499

// translate turns any error into a problem. What it does not know is internal:
// the client learns nothing of it but that it happened.
func (a *api) translate(err error) *problem {
	var done *problem
	if errors.As(err, &done) {
		return done
	}
	if a.cfg.Translate != nil {
		if p, ok := a.cfg.Translate(err); ok {
			if p.Title == "" {
				p.Title = title(p.Status)
			}
			return &problem{Problem: p}
		}
	}
	var name *function.NameError
	if errors.As(err, &name) {
		return refuse(http.StatusBadRequest, "name_invalid", "%s", name.Error())
	}
	var manifest *function.ManifestError
	if errors.As(err, &manifest) {
		return refuse(http.StatusUnprocessableEntity, "manifest_invalid", "%s", manifest.Error())
	}
	if p := tenancyProblem(err); p != nil {
		return p
	}
	var active *delivery.ActiveError
	if errors.As(err, &active) {
		return refuse(http.StatusConflict, "deployment_active", "%s", active.Error())
	}
	var frozen *delivery.FrozenError
	if errors.As(err, &frozen) {
		return refuse(http.StatusLocked, "frozen", "%s", frozen.Error())
	}
	for _, row := range table {
		if errors.Is(err, row.is) {
			return refuse(row.status, row.code, "%s", err.Error())
		}
	}
	p := refuse(http.StatusInternalServerError, "internal", "Hadron failed to answer this; its log says why.")
	p.cause = err
	return p
}

// tenancyProblem knows the errors of teams and secrets that carry more than a sentinel;
// nil for any other.
func tenancyProblem(err error) *problem {
	var scope *tenant.ScopeError
	var quota *tenant.QuotaError
	var missing *tenant.MissingSecretsError
	switch {
	case errors.As(err, &scope):
		return refuse(http.StatusBadRequest, "name_invalid", "%s", scope.Error())
	case errors.As(err, &quota):
		return refuse(http.StatusForbidden, "quota_exceeded", "%s", sentence(quota.Error()))
	case errors.As(err, &missing):
		return refuse(http.StatusUnprocessableEntity, "secret_missing", "%s", sentence(missing.Error()))
	}
	return nil
}

// sentence begins a text in upper case.
func sentence(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-'a'+'A') + text[1:]
}

// The codes for what huma and the mux refuse by themselves.
var statusCodes = map[int]string{
	http.StatusBadRequest:            "invalid_request",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "request_timeout",
	http.StatusRequestEntityTooLarge: "body_too_large",
	http.StatusUnprocessableEntity:   "invalid_request",
}

// rewrite is a huma transformer: huma's own refusals leave as ours. What could
// not be read is 400 here, whatever huma thinks: 422 is for source and manifest.
func rewrite(ctx huma.Context, _ string, v any) (any, error) {
	switch v := v.(type) {
	case *problem:
		return &v.Problem, nil
	case *huma.ErrorModel:
		status := v.Status
		if status == http.StatusUnprocessableEntity {
			status = http.StatusBadRequest
		}
		if c, ok := ctx.(*callContext); ok {
			c.status = status
		}
		code, known := statusCodes[status]
		if !known {
			code = "internal"
		}
		return &wire.Problem{Title: title(status), Status: status, Code: code, Detail: detail(v)}, nil
	}
	return v, nil
}

// detail puts huma's findings into one sentence, without the values they are about.
func detail(m *huma.ErrorModel) string {
	if m.Status >= http.StatusInternalServerError {
		return "Hadron failed to answer this; its log says why."
	}
	var found []string
	for _, e := range m.Errors {
		if e == nil {
			continue
		}
		if e.Location == "" {
			found = append(found, e.Message)
			continue
		}
		found = append(found, strings.ReplaceAll(e.Location, ".", " ")+": "+e.Message)
	}
	if len(found) == 0 {
		return m.Detail
	}
	return strings.Join(found, "; ")
}

// writeProblem answers outside of huma.
func writeProblem(w http.ResponseWriter, p *problem) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", wire.ProblemType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p.Problem)
}
