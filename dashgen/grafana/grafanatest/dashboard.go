package grafanatest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type dashboard struct {
	ID        int64
	UID       string
	Title     string
	FolderUID string
	Version   int64
	Model     map[string]any
	Message   string // of the last save
}

func (d *dashboard) url() string { return "/d/" + d.UID + "/" + slug(d.Title) }

// by is who saved last: the service account says why, a person seldom does.
func (d *dashboard) by() string {
	if d.Message == "" {
		return "ada"
	}
	return "sa-hadron"
}

func (d *dashboard) tags() []string {
	list, _ := d.Model["tags"].([]any)
	tags := []string{}
	for _, tag := range list {
		if text, ok := tag.(string); ok {
			tags = append(tags, text)
		}
	}
	slices.Sort(tags)
	return tags
}

func (s *Server) dashboardRoute(r *http.Request, who role, rest []string) (int, any) {
	switch {
	case r.Method == http.MethodPost && len(rest) == 1 && rest[0] == "db":
		if who < editor {
			return denied("any of dashboards:create, dashboards:write")
		}
		return s.saveDashboard(r)
	case len(rest) == 3 && rest[0] == "uid" && rest[2] == "versions" && r.Method == http.MethodGet:
		d := s.dashboards[rest[1]]
		if d == nil {
			return http.StatusBadRequest, map[string]any{"message": "failed to get dashboard by UID", "traceID": ""}
		}
		return http.StatusOK, []map[string]any{{"uid": d.UID, "version": d.Version, "message": d.Message, "createdBy": d.by()}}
	case len(rest) == 2 && rest[0] == "uid" && r.Method != http.MethodPost:
		d := s.dashboards[rest[1]]
		if d == nil {
			return http.StatusNotFound, message("Dashboard not found")
		}
		if r.Method == http.MethodGet {
			return http.StatusOK, map[string]any{"meta": s.meta(d), "dashboard": d.Model}
		}
		if who < editor {
			return denied("dashboards:delete")
		}
		delete(s.dashboards, d.UID)
		return http.StatusOK, map[string]any{"id": d.ID, "title": d.Title, "message": "Dashboard " + d.Title + " deleted"}
	}
	return http.StatusNotFound, message("Not found")
}

func (s *Server) meta(d *dashboard) map[string]any {
	meta := map[string]any{
		"type": "db", "slug": slug(d.Title), "url": d.url(), "version": d.Version,
		"canSave": true, "canEdit": true, "canAdmin": true, "canStar": true, "canDelete": true,
		"isFolder": false, "provisioned": false, "folderId": 0, "folderUid": "", "folderTitle": "General", "folderUrl": "",
	}
	if f := s.folders[d.FolderUID]; f != nil {
		meta["folderId"], meta["folderUid"], meta["folderTitle"], meta["folderUrl"] = f.ID, f.UID, f.Title, f.url()
	}
	return meta
}

