package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"hadron/runtime/function"
)

// Secret is a secret as people see it: never its value.
type Secret struct {
	Scope     Scope
	Name      string
	Version   int    // from 1; one more at each rotation
	KeyID     string // of the key that it is sealed with
	CreatedAt time.Time
	UpdatedAt time.Time
	UpdatedBy string
}

// SealedSecret is a secret as it is kept.
type SealedSecret struct {
	Secret
	Sealed []byte
}

var (
	// ErrNoSecret is returned for a secret that is not there.
	ErrNoSecret = errors.New("there is no such secret")
	// ErrSecretStale is returned by a store where a secret was rotated since it was read.
	ErrSecretStale = errors.New("the secret was changed by somebody else; try again")
	// ErrSecret is wrapped by refusals of a name or value.
	ErrSecret = errors.New("invalid secret")
	// ErrSecretInUse is wrapped by refusals to delete a secret that functions list.
	ErrSecretInUse = errors.New("it is in use")
)

// SecretStore keeps sealed secrets.
type SecretStore interface {
	// Secrets reads those of the scopes, by scope and name.
	Secrets(ctx context.Context, scopes ...Scope) ([]SealedSecret, error)
	// PutSecret stores version s.Version in place of the one before it. Errors:
	// ErrSecretStale, ErrNoTeam, *QuotaError where a new one would be beyond a bound.
	PutSecret(ctx context.Context, s SealedSecret, bounds []SecretBound, c TeamChange) error
	// DeleteSecret returns ErrNoSecret where there is none.
	DeleteSecret(ctx context.Context, s Scope, name string, c TeamChange) error
	// SealedOtherwise reads at most limit of those that another key than this one seals.
	SealedOtherwise(ctx context.Context, keyID string, limit int) ([]SealedSecret, error)
	// Reseal stores s in place of the same version under the key oldKey; false: it was
	// rotated, resealed or deleted meanwhile.
	Reseal(ctx context.Context, s SealedSecret, oldKey string) (bool, error)
	// KeyIDs lists the keys that any secret is sealed with.
	KeyIDs(ctx context.Context) ([]string, error)
	// Rekeyed writes the row of the audit trail.
	Rekeyed(ctx context.Context, c TeamChange) error
}

// SecretBound is how many secrets a scope may have; a team's counts those of its
// projects, too. Most 0 is no bound.
type SecretBound struct {
	Scope Scope
	Most  int
}

// SecretsConfig of Secrets. All fields but the last ones are required.
type SecretsConfig struct {
	Store SecretStore
	Keys  *Keyring
	// Bound is how many secrets a scope may have; 0 is no bound.
	Bound func(Scope) int
	// InUse lists functions of a scope that an alias can reach and that list the secret.
	InUse func(ctx context.Context, s Scope, name string) ([]function.Name, error)
	// Changed is told of a scope whose secrets changed, before Set or Delete returns.
	Changed func(context.Context, Scope)
	Logger  *slog.Logger     // discards unless given
	Now     func() time.Time // time.Now unless given
}

// Secrets sets, rotates and hands out secrets. A value is in memory while it is
// sealed or handed out, and nowhere else.
type Secrets struct {
	cfg    SecretsConfig
	writer sync.Mutex // over Changed too, so that the last value set is the last one told
	rekey  sync.Mutex
}

// NewSecrets returns Secrets.
func NewSecrets(cfg SecretsConfig) *Secrets {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Logger = cfg.Logger.With("component", "secrets")
	return &Secrets{cfg: cfg}
}

// MaxSecret is the most bytes of a value.
const MaxSecret = 64 << 10

