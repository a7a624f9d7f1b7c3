package pagerdutytest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Service is a service as the account has it.
type Service struct {
	ID, Name, Description string
	Status                string // active or disabled
	EscalationPolicyID    string
	URL                   string
	Foreign               bool // made by AddForeignService
	Integrations          []Integration
	Changes               int // how often it was changed, through whichever door
}

// Integration is where events come in.
type Integration struct{ ID, Name, Type, Key string }

// drop deletes a service and what depends on it.
func (s *Server) drop(id string) {
	s.services = slices.DeleteFunc(s.services, func(v *service) bool { return v.ID == id })
	s.relations = slices.DeleteFunc(s.relations, func(r Relation) bool { return r.Supporting == id })
}

type service struct {
	Service
	created time.Time
	raw     map[string]any // what else it was made with
}

type restFailure struct {
	Error struct {
		Message string   `json:"message"`
		Code    int      `json:"code"`
		Errors  []string `json:"errors,omitempty"`
	} `json:"error"`
}

// Codes of PagerDuty's errors.
const (
	codeInvalid     = 2001
	codeAuth        = 2006
	codeAbility     = 2012
	codeRateLimited = 2020
	codeNotFound    = 2100
)

func restError(code int, message string, errs ...string) restFailure {
	var f restFailure
	f.Error.Code, f.Error.Message, f.Error.Errors = code, message, errs
	return f
}

func invalid(w http.ResponseWriter, errs ...string) {
	write(w, http.StatusBadRequest, restError(codeInvalid, "Invalid Input Provided", errs...))
}

func notFound(w http.ResponseWriter) {
	write(w, http.StatusNotFound, restError(codeNotFound, "Not Found"))
}

