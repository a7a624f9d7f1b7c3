package grafana

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	gapi "github.com/grafana/grafana-api-golang-client"

	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/runtime/reconcile"
)

// pass is one walk from what Grafana has to what is wanted.
type pass struct {
	*Target
	ctx    context.Context // a pass is the one call that it was given for
	wanted []*wanted
	until  time.Time // no further dashboard is begun after it
	client client    // the walker's own: the library's clients are not to be shared

	folders map[string]gapi.Folder                        // by uid, as listed
	have    map[string]gapi.FolderDashboardSearchResponse // ours, by uid

	lock    sync.Mutex // several dashboards are settled at once; what follows is theirs together
	placed  map[dashgen.Folder]*placing
	result  reconcile.Result
	broken  int   // failures of Grafana itself in a row
	ended   error // why the pass must end
	waiting bool  // some dashboards are left to the next pass
}

// placing makes sure of a folder, once in a pass, by whoever needs it first.
type placing struct {
	done chan struct{} // closed when err is known
	err  error
}

// Failures in a row after which Grafana itself is taken to fail, not the
// dashboards that met them.
const (
	mostBroken = 5
	weightGone = 3 // no answer at all says more than a wrong one
)

// soon asks for the next pass: there is more to do.
const soon = time.Millisecond

func (p *pass) run() error {
	var err error
	if p.client, err = newClient(p.ctx, p.cfg.URL, p.transport); err != nil {
		return err
	}
	began := time.Now()
	if err := p.list(); err != nil {
		return err
	}
	if err := p.datasource(); err != nil {
		return err
	}
	// What is read first in each pass takes a tenth of it at most.
	now := time.Now()
	p.until = now.Add(max(p.cfg.Slice, 9*now.Sub(began)))
	var todo, later []*wanted
	for _, w := range p.wanted {
		if do, _ := p.verdict(w); do == "" {
			later = append(later, w)
		} else {
			todo = append(todo, w)
		}
	}
	p.begin(len(todo), later)
	if err := p.settleAll(todo); err != nil {
		return err
	}
	if p.waiting {
		// A first run takes many passes. Between them it is looked anew what is wanted,
		// so that a function that is registered meanwhile does not wait for all others.
		p.result.Next = soon
		p.restUnchanged(later)
		return nil
	}
	if err := p.prune(); err != nil {
		return err
	}
	if err := p.permitAll(); err != nil {
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
	p.placed = map[dashgen.Folder]*placing{}
	p.folders, err = p.client.folders()
	return err
}

// settleAll brings dashboards to where they should be, several at once, those that
// changed last first, until time is up.
func (p *pass) settleAll(todo []*wanted) error {
	slices.SortStableFunc(todo, func(a, b *wanted) int {
		// Overviews of everything are two, and people look at them first.
		if x, y := a.name == "" && a.folder == "", b.name == "" && b.folder == ""; x != y {
			if x {
				return -1
			}
			return 1
		}
		return b.since.Compare(a.since)
	})
	// Folders first: many dashboards would wait for one.
	var folders []dashgen.Folder
	seen := map[dashgen.Folder]bool{}
	for _, w := range todo {
		if !seen[w.folder] {
			seen[w.folder] = true
			folders = append(folders, w.folder)
		}
	}
	p.several(len(folders), func(c client, i int) { _, _ = p.place(c, folders[i]) }) // what failed is told to each that needs it
	begun := p.several(len(todo), func(c client, i int) { p.settle(c, todo[i]) })
	p.waiting = p.ended == nil && begun < len(todo)
	return p.ended
}

// several does n things, so many at once as Config says, until Grafana fails or time is
// up, and returns how many were begun: at least one.
func (p *pass) several(n int, do func(c client, i int)) (begun int) {
	queue := make(chan int)
	var workers sync.WaitGroup
	for range min(p.cfg.Parallel, n) {
		workers.Go(func() {
			own, err := newClient(p.ctx, p.cfg.URL, p.transport)
			for i := range queue {
				if err == nil {
					do(own, i)
				} else {
					p.end(err)
				}
			}
		})
	}
	for begun < n && !p.over() && (begun == 0 || time.Now().Before(p.until)) {
		queue <- begun
		begun++
	}
	close(queue)
	workers.Wait()
	return begun
}

func (p *pass) over() bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.ended != nil
}

