package grafanatest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type folder struct {
	ID      int64
	UID     string
	Title   string
	Version int64
	access  []access
}

// access is one line of a folder's permissions.
type access struct {
	Role       string `json:"role"`
	TeamID     int64  `json:"teamId"`
	Permission int64  `json:"permission"`
}

// defaultAccess is what a new folder has.
func defaultAccess() []access {
	return []access{{Role: "Viewer", Permission: 1}, {Role: "Editor", Permission: 2}}
}

var permissionNames = map[int64]string{1: "View", 2: "Edit", 4: "Admin"}

// permissionRoute answers for who may do what with a folder.
func (s *Server) permissionRoute(r *http.Request, who role, f *folder) (int, any) {
	switch {
	case r.Method == http.MethodGet:
		out := []map[string]any{}
		for _, a := range f.access {
			out = append(out, map[string]any{
				"folderId": f.ID, "userId": 0, "userLogin": "", "userEmail": "", "userAvatarUrl": "/public/img/user_profile.png",
				"teamId": a.TeamID, "teamEmail": "", "teamAvatarUrl": "", "team": s.teams[a.TeamID], "role": a.Role,
				"permission": a.Permission, "permissionName": permissionNames[a.Permission],
				"uid": f.UID, "title": f.Title, "slug": slug(f.Title), "isFolder": true, "url": f.url(), "inherited": false,
			})
		}
		return http.StatusOK, out
	case r.Method == http.MethodPost && who < admin:
		return denied("folders.permissions:write")
	case r.Method == http.MethodPost:
		var body struct{ Items []access }
		if !read(r, &body) {
			return badData()
		}
		f.access = body.Items
		return http.StatusOK, message("Dashboard permissions updated")
	}
	return http.StatusNotFound, message("Not found")
}

// searchTeams finds teams by a part of their name.
func (s *Server) searchTeams(r *http.Request) (int, any) {
	found := []map[string]any{}
	for id, name := range s.teams {
		if strings.Contains(name, r.URL.Query().Get("query")) {
			found = append(found, map[string]any{"id": id, "name": name})
		}
	}
	return http.StatusOK, map[string]any{"totalCount": len(found), "teams": found, "page": 1, "perPage": 1000}
}

func (f *folder) brief() map[string]any {
	return map[string]any{"id": f.ID, "uid": f.UID, "title": f.Title}
}

func (f *folder) url() string { return "/dashboards/f/" + f.UID + "/" + slug(f.Title) }

func (f *folder) whole() map[string]any {
	return map[string]any{
		"id": f.ID, "uid": f.UID, "title": f.Title, "version": f.Version, "url": f.url(),
		"hasAcl": false, "canSave": true, "canEdit": true, "canAdmin": true, "canDelete": true,
		"createdBy": "Anonymous", "updatedBy": "Anonymous",
	}
}

func (s *Server) folderRoute(r *http.Request, who role, rest []string) (int, any) {
	if len(rest) > 2 || len(rest) == 2 && rest[1] != "permissions" {
		return http.StatusNotFound, message("Not found")
	}
	if len(rest) == 0 {
		switch r.Method {
		case http.MethodGet:
			return s.listFolders(r)
		case http.MethodPost:
			if who < editor {
				return denied("folders:create")
			}
			return s.createFolder(r)
		}
		return http.StatusNotFound, message("Not found")
	}
	if who < editor && r.Method != http.MethodGet {
		return denied("folders:write")
	}
	f := s.folders[rest[0]]
	if f == nil {
		return http.StatusNotFound, refused("not-found", "folder not found")
	}
	if len(rest) == 2 {
		return s.permissionRoute(r, who, f)
	}
	switch r.Method {
	case http.MethodGet:
		return http.StatusOK, f.whole()
	case http.MethodPut:
		return s.updateFolder(r, f)
	case http.MethodDelete:
		return s.deleteFolder(r, f)
	}
	return http.StatusNotFound, message("Not found")
}

func (s *Server) listFolders(r *http.Request) (int, any) {
	all := make([]map[string]any, 0, len(s.folders))
	for _, f := range sorted(s.folders, func(f *folder) string { return f.Title }) {
		all = append(all, f.brief())
	}
	return http.StatusOK, paged(r, all)
}

func paged(r *http.Request, all []map[string]any) []map[string]any {
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return n
		}
		return otherwise
	}
	limit := min(number("limit", 1000), 5000)
	from := min((number("page", 1)-1)*limit, len(all))
	return all[from:min(from+limit, len(all))]
}

func sorted[V any](m map[string]V, by func(V) string) []V {
	out := make([]V, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b V) int { return strings.Compare(by(a), by(b)) })
	return out
}

// takenTitle says whether another folder, or a dashboard outside all folders, has a title.
func (s *Server) takenTitle(title, uid string) bool {
	for _, f := range s.folders {
		if f.Title == title && f.UID != uid {
			return true
		}
	}
	for _, d := range s.dashboards {
		if d.Title == title && d.FolderUID == "" {
			return true
		}
	}
	return false
}

func (s *Server) createFolder(r *http.Request) (int, any) {
	var body struct{ UID, Title string }
	if !read(r, &body) {
		return badData()
	}
	switch {
	case body.Title == "":
		return http.StatusBadRequest, message("folder title cannot be empty")
	case badUID(body.UID) != "":
		return http.StatusBadRequest, message("%s", badUID(body.UID))
	case s.folders[body.UID] != nil || s.dashboards[body.UID] != nil:
		return http.StatusPreconditionFailed, refused("version-mismatch", "the folder has been changed by someone else")
	case s.takenTitle(body.Title, body.UID):
		return http.StatusConflict, message("a folder or dashboard in the general folder with the same name already exists")
	}
	f := &folder{ID: s.nextID(), UID: body.UID, Title: body.Title, Version: 1, access: defaultAccess()}
	if f.UID == "" {
		f.UID = "auto-" + strconv.FormatInt(f.ID, 10)
	}
	s.folders[f.UID] = f
	return http.StatusOK, f.whole()
}

func (s *Server) updateFolder(r *http.Request, f *folder) (int, any) {
	var body struct {
		Title     string
		Version   int64
		Overwrite bool
	}
	if !read(r, &body) {
		return badData()
	}
	switch {
	case body.Title == "":
		return http.StatusBadRequest, message("folder title cannot be empty")
	case !body.Overwrite && body.Version != f.Version:
		return http.StatusPreconditionFailed, refused("version-mismatch", "the folder has been changed by someone else")
	case s.takenTitle(body.Title, f.UID):
		return http.StatusConflict, message("a folder or dashboard in the general folder with the same name already exists")
	}
	f.Title = body.Title
	f.Version++
	return http.StatusOK, f.whole()
}

func (s *Server) deleteFolder(r *http.Request, f *folder) (int, any) {
	if s.rules[f.UID] && r.URL.Query().Get("forceDeleteRules") != "true" {
		return http.StatusBadRequest, message("folder cannot be deleted: folder contains alert rules")
	}
	for uid, d := range s.dashboards {
		if d.FolderUID == f.UID {
			delete(s.dashboards, uid) // as the real one does, of whomever they are
		}
	}
	delete(s.folders, f.UID)
	return http.StatusOK, map[string]any{"id": f.ID, "title": f.Title, "message": "Folder " + f.Title + " deleted"}
}
