package pagerdutytest

import (
	"slices"
	"time"
)

// Services returns all services, in the order of their making.
func (s *Server) Services() []Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Service, 0, len(s.services))
	for _, v := range s.services {
		c := v.Service
		c.Integrations = slices.Clone(v.Integrations)
		out = append(out, c)
	}
	return out
}

// Service returns the service of that id.
func (s *Server) Service(id string) (Service, bool) {
	for _, v := range s.Services() {
		if v.ID == id {
			return v, true
		}
	}
	return Service{}, false
}

// Events returns all accepted events, in order.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Incidents returns all incidents, open and resolved, in the order of their opening.
func (s *Server) Incidents() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Incident, 0, len(s.incidents))
	for _, in := range s.incidents {
		out = append(out, *in)
	}
	return out
}

// AddForeignService makes a service as somebody else would, with an integration of its
// own, and returns its id.
func (s *Server) AddForeignService(name, description string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	v := &service{created: time.Now().UTC(), raw: map[string]any{}, Service: Service{
		ID: s.id(), Name: name, Description: description, Status: "active", EscalationPolicyID: s.policies[0].ID, Foreign: true,
	}}
	v.URL = s.page("service-directory", v.ID)
	v.Integrations = []Integration{{ID: s.id(), Name: "Somebody's", Type: "events_api_v2_inbound_integration", Key: random(16)}}
	s.services = append(s.services, v)
	return v.ID
}

// Edit changes a service as a person in the web app would.
func (s *Server) Edit(id string, change func(*Service)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	for _, v := range s.services {
		if v.ID == id {
			change(&v.Service)
			v.Changes++
		}
	}
}

// Remove deletes a service as a person in the web app would.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	s.drop(id)
}

// AddEscalationPolicy makes an escalation policy and returns its id.
func (s *Server) AddEscalationPolicy(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	p := Policy{ID: s.id(), Name: name}
	s.policies = append(s.policies, p)
	return p.ID
}

// WithoutUrgencies makes the account one whose plan has no urgency by severity.
func (s *Server) WithoutUrgencies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noUrgency = true
}

// Manner is how a service's incidents behave, in seconds and PagerDuty's words.
type Manner struct {
	AutoResolve, Acknowledgement float64
	Urgency                      string
}

// Manner returns that of a service.
func (s *Server) Manner(id string) Manner {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m Manner
	for _, v := range s.services {
		if v.ID != id {
			continue
		}
		shown := s.show(v)
		m.AutoResolve, _ = shown["auto_resolve_timeout"].(float64)
		m.Acknowledgement, _ = shown["acknowledgement_timeout"].(float64)
		if rule, ok := shown["incident_urgency_rule"].(map[string]any); ok {
			m.Urgency, _ = rule["urgency"].(string)
		}
	}
	return m
}

// SetManner changes it as a person in the web app would.
func (s *Server) SetManner(id string, m Manner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	for _, v := range s.services {
		if v.ID == id {
			v.raw = map[string]any{
				"auto_resolve_timeout": m.AutoResolve, "acknowledgement_timeout": m.Acknowledgement,
				"incident_urgency_rule": map[string]any{"type": "constant", "urgency": m.Urgency},
			}
		}
	}
}

// Open opens an incident as a person in the web app would.
func (s *Server) Open(service, summary string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	s.incidents = append(s.incidents, &Incident{ID: "Q" + s.id(), ServiceID: service, Status: Triggered, Summary: summary})
}

// ResolveAll resolves a service's incidents as a person in the web app would.
func (s *Server) ResolveAll(service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	for _, in := range s.incidents {
		if in.ServiceID == service {
			in.Status = Resolved
		}
	}
}