func (p *pass) end(err error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.ended == nil {
		p.ended = err
	}
}

func (p *pass) count(what *int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	*what++
}

// settle brings one dashboard to where it should be and notes how that went.
func (p *pass) settle(c client, w *wanted) {
	err := p.put(c, w)
	if p.ctx.Err() != nil {
		p.end(fmt.Errorf("dashboards: %w", context.Cause(p.ctx)))
		return
	}
	if gone := p.grafanaFails(err); gone != nil {
		p.end(gone)
		return
	}
	w.done = true
	if err != nil {
		p.count(&p.result.Failed)
	}
	p.set(w, err)
}

// grafanaFails returns err where it is Grafana itself that fails: nobody else's
// dashboard would fare better.
func (p *pass) grafanaFails(err error) error {
	p.lock.Lock()
	defer p.lock.Unlock()
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
func (p *pass) put(c client, w *wanted) error {
	folder, err := p.place(c, w.folder)
	if err != nil {
		return err
	}
	_, there := p.have[w.uid]
	k, known := p.keptOf(w.uid)
	if known && there {
		p.drawNow(w)
	}
	drawn := known && k.Digest == w.digest
	var text []byte // rendered
	var drift *Drift
	for range mostTries {
		var found dashboard
		if there {
			if found, there, err = c.dashboard(w.uid); err != nil {
				return err
			}
		}
		if there {
			if !p.ours(found.model) {
				return errForeign
			}
			right := drawn && k.Version == found.version && !k.kept()
			if !right {
				if text, err = p.render(w); err != nil {
					return err
				}
				model, err := parse(w, text)
				if err != nil {
					return err
				}
				right = holds(found.model, model)
			}
			if right && found.folder == folder {
				p.keep(w, found.version, folder, k.Drift.over())
				p.count(&p.result.Unchanged)
				return nil
			}
			if p.byHand(c, w.uid, k, known, found) {
				stay, err := p.drifted(c, w, found, right, &drift)
				if err != nil {
					return err
				}
				if stay {
					p.keep(w, found.version, found.folder, drift)
					p.count(&p.result.Unchanged)
					return nil
				}
			}
		}
		if text == nil {
			if text, err = p.render(w); err != nil {
				return err
			}
		}
		model, err := send(w, text)
		if err != nil {
			return err
		}
		version, err := c.save(w.uid, model, found.version, folder, savedBy)
		switch {
		case err == nil && there:
			p.count(&p.result.Updated)
		case err == nil:
			p.count(&p.result.Created)
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
		if drift == nil {
			drift = k.Drift.over()
		}
		p.keep(w, version, folder, drift)
		return nil
	}
	return errConflict
}

// ours says whether a dashboard carries this installation's tag.
func (p *pass) ours(model map[string]any) bool {
	tags, _ := model["tags"].([]any)
	return slices.Contains(tags, any(p.marker))
}

// Reconcile is reconcile.Target's. It lists first and changes nothing where a
// list fails. It ends early, with an error, where Grafana itself seems to fail;
// a dashboard that was not reached keeps its state if it is ready as wanted, and is
// Failed otherwise.
func (t *Target) Reconcile(ctx context.Context, want []*function.Function) (reconcile.Result, error) {
	if err := t.enter(ctx); err != nil {
		return reconcile.Result{}, err
	}
	defer t.leave()
	t.recall(ctx)
	wanted := t.draw(want)
	t.forget(wanted)
	p := &pass{Target: t, ctx: ctx, wanted: wanted}
	err := p.run()
	t.keepDrawn(wanted)
	if remembered := t.remember(ctx); remembered != nil {
		t.log.Warn("what Grafana has could not be kept; the next start reads it again", "error", remembered)
	}
	t.progressed(p, err)
	if err == nil {
		return p.result, nil
	}
	for _, w := range wanted {
		if k, ok := t.keptOf(w.uid); w.done || ok && k.Digest == w.digest && t.statusOf(w.uid).State == Ready {
			continue
		}
		t.set(w, err)
	}
	return p.result, err
}
