package grafana

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"hadron/dashgen"
	"hadron/runtime/function"
)

// wanted is one dashboard as it should be: a function's, or an overview of many.
type wanted struct {
	name   function.Name      // of a function's; empty of an overview
	fn     *function.Function // nil of an overview
	uid    string
	folder dashgen.Folder
	since  time.Time // what changed last is made first
	drawing
	drawn bool // drawing is known; of what Grafana lacks it is not needed before it is made
	done  bool // this pass has come to it
}

// called is what logs and plans call it.
func (w *wanted) called() string {
	if w.name != "" {
		return string(w.name)
	}
	return w.title
}

// drawing is what is kept of a dashboard between passes: the dashboards themselves of
// many functions would fill the memory.
type drawing struct {
	from   [16]byte // of what it is drawn from
	digest [32]byte // of what is drawn
	title  string
}

// dashboard draws what is wanted.
func (t *Target) dashboard(w *wanted) dashgen.Dashboard {
	if w.fn != nil {
		return dashgen.ForFunction(dashgen.Spec{
			Function: *w.fn, Installation: t.cfg.Installation, ExternalURL: t.cfg.ExternalURL,
			ServiceURL: t.cfg.ServiceURL(w.name), Interval: t.cfg.Interval, Own: t.cfg.Own(w.name), Extensions: t.cfg.Extensions(),
		})
	}
	place := dashgen.Place{Installation: t.cfg.Installation, ExternalURL: t.cfg.ExternalURL}
	if w.uid == dashgen.PlatformUID(t.cfg.Installation) {
		return dashgen.ForPlatform(place)
	}
	return dashgen.ForFolder(place, w.folder)
}

// draw lists every dashboard that is wanted, those of functions in the order of
// names, then overviews. A first run of very many begins at once: what has not been
// drawn yet is drawn when it is come to.
func (t *Target) draw(want []*function.Function) []*wanted {
	out := make([]*wanted, 0, len(want)+8)
	folders := map[dashgen.Folder]bool{}
	for _, f := range want {
		out = append(out, &wanted{
			name: f.Name, fn: f, uid: dashgen.UID(t.cfg.Installation, f.Name), folder: dashgen.FolderOf(f.Name), since: f.UpdatedAt,
			drawing: drawing{from: sourceOf(f, t.cfg.ServiceURL(f.Name), t.cfg.Own(f.Name), t.cfg.Extensions()), title: string(f.Name)},
		})
		folders[dashgen.FolderOf(f.Name)] = true
		folders[dashgen.Folder(f.Name.Team())] = true
	}
	slices.SortFunc(out, func(a, b *wanted) int { return cmp.Compare(a.name, b.name) })
	out = append(out, &wanted{uid: dashgen.PlatformUID(t.cfg.Installation)}, &wanted{uid: dashgen.OverviewUID(t.cfg.Installation, "")})
	for _, folder := range sortedKeys(folders) {
		out = append(out, &wanted{uid: dashgen.OverviewUID(t.cfg.Installation, folder), folder: folder})
	}
	for _, w := range out {
		d, known := t.drawn[w.uid]
		switch {
		case known && d.from == w.from:
			w.drawing, w.drawn = d, true
		case w.fn == nil:
			t.drawNow(w)
		}
	}
	return out
}

// drawNow draws a dashboard that was not drawn yet.
func (t *Target) drawNow(w *wanted) {
	if !w.drawn {
		t.drew(w, t.dashboard(w))
	}
}

func (t *Target) drew(w *wanted, made dashgen.Dashboard) {
	w.digest, w.title, w.drawn = digest(made), made.Title, true
}

// keepDrawn keeps what is known of drawings for the next pass, and of nothing else.
func (t *Target) keepDrawn(wanted []*wanted) {
	t.drawn = make(map[string]drawing, len(wanted))
	for _, w := range wanted {
		if w.drawn {
			t.drawn[w.uid] = w.drawing
		}
	}
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

// render makes what is wanted into Grafana's JSON.
func (t *Target) render(w *wanted) ([]byte, error) {
	made := t.dashboard(w)
	if !w.drawn {
		t.drew(w, made)
	}
	return dashgen.Grafana(made, dashgen.GrafanaOptions{DatasourceUID: t.datasourceUID(), Compact: true})
}

// parse reads rendered JSON to compare it.
func parse(w *wanted, text []byte) (map[string]any, error) {
	var model map[string]any
	if err := json.Unmarshal(text, &model); err != nil {
		return nil, fmt.Errorf("render %s: %w", w.called(), err)
	}
	return model, nil
}

// send is rendered JSON as the client library takes it. What lies deeper stays text:
// most dashboards are sent and never compared.
func send(w *wanted, text []byte) (map[string]any, error) {
	var model map[string]json.RawMessage
	if err := json.Unmarshal(text, &model); err != nil {
		return nil, fmt.Errorf("render %s: %w", w.called(), err)
	}
	out := make(map[string]any, len(model)+1)
	for key, value := range model {
		out[key] = value
	}
	return out, nil
}
