package delivery

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"hadron/runtime/function"
)

// Freeze is a time in which a team's deployments do not go on.
type Freeze struct {
	Team   string
	Reason string
	By     string
	Since  time.Time
	Until  time.Time
}

// holds reports whether the freeze is in force.
func (f *Freeze) holds(now time.Time) bool { return f != nil && now.Before(f.Until) }

// FreezeEntry is one thing that was done about a team's freeze.
type FreezeEntry struct {
	Team     string
	Time     time.Time
	Kind     string // frozen, lifted, overridden
	By       string
	Function function.Name // of an override
	Text     string
}

// The kinds of entries.
const (
	EntryFrozen     = "frozen"
	EntryLifted     = "lifted"
	EntryOverridden = "overridden"
)

// Bounds of a freeze.
const (
	MaxFreeze    = 90 * 24 * time.Hour
	maxReason    = 500 // characters
	shownEntries = 50
)

// Freeze holds a team's deployments until a time. Rollbacks stay possible. Its refusals
// wrap ErrInvalid.
func (c *Controller) Freeze(ctx context.Context, f Freeze) error {
	now := c.now()
	switch {
	case !function.ValidPart(f.Team):
		return fmt.Errorf("%w: a team's name is lower-case letters, digits and -", ErrInvalid)
	case f.Reason == "" || utf8.RuneCountInString(f.Reason) > maxReason:
		return fmt.Errorf("%w: give the reason of the freeze, at most %d characters", ErrInvalid, maxReason)
	case !f.Until.After(now) || f.Until.Sub(now) > MaxFreeze:
		return fmt.Errorf("%w: until is a time from now on, at most %d days ahead", ErrInvalid, int(MaxFreeze.Hours()/24))
	}
	f.Since, f.Until = now, f.Until.UTC().Truncate(time.Microsecond)
	text := fmt.Sprintf("until %s: %s", f.Until.Format(time.RFC3339), f.Reason)
	err := c.cfg.Store.PutFreeze(ctx, f, FreezeEntry{Team: f.Team, Time: now, Kind: EntryFrozen, By: f.By, Text: text})
	if err != nil {
		return fmt.Errorf("freeze team %s: %w", f.Team, err)
	}
	c.Wake()
	return nil
}

// Lift ends a team's freeze; one that is not there is no error.
func (c *Controller) Lift(ctx context.Context, team, by string) error {
	frozen, err := c.frozen(ctx, team)
	if err != nil || frozen == nil {
		return err
	}
	entry := FreezeEntry{Team: team, Time: c.now(), Kind: EntryLifted, By: by, Text: "it was: " + frozen.Reason}
	if err := c.cfg.Store.DeleteFreeze(ctx, team, entry); err != nil {
		return fmt.Errorf("lift the freeze of team %s: %w", team, err)
	}
	c.Wake()
	return nil
}

// Frozen returns the team's freeze, nil where none is in force, and what was done
// about it, newest first.
func (c *Controller) Frozen(ctx context.Context, team string) (*Freeze, []FreezeEntry, error) {
	f, err := c.frozen(ctx, team)
	if err != nil {
		return nil, nil, err
	}
	entries, err := c.cfg.Store.FreezeLog(ctx, team, shownEntries)
	if err != nil {
		return nil, nil, fmt.Errorf("read freezes of team %s: %w", team, err)
	}
	return f, entries, nil
}

func (c *Controller) frozen(ctx context.Context, team string) (*Freeze, error) {
	f, err := c.cfg.Store.Freeze(ctx, team)
	if err != nil {
		return nil, fmt.Errorf("read the freeze of team %s: %w", team, err)
	}
	if !f.holds(c.now()) {
		return nil, nil
	}
	return f, nil
}

// Permit returns a *FrozenError where the function's team is frozen. With a reason to
// override it, that is recorded and nil is returned: that the principal may is the
// caller's to check.
func (c *Controller) Permit(ctx context.Context, name function.Name, by, override string) error {
	f, err := c.frozen(ctx, name.Team())
	if err != nil || f == nil {
		return err
	}
	if override == "" {
		return &FrozenError{Freeze: *f}
	}
	if utf8.RuneCountInString(override) > maxReason {
		return fmt.Errorf("%w: the reason of an override holds at most %d characters", ErrInvalid, maxReason)
	}
	entry := FreezeEntry{Team: f.Team, Time: c.now(), Kind: EntryOverridden, By: by, Function: name, Text: override}
	if err := c.cfg.Store.LogFreeze(ctx, entry); err != nil {
		return fmt.Errorf("record the override of a freeze: %w", err)
	}
	return nil
}