// saveDashboard follows the recordings, down to what a title does: without
// overwrite a taken one is refused, with it the other dashboard is written into.
func (s *Server) saveDashboard(r *http.Request) (int, any) {
	var body struct {
		Dashboard map[string]any
		FolderUID string `json:"folderUid"`
		FolderID  int64  `json:"folderId"`
		Overwrite bool
		Message   string
	}
	if !read(r, &body) || body.Dashboard == nil {
		return badData()
	}
	text := func(key string) string { v, _ := body.Dashboard[key].(string); return strings.TrimSpace(v) }
	title, uid := text("title"), text("uid")
	number := func(key string) int64 { v, _ := body.Dashboard[key].(float64); return int64(v) }
	folder := s.folders[body.FolderUID]
	if body.FolderUID == "" && body.FolderID > 0 {
		for _, f := range s.folders {
			if f.ID == body.FolderID {
				folder = f
			}
		}
		if folder == nil {
			return http.StatusNotFound, message("Folder not found")
		}
	}
	switch {
	case body.FolderUID != "" && folder == nil:
		return http.StatusBadRequest, message("Folder not found")
	case title == "":
		return http.StatusBadRequest, refused("empty-name", "Dashboard title cannot be empty")
	case badUID(uid) != "":
		return http.StatusBadRequest, message("%s", badUID(uid))
	case folder != nil && strings.EqualFold(folder.Title, title):
		return http.StatusBadRequest, refused("name-match", "Dashboard name cannot be the same as folder")
	}
	folderUID := ""
	if folder != nil {
		folderUID = folder.UID
	}
	existing := s.dashboards[uid]
	if id := number("id"); id > 0 {
		if existing = s.byID(id); existing == nil {
			return http.StatusNotFound, refused("not-found", "Dashboard not found")
		}
	}
	if existing != nil && !body.Overwrite && number("version") != existing.Version {
		return http.StatusPreconditionFailed, refused("version-mismatch", "The dashboard has been changed by someone else")
	}
	if other := s.byTitle(title, folderUID); other != nil && other != existing {
		if !body.Overwrite {
			return http.StatusPreconditionFailed, refused("name-exists", "A dashboard with the same name in the folder already exists")
		}
		existing = other
	}
	if existing == nil {
		existing = &dashboard{ID: s.nextID(), UID: uid}
		if uid == "" {
			existing.UID = "auto-" + strconv.FormatInt(existing.ID, 10)
		}
		s.dashboards[existing.UID] = existing
	}
	d := existing
	d.Title, d.FolderUID, d.Version, d.Message = title, folderUID, d.Version+1, body.Message
	d.Model = maps.Clone(body.Dashboard)
	d.Model["id"], d.Model["uid"], d.Model["version"], d.Model["title"] = d.ID, d.UID, d.Version, title
	return http.StatusOK, map[string]any{
		"id": d.ID, "uid": d.UID, "slug": slug(title), "status": "success", "url": d.url(), "version": d.Version,
	}
}

func (s *Server) byID(id int64) *dashboard {
	for _, d := range s.dashboards {
		if d.ID == id {
			return d
		}
	}
	return nil
}

func (s *Server) byTitle(title, folderUID string) *dashboard {
	for _, d := range s.dashboards {
		if d.FolderUID == folderUID && d.Title == title {
			return d
		}
	}
	return nil
}

func (s *Server) search(r *http.Request) (int, any) {
	q := r.URL.Query()
	all := []map[string]any{}
	for _, d := range sorted(s.dashboards, func(d *dashboard) string { return d.Title + "\x00" + d.UID }) {
		if s.matches(d, q) {
			all = append(all, s.found(d))
		}
	}
	return http.StatusOK, paged(r, all)
}

func (s *Server) matches(d *dashboard, q map[string][]string) bool {
	get := func(key string) string { return strings.Join(q[key], "") }
	if kind := get("type"); kind != "" && kind != "dash-db" {
		return false
	}
	tags := d.tags()
	for _, tag := range q["tag"] {
		if !slices.Contains(tags, tag) {
			return false
		}
	}
	if uids := q["dashboardUIDs"]; len(uids) > 0 && !slices.Contains(uids, d.UID) {
		return false
	}
	if !strings.Contains(strings.ToLower(d.Title), strings.ToLower(get("query"))) {
		return false
	}
	if ids := q["folderIds"]; len(ids) > 0 { // by uid newer ones filter; 9.3 does not know it
		id := "0"
		if f := s.folders[d.FolderUID]; f != nil {
			id = strconv.FormatInt(f.ID, 10)
		}
		return slices.Contains(ids, id)
	}
	return true
}

func (s *Server) found(d *dashboard) map[string]any {
	out := map[string]any{
		"id": d.ID, "uid": d.UID, "title": d.Title, "uri": "db/" + slug(d.Title), "url": d.url(), "slug": "",
		"type": "dash-db", "tags": d.tags(), "isStarred": false, "sortMeta": 0,
	}
	if f := s.folders[d.FolderUID]; f != nil {
		out["folderId"], out["folderUid"], out["folderTitle"], out["folderUrl"] = f.ID, f.UID, f.Title, f.url()
	}
	return out
}
