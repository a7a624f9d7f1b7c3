package grafana

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	gapi "github.com/grafana/grafana-api-golang-client"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// wanted is one function's dashboard as it should be.
type wanted struct {
	name function.Name
	fn   *function.Function
	uid  string
	drawing
	done bool // this pass has come to it
}

// drawing is what is kept of a function's dashboard between passes: the dashboards
// themselves of many functions would fill the memory.
type drawing struct {
	from   [16]byte // of what it is drawn from
	digest [32]byte // of what is drawn
	title  string
}

func (t *Target) dashboard(f *function.Function) dashgen.Dashboard {
	return dashgen.ForFunction(dashgen.Spec{
		Function: *f, Installation: t.cfg.Installation, ExternalURL: t.cfg.ExternalURL,
		ServiceURL: t.cfg.ServiceURL(f.Name), Interval: t.cfg.Interval,
	})
}

// draw draws the dashboard of every function that changed, in the order of names.
func (t *Target) draw(want []*function.Function) []*wanted {
	out := make([]*wanted, 0, len(want))
	drawn := make(map[function.Name]drawing, len(want))
	for _, f := range want {
		from := sourceOf(f, t.cfg.ServiceURL(f.Name))
		d, known := t.drawn[f.Name]
		if !known || d.from != from {
			made := t.dashboard(f)
			d = drawing{from: from, digest: digest(made), title: made.Title}
		}
		drawn[f.Name] = d
		out = append(out, &wanted{name: f.Name, fn: f, uid: dashgen.UID(t.cfg.Installation, f.Name), drawing: d})
	}
	t.drawn = drawn
	slices.SortFunc(out, func(a, b *wanted) int { return cmp.Compare(a.name, b.name) })
	return out
}

// digest tells one drawing from another. Rendering costs thirty times as much, and
// in a steady pass nobody needs it.
func digest(d dashgen.Dashboard) [32]byte {
	text, err := json.Marshal(d)
	if err != nil {
		text = []byte(err.Error()) // a value without JSON, such as NaN: rendering says so too
	}
	return sha256.Sum256(text)
}

// model renders what is wanted as Grafana's JSON.
func (t *Target) model(w *wanted) (map[string]any, error) {
	text, err := dashgen.Grafana(t.dashboard(w.fn), dashgen.GrafanaOptions{DatasourceUID: t.datasourceUID()})
	if err != nil {
		return nil, err
	}
	var model map[string]any
	if err := json.Unmarshal(text, &model); err != nil {
		return nil, fmt.Errorf("render %s: %w", w.name, err)
	}
	return model, nil
}

// pass is one walk from what Grafana has to what is wanted.
type pass struct {
	*Target
	ctx    context.Context // a pass is the one call that it was given for
	wanted []*wanted
	result reconcile.Result

	client  client
	folders map[string]gapi.Folder                        // by uid, as listed and as made since
	have    map[string]gapi.FolderDashboardSearchResponse // ours, by uid
	teams   map[string]folderResult
	broken  int // failures of Grafana itself in a row
}

type folderResult struct {
	uid string
	err error
}

// Failures in a row after which Grafana itself is taken to fail, not the
// dashboards that met them.
const (
	mostBroken = 5
	weightGone = 3 // no answer at all says more than a wrong one
)

func (p *pass) run() error {
	var err error
	if p.client, err = newClient(p.ctx, p.cfg.URL, p.transport); err != nil {
		return err
	}
	if err := p.list(); err != nil {
		return err
	}
	if err := p.datasource(); err != nil {
		return err
	}
	var later []*wanted
	for _, w := range p.wanted {
		if p.looksRight(w) {
			later = append(later, w)
			continue
		}
		if err := p.settle(w); err != nil {
			return err
		}
	}
	if err := p.prune(); err != nil {
		return err
	}
	return p.readBack(later)
}

// list reads what is there, before anything is changed.
func (p *pass) list() error {
	found, err := p.client.search(url.Values{"type": {"dash-db"}, "tag": {p.marker}})
	if err != nil {
		return err
	}
	p.have = make(map[string]gapi.FolderDashboardSearchResponse, len(found))
	for _, d := range found {
		if strings.HasPrefix(d.UID, dashgen.UIDPrefix) && slices.Contains(d.Tags, p.marker) {
			p.have[d.UID] = d
		}
	}
	p.teams = map[string]folderResult{}
	p.folders, err = p.client.folders()
	return err
}

// looksRight says that, by the list and by memory, nothing is to be done.
func (p *pass) looksRight(w *wanted) bool {
	k, known := p.kept[w.uid]
	h, listed := p.have[w.uid]
	folder := p.folderUID(w.name.Team())
	titled, there := p.folders[folder]
	return known && listed && there && p.titled(titled.Title, w.name.Team()) &&
		k.digest == w.digest && k.folder == folder && h.FolderUID == folder && h.Title == w.title
}

// settle brings one function's dashboard to where it should be and notes how that
// went. Its error means that the pass must end.
func (p *pass) settle(w *wanted) error {
	err := p.put(w)
	if p.ctx.Err() != nil {
		return fmt.Errorf("dashboards: %w", context.Cause(p.ctx))
	}
	if gone := p.grafanaFails(err); gone != nil {
		return gone
	}
	w.done = true
	if err != nil {
		p.result.Failed++
	}
	p.set(w.name, err)
	return nil
}

