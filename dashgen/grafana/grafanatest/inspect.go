package grafanatest

import (
	"encoding/json"
	"maps"
	"net/http"
)

// Folder is a folder as a test looks at it.
type Folder struct{ UID, Title string }

// Dashboard is a dashboard as a test looks at it.
type Dashboard struct {
	UID, Title, FolderUID string
	Tags                  []string
	Version               int64
	JSON                  []byte
}

// Datasource is a data source as a test looks at it: with the secrets that the
// real one never gives out again.
type Datasource struct {
	UID, Name, Type, URL string
	JSONData             map[string]any
	Secure               map[string]string
}

// Header is what Grafana sends when it asks the data source.
func (d Datasource) Header() http.Header {
	h := http.Header{}
	for _, n := range []string{"1", "2"} {
		if name, ok := d.JSONData["httpHeaderName"+n].(string); ok {
			h.Set(name, d.Secure["httpHeaderValue"+n])
		}
	}
	return h
}

// Folders lists all folders by title.
func (s *Server) Folders() []Folder {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Folder
	for _, f := range sorted(s.folders, func(f *folder) string { return f.Title + "\x00" + f.UID }) {
		out = append(out, Folder{f.UID, f.Title})
	}
	return out
}

// Dashboards lists all dashboards by title.
func (s *Server) Dashboards() []Dashboard {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Dashboard
	for _, d := range sorted(s.dashboards, func(d *dashboard) string { return d.Title + "\x00" + d.UID }) {
		text, err := json.Marshal(d.Model)
		if err != nil {
			panic(err) // it came in as JSON
		}
		out = append(out, Dashboard{d.UID, d.Title, d.FolderUID, d.tags(), d.Version, text})
	}
	return out
}

// Dashboard returns the dashboard of that uid.
func (s *Server) Dashboard(uid string) (Dashboard, bool) {
	for _, d := range s.Dashboards() {
		if d.UID == uid {
			return d, true
		}
	}
	return Dashboard{}, false
}

// Datasources lists all data sources by name.
func (s *Server) Datasources() []Datasource {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Datasource
	for _, d := range sorted(s.datasources, func(d *datasource) string { return d.Name }) {
		out = append(out, Datasource{d.UID, d.Name, d.Type, d.URL, maps.Clone(d.JSONData), maps.Clone(d.Secure)})
	}
	return out
}

// AddFolder adds somebody else's folder; an empty uid is chosen. It returns the uid.
func (s *Server) AddFolder(uid, title string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if uid == "" {
		uid = s.newUID()
	}
	s.folders[uid] = &folder{ID: s.nextID(), UID: uid, Title: title, Version: 1, access: defaultAccess()}
	return uid
}

// AddDashboard adds somebody else's dashboard, to no folder where folderUID is
// empty; an empty uid is chosen. It returns the uid.
func (s *Server) AddDashboard(folderUID, uid, title string, tags ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if uid == "" {
		uid = s.newUID()
	}
	list := make([]any, len(tags))
	for i, tag := range tags {
		list[i] = tag
	}
	d := &dashboard{ID: s.nextID(), UID: uid, Title: title, FolderUID: folderUID, Version: 1}
	d.Model = map[string]any{"id": d.ID, "uid": uid, "title": title, "version": 1, "tags": list, "panels": []any{}}
	s.dashboards[uid] = d
	return uid
}

// AddForeignDashboard adds a dashboard that no Hadron made and returns its uid.
func (s *Server) AddForeignDashboard(folderUID, title string) string {
	return s.AddDashboard(folderUID, "", title, "handmade")
}

// AddAlertRule makes a folder hold an alert rule, so that it is not deleted lightly.
func (s *Server) AddAlertRule(folderUID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules[folderUID] = true
}

// Edit changes a dashboard as a person does in the browser.
func (s *Server) Edit(uid string, change func(model map[string]any)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dashboards[uid]
	if d == nil {
		return false
	}
	text, err := json.Marshal(d.Model)
	if err != nil {
		panic(err)
	}
	model := map[string]any{}
	if err := json.Unmarshal(text, &model); err != nil {
		panic(err)
	}
	change(model)
	d.Version++
	d.Message = ""
	model["version"] = d.Version
	d.Model = model
	if title, ok := model["title"].(string); ok {
		d.Title = title
	}
	return true
}

// Move puts a dashboard into another folder.
func (s *Server) Move(uid, folderUID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.dashboards[uid]; d != nil {
		d.FolderUID = folderUID
		d.Version++
		d.Message = ""
		d.Model["version"] = d.Version
	}
}

// RemoveDashboard deletes a dashboard as a person does in the browser.
func (s *Server) RemoveDashboard(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dashboards, uid)
}

// RenameFolder renames a folder as a person does in the browser.
func (s *Server) RenameFolder(uid, title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.folders[uid]; f != nil {
		f.Title = title
		f.Version++
	}
}

// Permission is who may do what with a folder, as a test looks at it.
type Permission struct {
	Role, Team string
	Permission int64 // 1 view, 2 edit, 4 admin
}

// Permissions lists who may do what with a folder.
func (s *Server) Permissions(folderUID string) []Permission {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Permission
	if f := s.folders[folderUID]; f != nil {
		for _, a := range f.access {
			out = append(out, Permission{a.Role, s.teams[a.TeamID], a.Permission})
		}
	}
	return out
}

// AddTeam makes a team of people.
func (s *Server) AddTeam(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.teams == nil {
		s.teams = map[int64]string{}
	}
	s.teams[s.nextID()] = name
}
