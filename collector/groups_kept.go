package collector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"hadron/runtime/function"
)

// GroupStore keeps error groups over restarts. Its methods are called by one goroutine
// at a time.
type GroupStore interface {
	// Load returns all groups that are kept, the last seen first.
	Load(ctx context.Context) ([]KeptGroup, error)
	// Save does all of it or nothing: it forgets every group of the functions in gone,
	// then the groups in dropped, and puts or replaces those in groups.
	Save(ctx context.Context, s GroupChanges) error
}

// KeptGroup is a group of errors and whose it is.
type KeptGroup struct {
	Function function.Name
	ErrorGroup
}

// GroupChanges are what became of groups since the last Save.
type GroupChanges struct {
	Gone    []function.Name
	Dropped []KeptGroup // Function and Fingerprint count
	Groups  []KeptGroup
}

func (s *GroupChanges) empty() bool { return len(s.Gone)+len(s.Dropped)+len(s.Groups) == 0 }

const (
	saveGroupsEvery   = 10 * time.Second
	saveGroupsTimeout = 10 * time.Second
	maxGroupsInSave   = 1_000 // the rest waits for the next
)

// loadGroups takes up what the process before this one knew, of functions that there
// are. What it cannot read is counted from 0 again, and said.
func (c *Collector) loadGroups(ctx context.Context) {
	if c.kept == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, saveGroupsTimeout)
	defer cancel()
	list, err := c.kept.Load(ctx)
	if err != nil {
		c.log.ErrorContext(ctx, "error groups of before could not be read", "error", err)
		return
	}
	for _, g := range list {
		c.mu.RLock()
		t := c.byName[g.Function]
		c.mu.RUnlock()
		if t == nil || !t.groups.restore(g.ErrorGroup) {
			c.goneGroups(g.Function, t == nil)
		}
	}
}

func (c *Collector) goneGroups(name function.Name, gone bool) {
	if !gone || c.kept == nil {
		return
	}
	c.goneMu.Lock()
	defer c.goneMu.Unlock()
	c.gone[name] = struct{}{}
}

// groupsLoop saves what changed now and then: errors in calls write nothing.
func (c *Collector) groupsLoop(ctx context.Context) {
	if c.kept == nil {
		return
	}
	ticker := time.NewTicker(saveGroupsEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := c.saveGroups(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			c.log.ErrorContext(ctx, "error groups could not be saved; it is tried again", "error", err)
		}
		failing = err != nil
	}
}

// saveGroups writes what changed since it last did.
func (c *Collector) saveGroups(ctx context.Context) error {
	if c.kept == nil {
		return nil
	}
	var s GroupChanges
	c.goneMu.Lock()
	s.Gone = slices.Sorted(maps.Keys(c.gone))
	clear(c.gone)
	c.goneMu.Unlock()
	var from []*tracked
	for _, t := range c.functions() {
		if len(s.Groups)+len(s.Dropped) >= maxGroupsInSave {
			break
		}
		if t.groups.unsaved(t.name, &s) {
			from = append(from, t)
		}
	}
	if s.empty() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, saveGroupsTimeout)
	defer cancel()
	err := c.kept.Save(ctx, s)
	if err == nil {
		return nil
	}
	for _, name := range s.Gone {
		c.goneGroups(name, true)
	}
	for _, t := range from {
		t.groups.again()
	}
	return fmt.Errorf("save error groups: %w", err)
}

// restore takes up a group that is newer than none; false: there is no room.
func (g *groups) restore(group ErrorGroup) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.byID) >= maxGroups || g.all.kept.Load() >= maxAllGroups {
		g.lose(group.Fingerprint)
		return false
	}
	if g.byID == nil {
		g.byID = map[string]*ErrorGroup{}
	}
	if known := g.byID[group.Fingerprint]; known != nil { // it was seen again before this
		known.Count += group.Count
		known.FirstSeen, known.Since = group.FirstSeen, group.Since
		known.Versions = newest(append(known.Versions, group.Versions...))
		g.change(group.Fingerprint)
		return true
	}
	g.all.kept.Add(1)
	group.Versions = slices.Clone(group.Versions)
	g.byID[group.Fingerprint] = &group
	return true
}

func newest(versions []int) []int {
	slices.Sort(versions)
	versions = slices.Compact(versions)
	return versions[max(0, len(versions)-maxGroupVersions):]
}

// change notes that a group is to be saved, lose that it is to be forgotten. The
// caller holds mu.
func (g *groups) change(fingerprint string) {
	if g.changed == nil {
		g.changed = map[string]struct{}{}
	}
	g.changed[fingerprint] = struct{}{}
}

func (g *groups) lose(fingerprint string) {
	delete(g.changed, fingerprint)
	if g.lost == nil {
		g.lost = map[string]struct{}{}
	}
	if len(g.lost) < maxAllGroups {
		g.lost[fingerprint] = struct{}{}
	}
}

// unsaved adds what changed to s, and forgets that it did until again.
func (g *groups) unsaved(name function.Name, s *GroupChanges) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.changed)+len(g.lost) == 0 {
		return false
	}
	for id := range g.lost {
		if g.byID[id] == nil { // else it came back
			s.Dropped = append(s.Dropped, KeptGroup{name, ErrorGroup{Fingerprint: id}})
		}
	}
	for id := range g.changed {
		if group := g.byID[id]; group != nil {
			one := *group
			one.Versions = slices.Clone(group.Versions)
			s.Groups = append(s.Groups, KeptGroup{name, one})
		}
	}
	g.changed, g.saving = nil, g.changed
	g.lost, g.losing = nil, g.lost
	return true
}

// again has what unsaved told be told once more: it could not be saved.
func (g *groups) again() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.saving {
		if g.byID[id] != nil {
			g.change(id)
		}
	}
	for id := range g.losing {
		if g.byID[id] == nil {
			g.lose(id)
		}
	}
}
