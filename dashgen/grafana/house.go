package grafana

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	gapi "github.com/grafana/grafana-api-golang-client"

	"hadron/collector/metric"
	"hadron/dashgen"
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
	if p.cfg.TraceURL != "" {
		want.JSONData["exemplarTraceIdDestinations"] = []any{map[string]any{
			"name": metric.TraceID, "url": p.cfg.TraceURL, "urlDisplayLabel": "Trace in Hadron",
		}}
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

// folderUID names the folder of everything, a team or a project.
func (t *Target) folderUID(f dashgen.Folder) string { return t.folderPrefix() + short(string(f), 20) }

// titles are what a folder may be called: the second where the first is taken.
func (t *Target) titles(f dashgen.Folder) [2]string {
	title := "Hadron"
	for part := range strings.SplitSeq(string(f), "/") {
		if part != "" {
			title += " / " + part
		}
	}
	return [2]string{title, title + " (" + t.cfg.Installation + ")"}
}

func (t *Target) titled(title string, f dashgen.Folder) bool {
	titles := t.titles(f)
	return title == titles[0] || title == titles[1]
}

// place makes sure of a folder, once in a pass, and returns its uid. Others that need it
// meanwhile wait.
func (p *pass) place(c client, f dashgen.Folder) (uid string, err error) {
	p.lock.Lock()
	at, begun := p.placed[f]
	if !begun {
		at = &placing{done: make(chan struct{})}
		p.placed[f] = at
	}
	p.lock.Unlock()
	uid = p.folderUID(f)
	if !begun {
		at.err = p.ensureFolder(c, uid, f)
		close(at.done)
	}
	<-at.done
	return uid, at.err
}

func (p *pass) ensureFolder(c client, uid string, of dashgen.Folder) error {
	titles := p.titles(of)
	if found, ok := p.folders[uid]; ok {
		if p.titled(found.Title, of) {
			return nil
		}
		err := c.api.UpdateFolder(uid, titles[0])
		if statusOf(err) == http.StatusConflict {
			err = c.api.UpdateFolder(uid, titles[1])
		}
		if err != nil {
			return told("rename folder", err)
		}
		return nil
	}
	var err error
	for _, title := range titles {
		_, err = c.api.NewFolder(title, uid)
		switch statusOf(err) {
		case 0:
			if err != nil {
				return told("create folder", err)
			}
			return nil
		case http.StatusConflict, http.StatusPreconditionFailed:
			// Either the title is taken or the folder is there, made since the list.
			if _, there := c.api.FolderByUID(uid); there == nil {
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

func short(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}
