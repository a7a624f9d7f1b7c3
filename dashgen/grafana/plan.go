package grafana

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"hadron/runtime/function"
)

// Action is one thing that a pass would do.
type Action struct {
	Do    string // create, update, restore, overwrite, keep, fork, move, delete or read
	What  string // dashboard, folder or data source; file where dashboards are files
	UID   string // of a file its path
	Title string
	Why   string
}

// Plan is what a pass would do now.
type Plan struct {
	Actions   []Action
	Unchanged int
	Held      bool // the deletions in it wait to be confirmed
	Unread    int  // dashboards of which it is not known whether they are as they should be
}

// Verbs of a verdict.
const (
	doCreate  = "create"
	doUpdate  = "update"
	doRestore = "restore"
	doRead    = "read"
)

// verdict says what is to be done about a dashboard, by the list and by memory alone:
// nothing, or what and why.
func (p *pass) verdict(w *wanted) (do, why string) {
	k, known := p.keptOf(w.uid)
	h, listed := p.have[w.uid]
	if known && listed {
		p.drawNow(w)
	}
	folder := p.folderUID(w.folder)
	titled, there := p.folders[folder]
	switch {
	case p.isForced(w.uid):
		return doRestore, "somebody asked for it"
	case !listed:
		return doCreate, "it is not there"
	case !known:
		return doRead, "it is not known whether it is as it should be"
	case k.Digest != w.digest:
		return doUpdate, "what it is drawn from has changed"
	case k.kept() && p.cfg.Drift == Keep:
		return "", ""
	case k.kept():
		return doRestore, "it was changed by hand, and is no longer to be kept so"
	case !there || !p.titled(titled.Title, w.folder):
		return doRestore, "its folder is gone or renamed"
	case k.Folder != folder || h.FolderUID != folder:
		return doRestore, "it lies in another folder"
	case h.Title != w.title:
		return doRestore, "it was renamed"
	}
	return "", ""
}

// mostPlanReads bounds what a plan reads to know what it does not.
const mostPlanReads = 200

// Plan says what a pass would do now, and does nothing. Of dashboards that this
// process has not read yet, it reads the first.
func (t *Target) Plan(ctx context.Context, want []*function.Function) (Plan, error) {
	if err := t.enter(ctx); err != nil {
		return Plan{}, err
	}
	defer t.leave()
	t.recall(ctx)
	p := &pass{Target: t, ctx: ctx, wanted: t.draw(want)}
	var err error
	if p.client, err = newClient(ctx, t.cfg.URL, t.transport); err != nil {
		return Plan{}, err
	}
	if err := p.list(); err != nil {
		return Plan{}, err
	}
	defer t.keepDrawn(p.wanted)
	return p.plan()
}

func (p *pass) plan() (Plan, error) {
	var out Plan
	if _, err := p.client.api.DataSourceByUID(p.datasourceUID()); statusOf(err) == http.StatusNotFound {
		out.Actions = append(out.Actions, Action{Do: doCreate, What: "data source", UID: p.datasourceUID(), Title: "Hadron (" + p.cfg.Installation + ")", Why: "it is not there"})
	} else if err != nil {
		return out, told("read data source", err)
	}
	wanted := map[string]bool{}
	for _, w := range p.wanted {
		uid := p.folderUID(w.folder)
		if _, there := p.folders[uid]; !there && !wanted[uid] {
			out.Actions = append(out.Actions, Action{Do: doCreate, What: "folder", UID: uid, Title: p.titles(w.folder)[0], Why: "it is not there"})
		}
		wanted[uid] = true
	}
	reads := 0
	for _, w := range p.wanted {
		do, why := p.verdict(w)
		if do == doRead {
			if reads++; reads > mostPlanReads {
				out.Unread++
				continue
			}
			var err error
			if do, why, err = p.look(w); err != nil {
				return out, err
			}
		}
		if do == "" {
			out.Unchanged++
			continue
		}
		out.Actions = append(out.Actions, Action{Do: do, What: "dashboard", UID: w.uid, Title: w.title, Why: why})
	}
	surplus := p.surplus()
	out.Held = p.tooMany(len(surplus)) && len(surplus) > p.confirmed()
	for _, uid := range surplus {
		out.Actions = append(out.Actions, Action{Do: "delete", What: "dashboard", UID: uid, Title: p.have[uid].Title, Why: "no function wants it"})
	}
	for _, uid := range sortedKeys(p.folders) {
		if strings.HasPrefix(uid, p.folderPrefix()) && !wanted[uid] {
			out.Actions = append(out.Actions, Action{Do: "delete", What: "folder", UID: uid, Title: p.folders[uid].Title, Why: "no function wants it; it stays if others have something there"})
		}
	}
	return out, nil
}

// look reads a dashboard to say what would become of it.
func (p *pass) look(w *wanted) (do, why string, err error) {
	found, there, err := p.client.dashboard(w.uid)
	switch {
	case err != nil:
		return "", "", err
	case !there:
		return doCreate, "it is not there", nil
	}
	text, err := p.render(w)
	if err != nil {
		return "", "", err
	}
	model, err := parse(w, text)
	if err != nil {
		return "", "", err
	}
	k, known := p.keptOf(w.uid)
	switch right := holds(found.model, model); {
	case right && found.folder == p.folderUID(w.folder):
		return "", "", nil
	case p.byHand(p.client, w.uid, k, known, found):
		return string(p.cfg.Drift), fmt.Sprintf("it was changed by hand in version %v", found.version), nil
	}
	return doUpdate, "it is as an earlier Hadron drew it", nil
}
