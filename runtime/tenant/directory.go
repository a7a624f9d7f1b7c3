package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
)

// Defaults are the server's, for what a team leaves empty.
type Defaults struct {
	Bounds
	Keep             int           // versions of each function; 0: all
	Age              time.Duration // below which a version is kept
	EscalationPolicy string
}

// DirectoryConfig of a Directory. Store and Count are required.
type DirectoryConfig struct {
	Store    TeamStore
	Defaults Defaults
	// Count returns how many functions, and how many of their versions, there are under
	// a prefix of names.
	Count func(ctx context.Context, prefix string) (functions, versions int, err error)
	// Missing returns those of the names that are no secret of the function's project
	// or team. Nil: none is.
	Missing func(ctx context.Context, name function.Name, secrets []string) ([]string, error)
	// Changed is told of a scope whose settings changed, one at a time. Nil: nobody is.
	Changed func(Scope)
	Logger  *slog.Logger     // discards unless given
	Now     func() time.Time // time.Now unless given
}

// Directory is the teams and projects: all of them in memory, read once and kept
// equal to the store. Its methods are safe for concurrent use.
type Directory struct {
	cfg    DirectoryConfig
	writer sync.Mutex // held over a write, its effect and Changed
	mu     sync.RWMutex
	teams  map[Scope]Team
	order  []Scope // sorted
}

// NewDirectory reads all teams and projects.
func NewDirectory(ctx context.Context, cfg DirectoryConfig) (*Directory, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Changed == nil {
		cfg.Changed = func(Scope) {}
	}
	d := &Directory{cfg: cfg, teams: map[Scope]Team{}}
	d.cfg.Logger = cfg.Logger.With("component", "teams")
	teams, err := cfg.Store.Teams(ctx)
	if err != nil {
		return nil, fmt.Errorf("load teams: %w", err)
	}
	for _, t := range teams {
		d.put(t)
	}
	return d, nil
}

func (d *Directory) put(t Team) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, found := slices.BinarySearch(d.order, t.Scope); !found {
		d.order = slices.Insert(d.order, at, t.Scope)
	}
	d.teams[t.Scope] = t
}

func (d *Directory) remove(s Scope) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, found := slices.BinarySearch(d.order, s); found {
		d.order = slices.Delete(d.order, at, at+1)
	}
	delete(d.teams, s)
}

// Team returns a team or a project, or ErrNoTeam.
func (d *Directory) Team(s Scope) (Team, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	t, ok := d.teams[s]
	if !ok {
		return Team{}, fmt.Errorf("%s %s: %w", s.word(), s, ErrNoTeam)
	}
	return t, nil
}

// Teams lists teams, or the projects of a team where one is given: by name, those
// behind after that keep lets through, at most limit; 0 is all.
func (d *Directory) Teams(of, after Scope, limit int, keep func(Scope) bool) []Team {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var out []Team
	at, found := slices.BinarySearch(d.order, after)
	if found {
		at++
	}
	for _, s := range d.order[at:] {
		if (of == "") == s.IsProject() || of != "" && s.Team() != of || !keep(s) {
			continue
		}
		if out = append(out, d.teams[s]); len(out) == limit {
			break
		}
	}
	return out
}

// Bounds are the quota of a team or project in effect. A scope that is not there has
// the defaults.
func (d *Directory) Bounds(s Scope) Bounds {
	d.mu.RLock()
	defer d.mu.RUnlock()
	base := d.cfg.Defaults.Bounds
	if s.IsProject() {
		base = Bounds{}
	}
	return d.teams[s].Quota.over(base)
}

// InEffect is what counts for a team or a project beside its quota.
type InEffect struct {
	EscalationPolicy string
	Keep             int           // the newest versions of each function; 0: all
	Age              time.Duration // below which a version is kept
}

// InEffect is what a project says, else its team, else the server.
func (d *Directory) InEffect(of Scope) InEffect {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := InEffect{EscalationPolicy: d.cfg.Defaults.EscalationPolicy, Keep: d.cfg.Defaults.Keep, Age: d.cfg.Defaults.Age}
	for _, s := range of.path() {
		t := d.teams[s]
		if t.EscalationPolicy != "" {
			out.EscalationPolicy = t.EscalationPolicy
		}
		pick(&out.Keep, t.Retention.Keep)
		if t.Retention.Days != nil {
			out.Age = time.Duration(*t.Retention.Days) * 24 * time.Hour
		}
	}
	return out
}

// EscalationPolicy is the one that a project names, else its team, and which says so;
// empty: neither does.
func (d *Directory) EscalationPolicy(of Scope) (policy, from string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, s := range slices.Backward(of.path()) {
		if p := d.teams[s].EscalationPolicy; p != "" {
			return p, "the settings of the " + s.word() + " " + string(s)
		}
	}
	return "", ""
}

// Put creates a team or project, or changes its settings. With ifMatch it must be
// there with that revision, else ErrTeamStale; with create it must not be there, else
// ErrTeamExists. Errors: those, ErrNoTeam for a project whose team is not there,
// ErrSettings.
func (d *Directory) Put(ctx context.Context, by string, s Scope, settings Settings, ifMatch *int64, create bool) (Team, error) {
	if err := settings.validate(s); err != nil {
		return Team{}, err
	}
	d.writer.Lock()
	defer d.writer.Unlock()
	old, err := d.Team(s)
	there := err == nil
	switch {
	case ifMatch != nil && (!there || old.Revision != *ifMatch):
		return Team{}, fmt.Errorf("%s %s: %w", s.word(), s, ErrTeamStale)
	case create && there:
		return Team{}, fmt.Errorf("%s %s: %w", s.word(), s, ErrTeamExists)
	case there && string(old.encode()) == string(settings.encode()):
		return old, nil
	}
	return d.write(ctx, by, s, settings, old, there)
}

