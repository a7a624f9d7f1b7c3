package grafanatest

import (
	"net/http"
	"slices"
)

// Annotation is a mark as Grafana keeps it.
type Annotation struct {
	ID           int64    `json:"id"`
	DashboardUID string   `json:"dashboardUID,omitempty"`
	Time         int64    `json:"time"` // Unix milliseconds
	Text         string   `json:"text"`
	Tags         []string `json:"tags"`
}

// annotationRoute follows Grafana's documentation: a mark without text is refused, and
// one on a dashboard that is not there is not found.
func (s *Server) annotationRoute(r *http.Request, who role) (int, any) {
	if r.Method == http.MethodGet {
		found := []Annotation{}
		for _, a := range s.annotations {
			has := func(tag string) bool { return slices.Contains(a.Tags, tag) }
			if !slices.ContainsFunc(r.URL.Query()["tags"], func(tag string) bool { return !has(tag) }) {
				found = append(found, a)
			}
		}
		return http.StatusOK, found
	}
	if who < editor {
		return denied("annotations:create")
	}
	var a Annotation
	if !read(r, &a) {
		return badData()
	}
	if a.Text == "" {
		return http.StatusBadRequest, message("Failed to save annotation: text field should not be empty")
	}
	if a.DashboardUID != "" && s.dashboards[a.DashboardUID] == nil {
		return http.StatusNotFound, message("Dashboard not found")
	}
	a.ID = s.nextID()
	s.annotations = append(s.annotations, a)
	return http.StatusOK, map[string]any{"id": a.ID, "message": "Annotation added"}
}

// Annotations lists the marks in the order in which they came.
func (s *Server) Annotations() []Annotation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.annotations)
}
