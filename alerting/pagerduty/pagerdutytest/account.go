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
	s.services = slices.DeleteFunc(s.services, func(v *service) bool { return v.ID == id })
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
