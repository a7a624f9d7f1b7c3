package grafanatest

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

type datasource struct {
	ID        int64
	UID       string
	Name      string
	Type      string
	Access    string
	URL       string
	IsDefault bool
	Version   int64
	JSONData  map[string]any
	Secure    map[string]string
}

func (d *datasource) whole() map[string]any {
	fields := map[string]any{}
	for key := range d.Secure {
		fields[key] = true
	}
	return map[string]any{
		"id": d.ID, "uid": d.UID, "orgId": 1, "name": d.Name, "type": d.Type, "typeLogoUrl": "",
		"access": d.Access, "url": d.URL, "user": "", "database": "", "basicAuth": false, "basicAuthUser": "",
		"withCredentials": false, "isDefault": d.IsDefault, "jsonData": d.JSONData, "secureJsonFields": fields,
		"version": d.Version, "readOnly": false,
	}
}

func (d *datasource) done(what string) (int, any) {
	return http.StatusOK, map[string]any{"datasource": d.whole(), "id": d.ID, "name": d.Name, "message": "Datasource " + what}
}

func (s *Server) datasourceRoute(r *http.Request, who role, rest []string) (int, any) {
	missing := func() (int, any) { return http.StatusNotFound, message("Data source not found") }
	if who < admin && r.Method != http.MethodGet {
		return denied(map[string]string{
			http.MethodPost: "datasources:create", http.MethodPut: "datasources:write", http.MethodDelete: "datasources:delete",
		}[r.Method])
	}
	switch {
	case len(rest) == 0 && r.Method == http.MethodPost:
		return s.createDatasource(r)
	case len(rest) == 0 && r.Method == http.MethodGet:
		all := make([]map[string]any, 0, len(s.datasources))
		for _, d := range sorted(s.datasources, func(d *datasource) string { return d.Name }) {
			entry := d.whole()
			for _, key := range []string{"basicAuthUser", "withCredentials", "secureJsonFields", "version"} {
				delete(entry, key)
			}
			all = append(all, entry)
		}
		return http.StatusOK, all
	case len(rest) == 2 && rest[0] == "uid":
		d := s.datasources[rest[1]]
		if d == nil {
			return missing()
		}
		switch r.Method {
		case http.MethodGet:
			return http.StatusOK, d.whole()
		case http.MethodPut:
			return s.updateDatasource(r, d)
		case http.MethodDelete:
			delete(s.datasources, d.UID)
			return http.StatusOK, map[string]any{"id": d.ID, "message": "Data source deleted"}
		}
	case len(rest) == 2 && rest[0] == "name" && r.Method != http.MethodPut:
		for _, d := range s.datasources {
			if d.Name != rest[1] {
				continue
			}
			if r.Method == http.MethodGet {
				return http.StatusOK, d.whole()
			}
			delete(s.datasources, d.UID)
			return http.StatusOK, map[string]any{"id": d.ID, "message": "Data source deleted"}
		}
		return missing()
	}
	// By numeric id newer versions refuse: nothing may rely on it.
	return http.StatusNotFound, message("Not found")
}

type datasourceBody struct {
	UID, Name, Type, Access, URL string
	IsDefault                    bool
	Version                      int64
	JSONData                     map[string]any
	SecureJSONData               map[string]string
}

func (b datasourceBody) bad() (int, any, bool) {
	if b.Name == "" || b.Type == "" || b.Access == "" {
		status, body := badData()
		return status, body, true
	}
	if _, err := url.Parse(b.URL); err != nil {
		return http.StatusBadRequest, message("Validation error, invalid URL"), true
	}
	return 0, nil, false
}

func (s *Server) createDatasource(r *http.Request) (int, any) {
	var body datasourceBody
	if !read(r, &body) {
		return badData()
	}
	if status, answer, bad := body.bad(); bad {
		return status, answer
	}
	for _, d := range s.datasources {
		if d.Name == body.Name {
			return http.StatusConflict, message("data source with the same name already exists")
		}
	}
	if s.datasources[body.UID] != nil {
		return http.StatusConflict, message("data source with the same uid already exists")
	}
	s.lastSource++
	d := &datasource{ID: s.lastSource, UID: body.UID}
	if d.UID == "" {
		d.UID = "source-" + strconv.FormatInt(d.ID, 10)
	}
	s.datasources[d.UID] = d
	d.take(body)
	return d.done("added")
}

func (s *Server) updateDatasource(r *http.Request, d *datasource) (int, any) {
	var body datasourceBody
	if !read(r, &body) {
		return badData()
	}
	if status, answer, bad := body.bad(); bad {
		return status, answer
	}
	for _, other := range s.datasources {
		if other != d && other.Name == body.Name {
			return http.StatusConflict, message("data source with the same name already exists")
		}
	}
	d.take(body)
	return d.done("updated")
}

// take keeps secrets that an update does not name.
func (d *datasource) take(b datasourceBody) {
	d.Name, d.Type, d.Access, d.URL, d.IsDefault = b.Name, b.Type, b.Access, b.URL, b.IsDefault
	d.Version = b.Version + 1
	d.JSONData = b.JSONData
	if d.JSONData == nil {
		d.JSONData = map[string]any{}
	}
	if d.Secure == nil {
		d.Secure = map[string]string{}
	}
	maps.Copy(d.Secure, b.SecureJSONData)
}
