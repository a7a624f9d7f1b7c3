package grafana

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	gapi "github.com/grafana/grafana-api-golang-client"
)

// datasourceUID names this installation's data source.
func (t *Target) datasourceUID() string { return "hdnd-" + short(t.cfg.Installation, 32) }

// Keys of a data source's jsonData that are Hadron's own.
const (
	markKey   = "hadronInstallation"
	secretKey = "hadronTokenDigest" // tells whether Grafana has today's token, which it never gives out
)

var errForeignSource = errors.New("another data source has its uid, without the mark that would make it Hadron's")

// datasource makes or mends the data source that every dashboard reads.
func (p *pass) datasource() error {
	want := p.wantedDatasource()
	found, err := p.client.api.DataSourceByUID(want.UID)
	switch {
	case statusOf(err) == http.StatusNotFound:
		if _, err := p.client.api.NewDataSource(want); err != nil {
			return told("create data source", err)
		}
		return nil
	case err != nil:
		return told("read data source", err)
	case found.JSONData[markKey] != p.cfg.Installation:
		return fmt.Errorf("data source %s: %w", want.UID, errForeignSource)
	case same(found, want):
		return nil
	}
	want.ID, want.IsDefault, want.Name = found.ID, found.IsDefault, found.Name
	if err := p.client.api.UpdateDataSourceByUID(want); err != nil {
		return told("update data source", err)
	}
	return nil
}

func (p *pass) wantedDatasource() *gapi.DataSource {
	want := &gapi.DataSource{
		UID: p.datasourceUID(), Name: "Hadron (" + p.cfg.Installation + ")", Type: "prometheus",
		Access: "proxy", URL: p.cfg.DatasourceURL,
		JSONData: map[string]any{
			"httpMethod":   http.MethodPost,
			"timeInterval": p.cfg.Interval.String(),
			markKey:        p.cfg.Installation,
		},
	}
	if p.cfg.DatasourceToken != "" {
		want.JSONData["httpHeaderName1"] = "Authorization"
		want.JSONData[secretKey] = short(p.cfg.Installation+"\x00"+p.cfg.DatasourceToken, 16)
		want.SecureJSONData = map[string]any{"httpHeaderValue1": "Bearer " + tokenStandsIn}
	}
	return want
}

// same leaves name and default to whoever looks after Grafana.
func same(have, want *gapi.DataSource) bool {
	if have.Type != want.Type || have.Access != want.Access || have.URL != want.URL {
		return false
	}
	for key, value := range want.JSONData {
		if !reflect.DeepEqual(have.JSONData[key], value) {
			return false
		}
	}
	return true
}

// folderPrefix begins the uids of this installation's folders.
func (t *Target) folderPrefix() string { return "hdnf-" + short(t.cfg.Installation, 12) + "-" }

// folderUID names a team's folder.
func (t *Target) folderUID(team string) string { return t.folderPrefix() + short(team, 20) }

// titles are what a team's folder may be called: the second where the first is taken.
func (t *Target) titles(team string) [2]string {
	title := "Hadron / " + team
	return [2]string{title, title + " (" + t.cfg.Installation + ")"}
}

func (t *Target) titled(title, team string) bool {
	titles := t.titles(team)
	return title == titles[0] || title == titles[1]
}

// folder makes sure of a team's folder, once in a pass.
func (p *pass) folder(team string) (string, error) {
	if r, ok := p.teams[team]; ok {
		return r.uid, r.err
	}
	uid := p.folderUID(team)
	err := p.ensureFolder(uid, team)
	if p.ctx.Err() == nil {
		p.teams[team] = folderResult{uid, err}
	}
	return uid, err
}

func (p *pass) ensureFolder(uid, team string) error {
	titles := p.titles(team)
	if found, ok := p.folders[uid]; ok {
		if p.titled(found.Title, team) {
			return nil
		}
		err := p.client.api.UpdateFolder(uid, titles[0])
		if statusOf(err) == http.StatusConflict {
			err = p.client.api.UpdateFolder(uid, titles[1])
		}
		if err != nil {
			return told("rename folder", err)
		}
		return nil
	}
	var err error
	for _, title := range titles {
		_, err = p.client.api.NewFolder(title, uid)
		switch statusOf(err) {
		case 0:
			if err != nil {
				return told("create folder", err)
			}
			return nil
		case http.StatusConflict, http.StatusPreconditionFailed:
			// Either the title is taken or the folder is there, made since the list.
			if _, there := p.client.api.FolderByUID(uid); there == nil {
				return nil
			}
		default:
			return told("create folder", err)
		}
	}
	return told("create folder", err)
}

// empty says whether a folder holds nothing, of whomever: deleting a folder
// deletes what is in it. Some versions filter by id and some by uid, and one that
// ignores both lists everything, so what is listed is looked at again.
func (p *pass) empty(uid string) (bool, error) {
	found, err := p.client.search(url.Values{
		"folderIds": {strconv.FormatInt(p.folders[uid].ID, 10)}, "folderUIDs": {uid},
	})
	if err != nil {
		return false, err
	}
	for _, d := range found {
		if d.FolderUID == uid {
			return false, nil
		}
	}
	return true, nil
}