// Set makes a secret, or rotates the one of that name. Errors: ErrSecret,
// *QuotaError, ErrNoTeam, ErrSecretStale.
func (s *Secrets) Set(ctx context.Context, by string, scope Scope, name, value string) (Secret, error) {
	switch {
	case !function.ValidSecretName(name):
		return Secret{}, fmt.Errorf("%w: a name is a variable's of JavaScript, such as API_KEY, and does not begin with %s", ErrSecret, function.ReservedEnv)
	case value == "":
		return Secret{}, fmt.Errorf("%w: the value of %s is empty", ErrSecret, name)
	case len(value) > MaxSecret:
		return Secret{}, fmt.Errorf("%w: the value of %s has %d bytes; at most %d are kept", ErrSecret, name, len(value), MaxSecret)
	case !utf8.ValidString(value):
		return Secret{}, fmt.Errorf("%w: the value of %s is not UTF-8 text; encode bytes, as base64 for instance", ErrSecret, name)
	}
	s.writer.Lock()
	defer s.writer.Unlock()
	old, err := s.find(ctx, scope, name)
	if err != nil && !errors.Is(err, ErrNoSecret) {
		return Secret{}, err
	}
	now := s.now()
	next := SealedSecret{Secret: Secret{
		Scope: scope, Name: name, Version: old.Version + 1, KeyID: s.cfg.Keys.Current(), CreatedAt: now, UpdatedAt: now, UpdatedBy: by,
	}}
	change := TeamChange{Subject: next.subject(), Kind: KindSecretSet, By: by, Before: []byte("null"), After: next.state(), Time: now}
	if old.Version > 0 {
		next.CreatedAt = old.CreatedAt
		change.Kind, change.Before = KindSecretRotated, old.state()
	}
	if next.Sealed, err = s.cfg.Keys.seal(next.Secret, value); err != nil {
		return Secret{}, fmt.Errorf("seal secret %s of %s: %w", name, scope, err)
	}
	if err := s.cfg.Store.PutSecret(context.WithoutCancel(ctx), next, s.bounds(scope), change); err != nil {
		return Secret{}, fmt.Errorf("set secret %s of %s: %w", name, scope, err)
	}
	s.cfg.Changed(context.WithoutCancel(ctx), scope)
	return next.Secret, nil
}

func (s *Secrets) bounds(scope Scope) []SecretBound {
	out := []SecretBound{{scope.Team(), s.cfg.Bound(scope.Team())}}
	if scope.IsProject() {
		out = append(out, SecretBound{scope, s.cfg.Bound(scope)})
	}
	return out
}

func (s Secret) subject() string { return "secret:" + string(s.Scope) + "/" + s.Name }

func (s Secret) state() []byte {
	return fmt.Appendf(nil, `{"secret":%q,"version":%d}`, s.Name, s.Version) // names need no more escaping than %q gives
}

func (s *Secrets) find(ctx context.Context, scope Scope, name string) (SealedSecret, error) {
	list, err := s.cfg.Store.Secrets(ctx, scope)
	if err != nil {
		return SealedSecret{}, fmt.Errorf("read secrets of %s: %w", scope, err)
	}
	for _, it := range list {
		if it.Name == name {
			return it, nil
		}
	}
	return SealedSecret{}, fmt.Errorf("%s of %s: %w", name, scope, ErrNoSecret)
}

// List lists a scope's own secrets by name, those behind after.
func (s *Secrets) List(ctx context.Context, scope Scope, after string, limit int) ([]Secret, error) {
	list, err := s.cfg.Store.Secrets(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("list secrets of %s: %w", scope, err)
	}
	var out []Secret
	for _, it := range list {
		if it.Name > after && (limit <= 0 || len(out) < limit) {
			out = append(out, it.Secret)
		}
	}
	return out, nil
}

// Delete removes a secret. One that functions list in a version that an alias names
// stays, unless force is set: their VMs then go without. Errors: ErrNoSecret, ErrSecretInUse.
func (s *Secrets) Delete(ctx context.Context, by string, scope Scope, name string, force bool) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	old, err := s.find(ctx, scope, name)
	if err != nil {
		return err
	}
	if !force {
		users, err := s.cfg.InUse(ctx, scope, name)
		if err != nil {
			return fmt.Errorf("look who uses secret %s of %s: %w", name, scope, err)
		}
		if len(users) > 0 {
			return fmt.Errorf("secret %s of %s: %w: %s lists it, of %d in all; deploy them without it first, or delete it with force", name, scope, ErrSecretInUse, users[0], len(users))
		}
	}
	change := TeamChange{Subject: old.subject(), Kind: KindSecretDeleted, By: by, Before: old.state(), After: []byte("null"), Time: s.now()}
	if err := s.cfg.Store.DeleteSecret(context.WithoutCancel(ctx), scope, name, change); err != nil {
		return fmt.Errorf("delete secret %s of %s: %w", name, scope, err)
	}
	s.cfg.Changed(context.WithoutCancel(ctx), scope)
	return nil
}

