package pagerdutytest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// BusinessService is a business service as the account has it.
type BusinessService struct {
	ID, Name, Description string
	Foreign               bool // made by AddForeignBusinessService
	Changes               int
}

// Relation says that a service, or business service, supports a business service.
type Relation struct{ Supporting, Dependent string }

// BusinessServices returns all, in the order of their making.
func (s *Server) BusinessServices() []BusinessService {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]BusinessService, len(s.business))
	for i, b := range s.business {
		out[i] = *b
	}
	return out
}

// Relations returns what supports what.
func (s *Server) Relations() []Relation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.relations)
}

// AddForeignBusinessService makes one as somebody else would, and returns its id.
func (s *Server) AddForeignBusinessService(name, description string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	b := &BusinessService{ID: s.id(), Name: name, Description: description, Foreign: true}
	s.business = append(s.business, b)
	return b.ID
}

// Relate has one service support a business service, as a person would.
func (s *Server) Relate(supporting, dependent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	s.relations = append(s.relations, Relation{supporting, dependent})
}

// EditBusinessService changes one as a person would; a nil change deletes it.
func (s *Server) EditBusinessService(id string, change func(*BusinessService)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	if change == nil {
		s.dropBusiness(id)
		return
	}
	for _, b := range s.business {
		if b.ID == id {
			change(b)
			b.Changes++
		}
	}
}

// WithoutBusinessServices makes the account one whose plan has none.
func (s *Server) WithoutBusinessServices() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noBusiness = true
}

func (s *Server) dropBusiness(id string) {
	s.business = slices.DeleteFunc(s.business, func(b *BusinessService) bool { return b.ID == id })
	s.relations = slices.DeleteFunc(s.relations, func(r Relation) bool { return r.Supporting == id || r.Dependent == id })
}

// tell is a time in seconds, as headers have it: whole ones, unless the span is short.
func (w *window) tell(d time.Duration) string {
	if w.span != 0 && w.span < time.Minute {
		return strconv.FormatFloat(d.Seconds()+0.001, 'f', 3, 64)
	}
	return strconv.Itoa(int(d.Seconds()) + 1)
}

func (s *Server) listIncidents(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	services, statuses := q["service_ids[]"], q["statuses[]"]
	list := []any{}
	for _, in := range s.incidents {
		if len(services) > 0 && !slices.Contains(services, in.ServiceID) || len(statuses) > 0 && !slices.Contains(statuses, in.Status) {
			continue
		}
		list = append(list, map[string]any{
			"id": in.ID, "type": "incident", "summary": in.Summary, "title": in.Summary, "status": in.Status, "incident_key": in.DedupKey,
			"self": s.URL + "/incidents/" + in.ID, "html_url": s.page("incidents", in.ID),
			"service": map[string]any{"id": in.ServiceID, "type": "service_reference"},
		})
	}
	part, head, ok := page(w, r, list)
	if !ok {
		return
	}
	head["incidents"] = part
	write(w, http.StatusOK, head)
}

func (s *Server) showBusiness(b *BusinessService) map[string]any {
	return map[string]any{
		"id": b.ID, "type": "business_service", "name": b.Name, "summary": b.Name, "description": b.Description, "point_of_contact": "",
		"self": s.URL + "/business_services/" + b.ID, "html_url": nil, "team": nil,
	}
}

