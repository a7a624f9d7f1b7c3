package worker

import (
	"context"
	"fmt"
	"strings"

	"hadron/runtime/engine"
	"hadron/runtime/function"
)

// Secrets travel to a worker of their own team only, on its socket: with LOAD, and
// with SECRETS when one was set or rotated after it.

// maxSecretsOf is how many secrets one version may list; see package function.
const maxSecretsOf = 64

// tell reads a version's secrets and writes them behind payload. One at a time: the
// last values read are the last ones written.
func (w *process) tell(ctx context.Context, k kind, index uint32, id function.ID, names []string, payload []byte) error {
	w.telling.Lock()
	defer w.telling.Unlock()
	var values map[string]string
	if read := w.pool.cfg.Secrets; read != nil {
		var err error
		if values, err = read(ctx, id, names); err != nil {
			return fmt.Errorf("read secrets: %w", err)
		}
	}
	w.out.send(k, index, appendSecrets(payload, values))
	return nil
}

// Renew gives the workers of a team the secrets of their versions as they are now;
// VMs made from then on have them. Its error says which version goes on with the old
// ones.
func (p *Pool) Renew(ctx context.Context, team string) error {
	var first error
	for _, w := range p.all() {
		type held struct {
			index uint32
			id    function.ID
			names []string
		}
		var list []held
		w.mu.Lock()
		if w.place.team == team {
			for id, l := range w.loads {
				if l.secrets != nil {
					list = append(list, held{l.index, id, l.secrets})
				}
			}
		}
		w.mu.Unlock()
		for _, h := range list {
			if err := w.tell(ctx, kindSecrets, h.index, h.id, h.names, nil); err != nil && first == nil {
				first = fmt.Errorf("renew secrets of %s: %w", h.id, err)
			}
		}
	}
	return first
}

// Rebudget has a team's next calls run in a worker made for them where its budget has
// changed; the one there ends with its last call.
func (p *Pool) Rebudget(team string) {
	want := int64(p.BudgetOf(team))
	for _, w := range p.all() {
		w.mu.Lock()
		other := w.place == place{team: team} && w.budget != want
		w.mu.Unlock()
		if other {
			p.detach(w)
			w.retire()
		}
	}
}

// BudgetOf is what a team's worker may use.
func (p *Pool) BudgetOf(team string) function.Size { return p.budgetOf(place{team: team}, 0) }

// HeapOf is what a team's workers use of it, as they said last.
func (p *Pool) HeapOf(team string) (bytes int64) {
	for _, w := range p.all() {
		w.mu.Lock()
		is := w.place.team == team
		w.mu.Unlock()
		if st := w.stats.Load(); is && st != nil {
			bytes += st.Heap
		}
	}
	return bytes
}

func appendSecrets(b []byte, values map[string]string) []byte {
	b = appendUint(b, uint64(len(values)))
	for name, value := range values {
		b = appendText(b, name)
		b = appendText(b, value)
	}
	return b
}

func (c *cursor) secrets() map[string]string {
	n := c.length()
	if n > maxSecretsOf {
		c.fail()
		return nil
	}
	out := make(map[string]string, n)
	for range n {
		name := strings.Clone(c.text()) // what they share memory with is the whole message
		out[name] = strings.Clone(c.text())
	}
	return out
}

// takeSecrets takes SECRETS. An index that is not known is of a version whose LOAD is
// still to come, or that was dropped.
func (c *child) takeSecrets(f frame) error {
	cur := cursor{s: string(f.data)}
	values := cur.secrets()
	if err := cur.end(); err != nil {
		return err
	}
	if v := c.version(f.stream); v != nil {
		c.keep(v, values)
	}
	return nil
}

// keep remembers a version's secrets, and renews its VMs where they changed.
func (c *child) keep(v *version, values map[string]string) {
	next := engine.NewSecrets(values)
	if last := v.secrets.Swap(next); !last.Equal(next) {
		c.engine.Renew(func(id function.ID) bool { return id == v.id })
	}
}

func (c *child) secretsOf(id function.ID) (*engine.Secrets, error) {
	if v := c.versionOf(id); v != nil {
		return v.secrets.Load(), nil
	}
	return nil, nil
}
