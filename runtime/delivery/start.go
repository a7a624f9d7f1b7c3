package delivery

import (
	"context"
	"errors"
	"fmt"

	"hadron/runtime/function"
)

// Begin is a rollout to be made.
type Begin struct {
	Function function.Name
	Alias    string
	To       int
	Delivery function.Delivery // what is asked for beside the version's manifest
	By       string
	Message  string
	Override string // why a freeze does not hold it; Permit has recorded it
}

// Over lays what was asked for over what the manifest says.
func Over(manifest, asked function.Delivery) function.Delivery {
	if asked.Strategy != "" && asked.Strategy != manifest.Strategy {
		manifest.Steps = nil // they were another strategy's
	}
	if asked.Strategy != "" {
		manifest.Strategy = asked.Strategy
	}
	if len(asked.Steps) > 0 {
		manifest.Steps = asked.Steps
	}
	if asked.Interval != 0 {
		manifest.Interval = asked.Interval
	}
	return manifest
}

// Busy returns the alias's active rollout as an *ActiveError, nil where there is none.
// One that somebody displaced ends first.
func (c *Controller) Busy(ctx context.Context, name function.Name, alias string) error {
	list, err := c.cfg.Store.Find(ctx, Filter{Function: name, Alias: alias, Active: true, Limit: 1})
	if err != nil {
		return fmt.Errorf("find the deployment of %s@%s: %w", name, alias, err)
	}
	for _, r := range list {
		if next, err := c.advance(ctx, r, nil); err == nil {
			r = next
		} else if !errors.Is(err, ErrConflict) {
			return err
		}
		if r.Active() {
			return &ActiveError{Rollout: r}
		}
	}
	return nil
}

// Begin starts a rollout; began is false where the alias points at the version whole
// already. The alias must be there and point at one version whole. Errors: *ActiveError,
// ErrSplit, ErrNotFound for the alias, *function.ManifestError, what Version returns,
// ErrConflict.
func (c *Controller) Begin(ctx context.Context, b Begin) (r Rollout, began bool, err error) {
	if err := b.Delivery.Validate(); err != nil {
		return Rollout{}, false, err
	}
	v, err := c.cfg.Version(ctx, function.ID{Name: b.Function, Version: b.To})
	if err != nil {
		return Rollout{}, false, err
	}
	if err := c.Busy(ctx, b.Function, b.Alias); err != nil {
		return Rollout{}, false, err
	}
	f, there := c.cfg.Function(ctx, b.Function)
	alias, aliased := f.Alias(b.Alias)
	if !there || !aliased {
		return Rollout{}, false, fmt.Errorf("%s@%s: %w", b.Function, b.Alias, ErrNotFound)
	}
	from := alias.Whole()
	switch from {
	case 0:
		return Rollout{}, false, fmt.Errorf("%s@%s: %w: hadron alias %s@%s %d", b.Function, b.Alias, ErrSplit, b.Function, b.Alias, alias.Weights[0].Version)
	case b.To:
		return Rollout{}, false, nil
	}
	now := c.now()
	r = Rollout{
		Function: b.Function, Alias: b.Alias, From: from, To: b.To, Plan: Over(v.Manifest.Delivery, b.Delivery).WithDefaults(),
		By: b.By, Message: b.Message, Override: b.Override, State: Pending, Reason: "it is about to begin", Weights: alias.Weights,
		StartedAt: now, UpdatedAt: now, StateAt: now, AliasRevision: alias.Revision,
	}
	text := fmt.Sprintf("%s of version %d in place of %d at %s", r.Plan.Strategy, r.To, r.From, r.Alias)
	events := []Event{{Time: now, Kind: EventStarted, Text: text, By: b.By}}
	if b.Override != "" {
		events = append(events, Event{Time: now, Kind: EventFreeze, Text: "the team's freeze is overridden: " + b.Override, By: b.By})
	}
	id, err := c.cfg.Point(ctx, Point{
		Name: b.Function, Alias: b.Alias, Revision: alias.Revision, Kind: "rollout", By: b.By, Message: orText(b.Message, text),
		Write: Write{Rollout: r, Events: events},
	})
	if err != nil {
		return Rollout{}, false, fmt.Errorf("begin deployment of %s@%d: %w", b.Function, b.To, err)
	}
	r.ID, r.Revision = id, 1
	c.metrics.begun.WithLabelValues(r.Plan.Strategy).Inc()
	c.watchers.tell()
	c.Wake()
	return r, true, nil
}

func orText(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// commandTries bounds how often a command meets a rollout that moves meanwhile.
const commandTries = 5

// Command does what somebody asks of a rollout and returns it as it is then. Errors:
// ErrNotFound, and those of Allowed.
func (c *Controller) Command(ctx context.Context, id int64, cmd Command) (Rollout, error) {
	for try := 1; ; try++ {
		r, err := c.Get(ctx, id)
		if err != nil {
			return Rollout{}, err
		}
		if err := Allowed(r, cmd.Verb); err != nil {
			return Rollout{}, err
		}
		next, err := c.advance(ctx, r, &cmd)
		if errors.Is(err, ErrConflict) && try < commandTries {
			continue
		}
		if err != nil {
			return Rollout{}, err
		}
		return next, nil
	}
}

// Get returns a rollout with its newest verdict, or ErrNotFound.
func (c *Controller) Get(ctx context.Context, id int64) (Rollout, error) {
	list, err := c.Rollouts(ctx, id)
	if err != nil {
		return Rollout{}, err
	}
	if len(list) == 0 {
		return Rollout{}, fmt.Errorf("deployment %d: %w", id, ErrNotFound)
	}
	return list[0], nil
}

// Rollouts returns those of the ids that there are, with their newest verdicts.
func (c *Controller) Rollouts(ctx context.Context, ids ...int64) ([]Rollout, error) {
	list, err := c.cfg.Store.Rollouts(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("read deployments: %w", err)
	}
	return c.judged(list), nil
}

// Find lists rollouts, newest first, with their newest verdicts.
func (c *Controller) Find(ctx context.Context, f Filter) ([]Rollout, error) {
	list, err := c.cfg.Store.Find(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("find deployments: %w", err)
	}
	return c.judged(list), nil
}

func (c *Controller) judged(list []Rollout) []Rollout {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range list {
		if v := c.verdicts[list[i].ID]; v != nil && list[i].Active() {
			list[i].Verdict = v
		}
	}
	return list
}

// Events returns those of a rollout, oldest first.
func (c *Controller) Events(ctx context.Context, id int64) ([]Event, error) {
	list, err := c.cfg.Store.Events(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read events of deployment %d: %w", id, err)
	}
	return list, nil
}