// grafanaFails returns err where it is Grafana itself that fails: nobody else's
// dashboard would fare better.
func (p *pass) grafanaFails(err error) error {
	status := statusOf(err)
	switch {
	case errors.Is(err, ErrUnreachable):
		p.broken += weightGone
	case status == http.StatusUnauthorized:
		return err
	case status >= 500 || status == http.StatusTooManyRequests:
		p.broken++
	default:
		p.broken = 0
	}
	if p.broken >= mostBroken {
		return err
	}
	return nil
}

var (
	errForeign  = errors.New("another dashboard has its uid, without the tag that would make it Hadron's")
	errTitle    = errors.New("another dashboard of the folder has its title; rename that one")
	errConflict = errors.New("others keep changing it at the same time")
)

// put makes a dashboard as wanted. It reads before it writes over something, and
// again when somebody was faster.
func (p *pass) put(w *wanted) error {
	folder, err := p.folder(w.name.Team())
	if err != nil {
		return err
	}
	_, there := p.have[w.uid]
	k := p.kept[w.uid]
	known := k.digest == w.digest
	var model map[string]any
	for range mostTries {
		var found dashboard
		if there {
			if found, there, err = p.client.dashboard(w.uid); err != nil {
				return err
			}
		}
		if there {
			if !p.ours(found.model) {
				return errForeign
			}
			right := known && k.version == found.version
			if !right {
				if model, err = p.model(w); err != nil {
					return err
				}
				right = holds(found.model, model)
			}
			if right && found.folder == folder {
				p.keep(w, found.version, folder)
				p.result.Unchanged++
				return nil
			}
			if known {
				p.log.Info("dashboard was changed by others and is restored", "function", w.name, "uid", w.uid)
			}
		}
		if model == nil {
			if model, err = p.model(w); err != nil {
				return err
			}
		}
		version, err := p.client.save(model, found.version, folder, "generated by Hadron")
		switch {
		case err == nil && there:
			p.result.Updated++
		case err == nil:
			p.result.Created++
		case reasonOf(err) == "name-exists":
			return fmt.Errorf("%w: %w", err, errTitle)
		case statusOf(err) == http.StatusPreconditionFailed || statusOf(err) == http.StatusConflict:
			there = true
			continue
		case statusOf(err) == http.StatusNotFound && there:
			continue // deleted meanwhile: the next reading says so
		default:
			return err
		}
		p.keep(w, version, folder)
		return nil
	}
	return errConflict
}

func (p *pass) keep(w *wanted, version float64, folder string) {
	p.kept[w.uid] = kept{digest: w.digest, version: version, folder: folder}
}

// ours says whether a dashboard carries this installation's tag.
func (p *pass) ours(model map[string]any) bool {
	tags, _ := model["tags"].([]any)
	return slices.Contains(tags, any(p.marker))
}

// prune deletes dashboards of ours that nobody wants, and folders of ours that
// are then empty.
func (p *pass) prune() error {
	uids := map[string]bool{}
	folders := map[string]bool{}
	for _, w := range p.wanted {
		uids[w.uid] = true
		folders[p.folderUID(w.name.Team())] = true
	}
	for _, uid := range sortedKeys(p.have) {
		if uids[uid] {
			continue
		}
		err := p.client.api.DeleteDashboardByUID(uid)
		if statusOf(err) == http.StatusNotFound {
			err = nil
		}
		if err = p.deleted("dashboard", uid, told("delete dashboard", err), err); err != nil {
			return err
		}
		delete(p.kept, uid)
	}
	for _, uid := range sortedKeys(p.folders) {
		if !strings.HasPrefix(uid, p.folderPrefix()) || folders[uid] {
			continue
		}
		empty, err := p.empty(uid)
		if err != nil {
			return err
		}
		if !empty {
			continue // others put something there: it is their folder now
		}
		err = p.client.api.DeleteFolder(uid)
		if statusOf(err) == http.StatusNotFound {
			err = nil
		}
		if err = p.deleted("folder", uid, told("delete folder", err), err); err != nil {
			return err
		}
	}
	return nil
}

// deleted counts a deletion. Its error means that the pass must end.
func (p *pass) deleted(what, uid string, wrapped, err error) error {
	if err == nil {
		p.result.Deleted++
		p.broken = 0
		p.log.Info("deleted what no function wants", "what", what, "uid", uid)
		return nil
	}
	if p.ctx.Err() != nil {
		return fmt.Errorf("dashboards: %w", context.Cause(p.ctx))
	}
	if p.grafanaFails(err) != nil {
		return wrapped
	}
	p.result.Failed++
	p.log.Warn("cannot delete what no function wants", "what", what, "uid", uid, "error", wrapped)
	return nil
}

// readBack looks at some of the dashboards that seem right, others each pass, to
// find what was changed by hand. The policy is to restore.
func (p *pass) readBack(seeming []*wanted) error {
	from, _ := slices.BinarySearchFunc(seeming, p.cursor, func(w *wanted, name function.Name) int { return cmp.Compare(w.name, name) })
	due := min(p.cfg.Verify, len(seeming))
	for i, w := range append(slices.Clone(seeming[from:]), seeming[:from]...) {
		if i < due {
			if err := p.settle(w); err != nil {
				return err
			}
			continue
		}
		if i == due {
			p.cursor = w.name
		}
		w.done = true
		p.result.Unchanged++
		p.set(w.name, nil)
	}
	return nil
}

// holds says whether Grafana's model has all that is wanted. What Grafana adds is
// its own business: ids, versions, and defaults of newer schemas.
func holds(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range w {
			if key != "schemaVersion" && !holds(h[key], value) {
				return false
			}
		}
		return true
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return false
		}
		for i := range w {
			if !holds(h[i], w[i]) {
				return false
			}
		}
		return true
	default:
		return have == want
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func short(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}