func (s *Server) serveBusiness(w http.ResponseWriter, r *http.Request, rest []string, body []byte) {
	if s.noBusiness {
		write(w, http.StatusForbidden, restError(codeAbility, "Account does not have the business_services ability"))
		return
	}
	if len(rest) == 0 && r.Method == http.MethodGet {
		list := make([]any, 0, len(s.business))
		for _, b := range s.business {
			list = append(list, s.showBusiness(b))
		}
		if part, head, ok := page(w, r, list); ok {
			head["business_services"] = part
			write(w, http.StatusOK, head)
		}
		return
	}
	var in struct {
		Service *struct {
			Name        *string `json:"name"`
			Description *string `json:"description"`
		} `json:"business_service"`
	}
	if r.Method != http.MethodDelete && (json.Unmarshal(body, &in) != nil || in.Service == nil) {
		invalid(w, "Business service is missing")
		return
	}
	if len(rest) == 0 {
		if in.Service.Name == nil || s.badBusinessName(*in.Service.Name, nil) {
			invalid(w, "Name has already been taken")
			return
		}
		b := &BusinessService{ID: s.id(), Name: *in.Service.Name}
		if in.Service.Description != nil {
			b.Description = *in.Service.Description
		}
		s.business = append(s.business, b)
		write(w, http.StatusOK, map[string]any{"business_service": s.showBusiness(b)})
		return
	}
	at := slices.IndexFunc(s.business, func(b *BusinessService) bool { return b.ID == rest[0] })
	if at < 0 {
		notFound(w)
		return
	}
	b := s.business[at]
	if r.Method == http.MethodDelete {
		s.dropBusiness(b.ID)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if in.Service.Name != nil && s.badBusinessName(*in.Service.Name, b) {
		invalid(w, "Name has already been taken")
		return
	}
	b.Changes++
	if in.Service.Name != nil {
		b.Name = *in.Service.Name
	}
	if in.Service.Description != nil {
		b.Description = *in.Service.Description
	}
	write(w, http.StatusOK, map[string]any{"business_service": s.showBusiness(b)})
}

func (s *Server) badBusinessName(name string, self *BusinessService) bool {
	return strings.TrimSpace(name) == "" || slices.ContainsFunc(s.business, func(b *BusinessService) bool {
		return b != self && strings.EqualFold(b.Name, name)
	})
}

type relationBody struct {
	Supporting struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"supporting_service"`
	Dependent struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"dependent_service"`
}

// serveDependencies is stricter than PagerDuty may be: what is associated already, or is
// not, is refused.
func (s *Server) serveDependencies(w http.ResponseWriter, r *http.Request, rest []string, body []byte) {
	if len(rest) == 2 {
		if !slices.ContainsFunc(s.business, func(b *BusinessService) bool { return b.ID == rest[1] }) {
			notFound(w)
			return
		}
		var found []Relation
		for _, rel := range s.relations {
			if rel.Supporting == rest[1] || rel.Dependent == rest[1] {
				found = append(found, rel)
			}
		}
		s.writeRelations(w, found)
		return
	}
	var in struct {
		Relationships []relationBody `json:"relationships"`
	}
	if json.Unmarshal(body, &in) != nil || len(in.Relationships) == 0 {
		invalid(w, "Relationships are missing")
		return
	}
	var asked []Relation
	for _, rel := range in.Relationships {
		one := Relation{rel.Supporting.ID, rel.Dependent.ID}
		technical := slices.ContainsFunc(s.services, func(v *service) bool { return v.ID == one.Supporting })
		dependent := slices.ContainsFunc(s.business, func(b *BusinessService) bool { return b.ID == one.Dependent })
		if !technical || !dependent || rel.Supporting.Type != "service" || rel.Dependent.Type != "business_service" {
			notFound(w)
			return
		}
		if slices.Contains(s.relations, one) == (rest[0] == "associate") {
			invalid(w, "Relationship cannot be changed so")
			return
		}
		asked = append(asked, one)
	}
	for _, one := range asked {
		if rest[0] == "associate" {
			s.relations = append(s.relations, one)
		} else {
			s.relations = slices.DeleteFunc(s.relations, func(rel Relation) bool { return rel == one })
		}
	}
	s.writeRelations(w, asked)
}

func (s *Server) writeRelations(w http.ResponseWriter, list []Relation) {
	out := make([]any, 0, len(list))
	for _, rel := range list {
		kind := "technical_service_reference"
		if slices.ContainsFunc(s.business, func(b *BusinessService) bool { return b.ID == rel.Supporting }) {
			kind = "business_service_reference"
		}
		out = append(out, map[string]any{
			"id": "D" + rel.Supporting + rel.Dependent, "type": "service_dependency",
			"supporting_service": map[string]any{"id": rel.Supporting, "type": kind},
			"dependent_service":  map[string]any{"id": rel.Dependent, "type": "business_service_reference"},
		})
	}
	write(w, http.StatusOK, map[string]any{"relationships": out})
}
