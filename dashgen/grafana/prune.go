package grafana

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// A pass that would delete more dashboards than this, and more than the share of
// Config.DeleteShare, deletes none and asks.
const fewDeletes = 10

// surplus are dashboards of ours that nobody wants.
func (p *pass) surplus() []string {
	uids := make(map[string]bool, len(p.wanted))
	for _, w := range p.wanted {
		uids[w.uid] = true
	}
	var out []string
	for _, uid := range sortedKeys(p.have) {
		if !uids[uid] {
			out = append(out, uid)
		}
	}
	return out
}

// tooMany says that deleting n of our dashboards is to be confirmed first.
func (p *pass) tooMany(n int) bool {
	return n > fewDeletes && float64(n) > p.cfg.DeleteShare*float64(len(p.have))
}

// prune deletes dashboards of ours that nobody wants, and folders of ours that
// are then empty.
func (p *pass) prune() error {
	surplus := p.surplus()
	if p.tooMany(len(surplus)) && len(surplus) > p.confirmed() {
		if p.hold(len(surplus)) {
			p.log.Warn("deleting so many dashboards is held until it is confirmed", "dashboards", len(surplus), "of", len(p.have),
				"confirm", fmt.Sprintf("hadron dashboards apply --confirm-deletes %d", len(surplus)))
		}
		return nil
	}
	p.hold(0)
	for _, uid := range surplus {
		err := p.client.api.DeleteDashboardByUID(uid)
		if statusOf(err) == http.StatusNotFound {
			err = nil
		}
		if err = p.deleted("dashboard", uid, told("delete dashboard", err), err); err != nil {
			return err
		}
		p.lose(uid)
	}
	p.confirm(0)
	folders := map[string]bool{p.folderUID(""): true}
	for _, w := range p.wanted {
		folders[p.folderUID(w.folder)] = true
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
