package grafana

import (
	"net/http"
	"slices"
	"time"

	gapi "github.com/grafana/grafana-api-golang-client"

	"hadron/dashgen"
)

// FolderAccess says who may see folders of ours.
type FolderAccess string

// The kinds of access.
const (
	AccessInherit FolderAccess = "inherit" // what Grafana gives a new folder; nothing is changed
	AccessView    FolderAccess = "view"    // everybody may view, nobody edits
	AccessTeam    FolderAccess = "team"    // Grafana's team of the same name may view; everybody, the installation's own folder
)

// Grafana's numbers of permissions.
const mayView = 1

// permitAgain is how often the permissions of a folder are read again.
const permitAgain = time.Hour

// permitAll gives folders the permissions that Config asks for. Each is looked at once
// in a process and again after an hour: they are rarely changed, and a steady pass
// should read little.
func (p *pass) permitAll() error {
	if p.cfg.FolderAccess == AccessInherit {
		return nil
	}
	seen := map[dashgen.Folder]bool{}
	for _, w := range p.wanted {
		if seen[w.folder] || time.Since(p.permitted[w.folder]) < permitAgain {
			continue
		}
		seen[w.folder] = true
		err := p.permit(w.folder)
		if gone := p.grafanaFails(err); gone != nil || p.ctx.Err() != nil {
			return gone
		}
		if err != nil {
			p.result.Failed++
			p.log.Warn("cannot set who may see a folder", "folder", string(w.folder), "error", err)
			continue
		}
		p.permitted[w.folder] = time.Now()
	}
	return nil
}

func (p *pass) permit(f dashgen.Folder) error {
	uid := p.folderUID(f)
	want := []*gapi.PermissionItem{{Role: "Viewer", Permission: mayView}, {Role: "Editor", Permission: mayView}}
	if team := f.Team(); p.cfg.FolderAccess == AccessTeam && team != "" {
		found, err := p.client.api.SearchTeam(team)
		if err != nil {
			return told("look for team "+team, err)
		}
		want = []*gapi.PermissionItem{} // without a team of that name: administrators alone
		for _, t := range found.Teams {
			if t.Name == team {
				want = append(want, &gapi.PermissionItem{TeamID: t.ID, Permission: mayView})
			}
		}
	}
	have, err := p.client.api.FolderPermissions(uid)
	if statusOf(err) == http.StatusNotFound {
		return nil // it was deleted meanwhile: the next pass makes it again
	}
	if err != nil {
		return told("read permissions of folder", err)
	}
	missing := slices.ContainsFunc(want, func(w *gapi.PermissionItem) bool {
		return !slices.ContainsFunc(have, func(h *gapi.FolderPermission) bool {
			return h.Role == w.Role && h.TeamID == w.TeamID && h.Permission == w.Permission
		})
	})
	if !missing && len(have) == len(want) {
		return nil
	}
	if err := p.client.api.UpdateFolderPermissions(uid, &gapi.PermissionItems{Items: want}); err != nil {
		return told("set permissions of folder", err)
	}
	return nil
}