func (s *Server) serveREST(w http.ResponseWriter, r *http.Request, body []byte, bad error) {
	if r.Header.Get("Authorization") != "Token token="+s.Token {
		write(w, http.StatusUnauthorized, restError(codeAuth, "Authentication Failed"))
		return
	}
	left, reset, ok := s.rest.hit(time.Now())
	w.Header().Set("Ratelimit-Limit", strconv.Itoa(s.rest.most))
	w.Header().Set("Ratelimit-Remaining", strconv.Itoa(left))
	w.Header().Set("Ratelimit-Reset", s.rest.tell(reset))
	if !ok {
		write(w, http.StatusTooManyRequests, restError(codeRateLimited, "Rate Limit Exceeded"))
		return
	}
	if !strings.Contains(r.Header.Get("Accept"), "application/vnd.pagerduty+json") {
		invalid(w, "Accept header names no version")
		return
	}
	if bad != nil {
		invalid(w, bad.Error())
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch at := r.Method + " " + parts[0] + strings.Repeat("/*", len(parts)-1); {
	case at == "GET escalation_policies":
		s.listPolicies(w, r)
	case at == "GET services":
		s.listServices(w, r)
	case at == "POST services":
		s.postService(w, body)
	case at == "GET services/*":
		s.withService(w, parts[1], func(v *service) { write(w, http.StatusOK, map[string]any{"service": s.show(v)}) })
	case at == "PUT services/*":
		s.withService(w, parts[1], func(v *service) { s.putService(w, v, body) })
	case at == "DELETE services/*":
		s.withService(w, parts[1], func(v *service) {
			s.drop(v.ID)
			w.WriteHeader(http.StatusNoContent)
		})
	case at == "POST services/*/*" && parts[2] == "integrations":
		s.withService(w, parts[1], func(v *service) { s.postIntegration(w, v, body) })
	case at == "GET services/*/*/*" && parts[2] == "integrations":
		s.withService(w, parts[1], func(v *service) {
			for _, i := range v.Integrations {
				if i.ID == parts[3] {
					write(w, http.StatusOK, map[string]any{"integration": s.showIntegration(v, i)})
					return
				}
			}
			notFound(w)
		})
	case at == "GET incidents":
		s.listIncidents(w, r)
	case parts[0] == "business_services":
		s.serveBusiness(w, r, parts[1:], body)
	case parts[0] == "service_dependencies":
		s.serveDependencies(w, r, parts[1:], body)
	case parts[0] == "webhook_subscriptions":
		s.serveSubscriptions(w, r, parts[1:], body)
	default:
		notFound(w)
	}
}

func (s *Server) withService(w http.ResponseWriter, id string, do func(*service)) {
	for _, v := range s.services {
		if v.ID == id {
			do(v)
			return
		}
	}
	notFound(w)
}

// page cuts a list as PagerDuty does: 25 unless asked, 100 at most, none past 10,000.
func page[T any](w http.ResponseWriter, r *http.Request, items []T) (out []T, head map[string]any, ok bool) {
	number := func(name string, to int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n >= 0 {
			return n
		}
		return to
	}
	limit, offset := number("limit", 25), number("offset", 0)
	limit = min(max(limit, 1), 100)
	if offset+limit > 10_000 {
		invalid(w, "Offset must be less than 10,000")
		return nil, nil, false
	}
	from := min(offset, len(items))
	to := min(from+limit, len(items))
	return items[from:to], map[string]any{"limit": limit, "offset": offset, "more": to < len(items), "total": nil}, true
}

func (s *Server) listPolicies(w http.ResponseWriter, r *http.Request) {
	query := strings.ToLower(r.URL.Query().Get("query"))
	var found []Policy
	for _, p := range s.policies {
		if strings.Contains(strings.ToLower(p.Name), query) {
			found = append(found, p)
		}
	}
	part, head, ok := page(w, r, found)
	if !ok {
		return
	}
	list := make([]any, 0, len(part))
	for _, p := range part {
		list = append(list, map[string]any{
			"id": p.ID, "type": "escalation_policy", "summary": p.Name, "name": p.Name, "num_loops": 0, "teams": []any{}, "services": []any{},
			"self": s.URL + "/escalation_policies/" + p.ID, "html_url": s.page("escalation_policies", p.ID),
			"escalation_rules": []any{map[string]any{
				"id": "PRULE01", "escalation_delay_in_minutes": 30,
				"targets": []any{map[string]any{"id": "PUSER01", "type": "user_reference", "summary": "Someone"}},
			}},
		})
	}
	head["escalation_policies"] = list
	write(w, http.StatusOK, head)
}

// page is where the web app shows something.
func (s *Server) page(kind, id string) string {
	return "https://" + s.Name + ".pagerduty.com/" + kind + "/" + id
}

func (s *Server) listServices(w http.ResponseWriter, r *http.Request) {
	query, name := strings.ToLower(r.URL.Query().Get("query")), r.URL.Query().Get("name")
	var found []*service
	for _, v := range s.services {
		if strings.Contains(strings.ToLower(v.Name), query) && (name == "" || v.Name == name) {
			found = append(found, v)
		}
	}
	slices.SortStableFunc(found, func(a, b *service) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	part, head, ok := page(w, r, found)
	if !ok {
		return
	}
	list := make([]any, 0, len(part))
	for _, v := range part {
		list = append(list, s.show(v))
	}
	head["services"] = list
	write(w, http.StatusOK, head)
}

// show is a service as PagerDuty writes it: what belongs to it as references.
func (s *Server) show(v *service) map[string]any {
	integrations := make([]any, 0, len(v.Integrations))
	for _, i := range v.Integrations {
		integrations = append(integrations, map[string]any{
			"id": i.ID, "type": i.Type + "_reference", "summary": i.Name,
			"self": s.URL + "/services/" + v.ID + "/integrations/" + i.ID, "html_url": s.page("services", v.ID+"/integrations/"+i.ID),
		})
	}
	out := map[string]any{
		"auto_resolve_timeout": 14400, "acknowledgement_timeout": 1800, "alert_creation": "create_alerts_and_incidents",
		"incident_urgency_rule": map[string]any{"type": "constant", "urgency": "high"},
	}
	for k, x := range v.raw {
		out[k] = x
	}
	for k, x := range map[string]any{
		"id": v.ID, "type": "service", "summary": v.Name, "name": v.Name, "description": v.Description, "status": s.statusOf(v),
		"self": s.URL + "/services/" + v.ID, "html_url": v.URL, "created_at": v.created.Format(time.RFC3339), "teams": []any{},
		"integrations":      integrations,
		"escalation_policy": map[string]any{"id": v.EscalationPolicyID, "type": "escalation_policy_reference", "summary": "", "self": s.URL + "/escalation_policies/" + v.EscalationPolicyID},
	} {
		out[k] = x
	}
	return out
}

// statusOf is the worst of the open incidents' where the service is enabled.
func (s *Server) statusOf(v *service) string {
	if v.Status == "disabled" {
		return v.Status
	}
	status := "active"
	for _, in := range s.incidents {
		if in.ServiceID != v.ID {
			continue
		}
		if in.Status == Triggered {
			return "critical"
		}
		if in.Status == Acknowledged {
			status = "warning"
		}
	}
	return status
}

func (s *Server) showIntegration(v *service, i Integration) map[string]any {
	return map[string]any{
		"id": i.ID, "type": i.Type, "summary": i.Name, "name": i.Name, "integration_key": i.Key,
		"self": s.URL + "/services/" + v.ID + "/integrations/" + i.ID, "html_url": s.page("services", v.ID+"/integrations/"+i.ID),
		"service":    map[string]any{"id": v.ID, "type": "service_reference", "summary": v.Name},
		"created_at": v.created.Format(time.RFC3339),
	}
}

// asked is a service in a request. Pointers tell what is not there.
type asked struct {
	Name             *string `json:"name"`
	Description      *string `json:"description"`
	Status           *string `json:"status"`
	EscalationPolicy *struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"escalation_policy"`
	IncidentUrgencyRule *struct {
		Type    string `json:"type"`
		Urgency string `json:"urgency"`
	} `json:"incident_urgency_rule"`
}

func readService(w http.ResponseWriter, body []byte) (asked, map[string]any, bool) {
	var in struct {
		Service *asked `json:"service"`
	}
	var raw struct {
		Service map[string]any `json:"service"`
	}
	if json.Unmarshal(body, &in) != nil || in.Service == nil || json.Unmarshal(body, &raw) != nil {
		invalid(w, "Service is missing")
		return asked{}, nil, false
	}
	return *in.Service, raw.Service, true
}

// check returns what PagerDuty refuses of a service.
func (s *Server) check(in asked, self *service) (status, code int, errs []string) {
	if in.Name != nil || self == nil {
		name := ""
		if in.Name != nil {
			name = strings.TrimSpace(*in.Name)
		}
		bad := strings.ContainsAny(name, `\/&<>`) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
		switch {
		case name == "":
			errs = append(errs, "Name can't be blank")
		case bad:
			errs = append(errs, "Name must not contain '\\', '/', '&', '<', '>', or non-printable characters")
		case len(name) > 255:
			errs = append(errs, "Name is too long (maximum is 255 characters)")
		}
		for _, v := range s.services {
			if v != self && strings.EqualFold(v.Name, name) {
				errs = append(errs, "Name has already been taken")
			}
		}
	}
	if in.EscalationPolicy != nil || self == nil {
		known := in.EscalationPolicy != nil && slices.ContainsFunc(s.policies, func(p Policy) bool { return p.ID == in.EscalationPolicy.ID })
		if !known {
			errs = append(errs, "Escalation policy can't be blank")
		}
	}
	if in.Status != nil && (self == nil && *in.Status != "active" || self != nil && *in.Status != "active" && *in.Status != "disabled") {
		errs = append(errs, "Status is invalid")
	}
	if u := in.IncidentUrgencyRule; u != nil && u.Urgency == "severity_based" && s.noUrgency {
		return http.StatusPaymentRequired, codeAbility, []string{"Account does not have the urgencies ability"}
	}
	return http.StatusBadRequest, codeInvalid, errs
}

func (s *Server) refused(w http.ResponseWriter, in asked, self *service) bool {
	status, code, errs := s.check(in, self)
	if len(errs) == 0 {
		return false
	}
	write(w, status, restError(code, "Invalid Input Provided", errs...))
	return true
}

func (s *Server) postService(w http.ResponseWriter, body []byte) {
	in, raw, ok := readService(w, body)
	if !ok || s.refused(w, in, nil) {
		return
	}
	v := &service{created: time.Now().UTC(), raw: map[string]any{}, Service: Service{
		ID: s.id(), Name: strings.TrimSpace(*in.Name), Status: "active", EscalationPolicyID: in.EscalationPolicy.ID,
	}}
	if in.Description != nil {
		v.Description = *in.Description
	}
	v.URL = s.page("service-directory", v.ID)
	v.keep(raw)
	s.services = append(s.services, v)
	write(w, http.StatusCreated, map[string]any{"service": s.show(v)})
}

// keep takes over what has no meaning here.
func (v *service) keep(raw map[string]any) {
	for _, k := range []string{"auto_resolve_timeout", "acknowledgement_timeout", "incident_urgency_rule"} {
		if x, ok := raw[k]; ok {
			v.raw[k] = x
		}
	}
}

func (s *Server) putService(w http.ResponseWriter, v *service, body []byte) {
	in, raw, ok := readService(w, body)
	if !ok || s.refused(w, in, v) {
		return
	}
	v.Changes++
	if in.Name != nil {
		v.Name = strings.TrimSpace(*in.Name)
	}
	if in.Description != nil {
		v.Description = *in.Description
	}
	if in.Status != nil {
		v.Status = *in.Status
	}
	if in.EscalationPolicy != nil {
		v.EscalationPolicyID = in.EscalationPolicy.ID
	}
	v.keep(raw)
	write(w, http.StatusOK, map[string]any{"service": s.show(v)})
}

func (s *Server) postIntegration(w http.ResponseWriter, v *service, body []byte) {
	var in struct {
		Integration struct {
			Type string `json:"type"`
			Name string `json:"name"`
		} `json:"integration"`
	}
	if json.Unmarshal(body, &in) != nil || in.Integration.Type != "events_api_v2_inbound_integration" {
		invalid(w, "Type is invalid")
		return
	}
	name := in.Integration.Name
	if name == "" {
		name = "Events API v2"
	}
	i := Integration{ID: s.id(), Name: name, Type: in.Integration.Type, Key: random(16)}
	v.Integrations = append(v.Integrations, i)
	v.Changes++
	write(w, http.StatusCreated, map[string]any{"integration": s.showIntegration(v, i)})
}