func (d *Directory) write(ctx context.Context, by string, s Scope, settings Settings, old Team, there bool) (Team, error) {
	now := d.now()
	next := Team{Scope: s, Settings: settings, CreatedAt: now, UpdatedAt: now, UpdatedBy: by}
	change := TeamChange{Subject: s.subject(), Kind: s.kind(KindTeamCreated, KindProjectCreated), By: by, Before: []byte("null"), After: settings.encode(), Time: now}
	if there {
		next.CreatedAt = old.CreatedAt
		change.Kind, change.Before = s.kind(KindTeamChanged, KindProjectChanged), old.encode()
	} else if s.IsProject() {
		if _, err := d.Team(s.Team()); err != nil {
			return Team{}, fmt.Errorf("create project %s: %w", s, err)
		}
	}
	var err error
	// A caller that leaves must not leave memory behind the store.
	if next.Revision, err = d.cfg.Store.PutTeam(context.WithoutCancel(ctx), next, old.Revision, change); err != nil {
		return Team{}, fmt.Errorf("write %s %s: %w", s.word(), s, err)
	}
	d.put(next)
	d.cfg.Changed(s)
	return next, nil
}

// Delete removes an empty team or project. Errors: ErrNoTeam, ErrTeamStale, and one
// that wraps ErrNotEmpty and says what is in it.
func (d *Directory) Delete(ctx context.Context, by string, s Scope, ifMatch *int64) error {
	d.writer.Lock()
	defer d.writer.Unlock()
	old, err := d.Team(s)
	if err != nil {
		return err
	}
	if ifMatch != nil && old.Revision != *ifMatch {
		return fmt.Errorf("%s %s: %w", s.word(), s, ErrTeamStale)
	}
	change := TeamChange{Subject: s.subject(), Kind: s.kind(KindTeamDeleted, KindProjectDeleted), By: by, Before: old.encode(), After: []byte("null"), Time: d.now()}
	if err := d.cfg.Store.DeleteTeam(context.WithoutCancel(ctx), s, old.Revision, change); err != nil {
		return fmt.Errorf("delete %s %s: %w", s.word(), s, err)
	}
	d.remove(s)
	d.cfg.Changed(s)
	return nil
}

// Enter refuses a first use of a team or project by somebody who may not bring it
// into being: admins of it may. Its error wraps ErrNoTeam.
func (d *Directory) Enter(who access.Principal, of Scope) error {
	for _, s := range of.path() {
		if _, err := d.Team(s); err == nil || access.CanIn(who, access.Administer, access.Scope(s)) {
			continue
		}
		return fmt.Errorf("%w: the %s %s does not exist yet, and %s, as %s, may not create it; an admin can: hadron %ss create %s",
			ErrNoTeam, s.word(), s, who.Name, who.Grants, s.word(), s)
	}
	return nil
}

// Admit lets a version be stored: within the quotas of project and team, its secrets
// all there. It makes team and project where they are not there yet: whoever may not
// was refused by Enter. Errors: *QuotaError, *MissingSecretsError.
func (d *Directory) Admit(ctx context.Context, by string, name function.Name, isNew bool, m function.Manifest) error {
	for _, s := range []Scope{TeamOf(name), ProjectOf(name)} {
		if err := d.within(ctx, s, isNew); err != nil {
			return err
		}
	}
	if d.cfg.Missing != nil && len(m.Secrets) > 0 {
		missing, err := d.cfg.Missing(ctx, name, m.Secrets)
		if err != nil {
			return fmt.Errorf("look for secrets of %s: %w", name, err)
		}
		if len(missing) > 0 {
			return &MissingSecretsError{Function: name, Names: missing}
		}
	}
	return d.Make(ctx, by, ProjectOf(name))
}

// Make brings a team, or a project and its team, into being where they are not there
// yet: at first use, by somebody whom Enter let pass.
func (d *Directory) Make(ctx context.Context, by string, of Scope) error {
	for _, s := range of.path() {
		_, err := d.Team(s)
		if err == nil {
			continue
		}
		if _, err = d.Put(ctx, by, s, Settings{}, nil, true); err != nil && !errors.Is(err, ErrTeamExists) {
			return err
		}
		d.cfg.Logger.InfoContext(ctx, "came into being at first use", "scope", string(s), "by", by)
	}
	return nil
}

func (d *Directory) within(ctx context.Context, s Scope, isNew bool) error {
	b := d.Bounds(s)
	if b.Functions == 0 && b.Versions == 0 {
		return nil
	}
	functions, versions, err := d.cfg.Count(ctx, s.Prefix())
	if err != nil {
		return fmt.Errorf("look at the quota of %s: %w", s, err)
	}
	if isNew {
		if err := exceeded(s, "functions", functions, b.Functions); err != nil {
			return err
		}
	}
	return exceeded(s, "versions", versions, b.Versions)
}

func (d *Directory) now() time.Time { return d.cfg.Now().UTC().Truncate(time.Microsecond) }

// MissingSecretsError refuses a version whose manifest lists secrets that are not set.
type MissingSecretsError struct {
	Function function.Name
	Names    []string
}

func (e *MissingSecretsError) Error() string {
	return fmt.Sprintf("%s lists secrets that are not set: %s; set each first: hadron secrets set %s %s",
		e.Function, strings.Join(e.Names, ", "), ProjectOf(e.Function), e.Names[0])
}
