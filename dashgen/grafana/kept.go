package grafana

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Memory keeps what Grafana is known to have from one process to the next: without it
// a start reads every dashboard, and asks Grafana's history who changed what. The
// values are the target's own.
type Memory interface {
	Load(ctx context.Context) (map[string][]byte, error)
	Save(ctx context.Context, put map[string][]byte, gone []string) error
}

// rememberTimeout bounds writing down what a pass did.
const rememberTimeout = 5 * time.Second

// kept is a dashboard that was found or made as wanted, or that is left as somebody
// changed it.
type kept struct {
	Digest  [32]byte `json:"digest"`  // of what was wanted
	Version float64  `json:"version"` // that Grafana gave it
	Folder  string   `json:"folder"`
	Drift   *Drift   `json:"drift,omitempty"` // the last change by hand
}

// kept says that it is left as somebody changed it.
func (k kept) kept() bool { return k.Drift != nil && k.Drift.Policy == Keep }

func (t *Target) keptOf(uid string) (kept, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, known := t.kept[uid]
	return k, known
}

func (t *Target) keep(w *wanted, version float64, folder string, drift *Drift) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := kept{Digest: w.digest, Version: version, Folder: folder, Drift: drift}
	if was, known := t.kept[w.uid]; !known || was != now {
		t.kept[w.uid] = now
		t.dirty[w.uid] = true
	}
	delete(t.forced, w.uid)
}

// lose forgets a dashboard that was deleted.
func (t *Target) lose(uid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.kept, uid)
	t.dirty[uid] = true
}

// recall reads what earlier processes knew, once. What cannot be read is read from
// Grafana instead.
func (t *Target) recall(ctx context.Context) {
	if t.recalled || t.cfg.Memory == nil {
		return
	}
	found, err := t.cfg.Memory.Load(ctx)
	if err != nil {
		t.log.Warn("what Grafana has is not remembered, and is read again", "error", err)
		return
	}
	t.recalled = true
	t.mu.Lock()
	defer t.mu.Unlock()
	for uid, text := range found {
		var k kept
		if json.Unmarshal(text, &k) == nil {
			t.kept[uid] = k
		}
	}
}

// remember writes what changed since the last time.
func (t *Target) remember(ctx context.Context) error {
	if t.cfg.Memory == nil {
		return nil
	}
	put := map[string][]byte{}
	var gone []string
	t.mu.Lock()
	for uid := range t.dirty {
		k, there := t.kept[uid]
		if !there {
			gone = append(gone, uid)
			continue
		}
		text, err := json.Marshal(k)
		if err != nil {
			t.mu.Unlock()
			return fmt.Errorf("remember dashboards: %w", err)
		}
		put[uid] = text
	}
	t.dirty = map[string]bool{}
	t.mu.Unlock()
	if len(put)+len(gone) == 0 {
		return nil
	}
	// A pass that was cut short did things all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rememberTimeout)
	defer cancel()
	if err := t.cfg.Memory.Save(ctx, put, gone); err != nil {
		t.mu.Lock()
		for uid := range put {
			t.dirty[uid] = true
		}
		for _, uid := range gone {
			t.dirty[uid] = true
		}
		t.mu.Unlock()
		return fmt.Errorf("remember dashboards: %w", err)
	}
	return nil
}