// Values opens those of the names that the function's project or team has; the
// project's win. A name that is not set is absent.
func (s *Secrets) Values(ctx context.Context, name function.Name, names []string) (map[string]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	list, err := s.cfg.Store.Secrets(ctx, TeamOf(name), ProjectOf(name))
	if err != nil {
		return nil, fmt.Errorf("read secrets of %s: %w", name, err)
	}
	chosen := map[string]SealedSecret{}
	for _, it := range list { // by scope: a project comes behind its team
		if slices.Contains(names, it.Name) {
			chosen[it.Name] = it
		}
	}
	out := make(map[string]string, len(chosen))
	for key, it := range chosen {
		if out[key], err = s.cfg.Keys.open(it.Secret, it.Sealed); err != nil {
			return nil, fmt.Errorf("open secret %s of %s: %w", key, it.Scope, err)
		}
	}
	return out, nil
}

// Missing returns those of the names that neither project nor team of the function has.
func (s *Secrets) Missing(ctx context.Context, name function.Name, names []string) ([]string, error) {
	list, err := s.cfg.Store.Secrets(ctx, TeamOf(name), ProjectOf(name))
	if err != nil {
		return nil, fmt.Errorf("read secrets of %s: %w", name, err)
	}
	var missing []string
	for _, n := range names {
		if !slices.ContainsFunc(list, func(it SealedSecret) bool { return it.Name == n }) {
			missing = append(missing, n)
		}
	}
	return missing, nil
}

// rekeyBatch bounds what is read at once.
const rekeyBatch = 50

// Rekey seals every secret anew with the current key. Each is moved whole or not at
// all, and stays readable on the way: one that was interrupted goes on where it was.
// The error names the first that no given key opens.
func (s *Secrets) Rekey(ctx context.Context, by string) (moved int, err error) {
	s.rekey.Lock()
	defer s.rekey.Unlock()
	current := s.cfg.Keys.Current()
	for {
		list, err := s.cfg.Store.SealedOtherwise(ctx, current, rekeyBatch)
		if err != nil {
			return moved, fmt.Errorf("read secrets to seal anew: %w", err)
		}
		if len(list) == 0 {
			break
		}
		for _, it := range list {
			value, err := s.cfg.Keys.open(it.Secret, it.Sealed)
			if err != nil {
				return moved, fmt.Errorf("open secret %s of %s: %w", it.Name, it.Scope, err)
			}
			old := it.KeyID
			it.KeyID = current
			if it.Sealed, err = s.cfg.Keys.seal(it.Secret, value); err != nil {
				return moved, fmt.Errorf("seal secret %s of %s: %w", it.Name, it.Scope, err)
			}
			done, err := s.cfg.Store.Reseal(ctx, it, old)
			if err != nil {
				return moved, fmt.Errorf("store secret %s of %s: %w", it.Name, it.Scope, err)
			}
			if done {
				moved++
			}
		}
	}
	if moved > 0 {
		s.cfg.Logger.InfoContext(ctx, "secrets are sealed with the current key", "moved", moved, "key_id", current)
		after := fmt.Appendf(nil, `{"keyId":%q,"moved":%d}`, current, moved)
		if err := s.cfg.Store.Rekeyed(ctx, TeamChange{Subject: "secrets", Kind: KindRekeyed, By: by, Before: []byte("null"), After: after, Time: s.now()}); err != nil {
			return moved, fmt.Errorf("note that secrets were sealed anew: %w", err)
		}
	}
	return moved, nil
}

// Lost lists the keys that secrets are sealed with and that were not given.
func (s *Secrets) Lost(ctx context.Context) ([]string, error) {
	ids, err := s.cfg.Store.KeyIDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read which keys seal secrets: %w", err)
	}
	return s.cfg.Keys.Lacks(ids), nil
}

// KeyID is of the key that new values are sealed with.
func (s *Secrets) KeyID() string { return s.cfg.Keys.Current() }

func (s *Secrets) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }
