package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	gapi "github.com/grafana/grafana-api-golang-client"
)

// client is the client library for one pass, with failures that can be told apart.
type client struct {
	api  *gapi.Client
	http *http.Client // for what the library has no call
	base string
}

func newClient(ctx context.Context, base string, t *transport) (client, error) {
	paced := &http.Client{
		Transport: within{t, ctx},
		// A redirect would carry the token to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	api, err := gapi.New(base, gapi.Config{Client: paced})
	if err != nil {
		return client{}, fmt.Errorf("make grafana client: %w", err)
	}
	return client{api, paced, base}, nil
}

// sayings are the message and the status word of an error's body.
func sayings(body []byte) (message, reason string) {
	var e struct{ Message, Status string }
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	return e.Message, e.Status
}

// told wraps a call's error with what was tried, without the library's and
// net/http's words around it, which repeat the address.
func told(doing string, err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func statusOf(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Status
	}
	return 0
}

func reasonOf(err error) string {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Reason
	}
	return ""
}

// page is how many results a search gives at once, and mostPages how many pages
// are read of it: more dashboards than 1,000,000 are not one Hadron's.
const (
	page      = 1000
	mostPages = 1000
)

// search reads all pages of a search. A page that fails fails it all: a partial
// list is no list.
func (c client) search(query url.Values) ([]gapi.FolderDashboardSearchResponse, error) {
	query.Set("limit", strconv.Itoa(page))
	var out []gapi.FolderDashboardSearchResponse
	for n := 1; n <= mostPages; n++ {
		query.Set("page", strconv.Itoa(n))
		found, err := c.api.FolderDashboardSearch(query)
		if err != nil {
			return nil, told("list dashboards", err)
		}
		out = append(out, found...)
		if len(found) < page {
			return out, nil
		}
	}
	return nil, fmt.Errorf("list dashboards: more than %d", page*mostPages)
}

func (c client) folders() (map[string]gapi.Folder, error) {
	found, err := c.api.Folders()
	if err != nil {
		return nil, told("list folders", err)
	}
	out := make(map[string]gapi.Folder, len(found))
	for _, f := range found {
		out[f.UID] = f
	}
	return out, nil
}

// dashboard is a dashboard as Grafana has it.
type dashboard struct {
	model   map[string]any
	version float64
	folder  string
}

// dashboard reads one; ok is false where there is none.
func (c client) dashboard(uid string) (d dashboard, ok bool, err error) {
	found, err := c.api.DashboardByUID(uid)
	switch {
	case statusOf(err) == http.StatusNotFound:
		return dashboard{}, false, nil
	case err != nil:
		return dashboard{}, false, told("read dashboard", err)
	}
	version, _ := found.Model["version"].(float64)
	return dashboard{model: found.Model, version: version, folder: found.Meta.FolderUID}, true, nil
}

// save writes a dashboard. It never asks to overwrite: with a title that another
// dashboard of the folder has, Grafana would write into that one. The version says
// what it replaces; 0 creates. The model is the call's to change.
func (c client) save(uid string, model map[string]any, version float64, folder, message string) (float64, error) {
	delete(model, "version")
	if version > 0 {
		model["version"] = version
	}
	saved, err := c.api.NewDashboard(gapi.Dashboard{Model: model, FolderUID: folder, Message: message})
	if err != nil {
		return 0, told("save dashboard", err)
	}
	if saved.UID != uid {
		return 0, fmt.Errorf("save dashboard: grafana wrote %s as %s", uid, saved.UID)
	}
	return float64(saved.Version), nil
}

// lastVersion is how a dashboard was saved last.
type lastVersion struct {
	Version   float64
	Message   string
	CreatedBy string
}

// lastVersion reads the newest entry of a dashboard's history. Older Grafanas answer
// with a list, newer ones with a page of one.
func (c client) lastVersion(uid string) (lastVersion, error) {
	const doing = "read dashboard's history"
	//nolint:noctx // the transport gives every call the context of its pass
	req, err := http.NewRequest(http.MethodGet, c.base+"/api/dashboards/uid/"+url.PathEscape(uid)+"/versions?limit=1", nil)
	if err != nil {
		return lastVersion{}, told(doing, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return lastVersion{}, told(doing, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, mostBody))
	if err != nil {
		return lastVersion{}, told(doing, err)
	}
	var list []lastVersion
	if json.Unmarshal(text, &list) != nil {
		var page struct{ Versions []lastVersion }
		if err := json.Unmarshal(text, &page); err != nil {
			return lastVersion{}, told(doing, err)
		}
		list = page.Versions
	}
	if len(list) == 0 {
		return lastVersion{}, fmt.Errorf("%s: there is none", doing)
	}
	return list[0], nil
}
