// Package tenant says who somebody is: it makes the first admin token, issues
// others, and turns the token of a request into a principal. Tokens are kept as
// hashes only. They are 256 random bits, so a plain SHA-256 is enough.
package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
)

// Prefix starts every token of Hadron. Other bearer tokens belong to functions.
const Prefix = "hdn_"

// maxToken bounds what is hashed for a stranger.
const maxToken = 256

var (
	// ErrUnauthenticated is returned for a token that is nobody's.
	ErrUnauthenticated = errors.New("this token is not known here; give a current one")
	// ErrNoToken is returned where no token of that name or hash is kept.
	ErrNoToken = errors.New("no such token")
	// ErrInvalid is wrapped by refusals to issue a token.
	ErrInvalid = errors.New("invalid token request")
)

// Token is an issued token as it is kept: without the token.
type Token struct {
	Name      string
	Hash      string // SHA-256 in hex
	Role      access.Role
	Scope     string // "" for all, "team", or "team/project"
	CreatedAt time.Time
}

// Store keeps tokens. Names and hashes are unique.
type Store interface {
	// PutToken stores t in place of another of its name.
	PutToken(ctx context.Context, t Token) error
	// TokenByHash returns ErrNoToken where there is none.
	TokenByHash(ctx context.Context, hash string) (Token, error)
	// Tokens lists all by name.
	Tokens(ctx context.Context) ([]Token, error)
	// DeleteToken returns ErrNoToken where there is none.
	DeleteToken(ctx context.Context, name string) error
}

// Config of Tenants.
type Config struct {
	Dev            bool             // everybody is the admin "dev", and no admin token is made
	AdminTokenFile string           // holds the admin token; empty: one is made in DataDir, once
	DataDir        string           // must be there
	Terminal       io.Writer        // a made token is shown here, once; nil: it goes to <DataDir>/admin-token
	Store          Store            // of issued tokens; nil: none are
	Logger         *slog.Logger     // discards unless given
	Now            func() time.Time // time.Now unless given
}

// Tenants authenticates. Its methods are safe for concurrent use.
type Tenants struct {
	cfg   Config
	admin [sha256.Size]byte // of the admin token; unused in Dev
	cache *cache
}

// New reads the admin token, or makes it where there is none yet.
func New(cfg Config) (*Tenants, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	t := &Tenants{cfg: cfg, cache: newCache(cfg.Now)}
	t.cfg.Logger = cfg.Logger.With("component", "tenant")
	if cfg.Dev {
		return t, nil
	}
	admin, err := t.loadAdmin()
	if err != nil {
		return nil, err
	}
	t.admin = admin
	return t, nil
}

// Authenticate returns whose token it is, or ErrUnauthenticated. In Dev it
// returns the admin "dev" for any token and for none.
func (t *Tenants) Authenticate(ctx context.Context, token string) (access.Principal, error) {
	if t.cfg.Dev {
		return access.Principal{Name: "dev", Grants: access.Granted(access.Admin, access.Everything)}, nil
	}
	if !strings.HasPrefix(token, Prefix) || len(token) > maxToken {
		return access.Principal{}, ErrUnauthenticated
	}
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], t.admin[:]) == 1 {
		return access.Principal{Name: "admin", Grants: access.Granted(access.Admin, access.Everything)}, nil
	}
	if t.cfg.Store == nil {
		return access.Principal{}, ErrUnauthenticated
	}
	// Looked up by hash: how long it takes tells nothing of the token.
	p, drops, ok := t.cache.get(sum)
	if ok {
		return p, nil
	}
	kept, err := t.cfg.Store.TokenByHash(ctx, hex.EncodeToString(sum[:]))
	if errors.Is(err, ErrNoToken) {
		return access.Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return access.Principal{}, fmt.Errorf("authenticate: %w", err)
	}
	p = access.Principal{Name: "token:" + kept.Name, Grants: access.Granted(kept.Role, access.Scope(kept.Scope))}
	t.cache.put(sum, p, drops)
	return p, nil
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Issue makes a token and returns it, the only time that it can be seen. It takes
// the place of an earlier one of that name, which ends. Refusals wrap ErrInvalid.
func (t *Tenants) Issue(ctx context.Context, name string, role access.Role, scope string) (string, error) {
	switch {
	case t.cfg.Store == nil:
		return "", fmt.Errorf("%w: this server keeps no tokens", ErrInvalid)
	case !namePattern.MatchString(name):
		return "", fmt.Errorf("%w: a name holds at most 63 of a-z, 0-9, dot, _ and -", ErrInvalid)
	case role != access.Viewer && role != access.Invoker && role != access.Deployer && role != access.Admin:
		return "", fmt.Errorf("%w: a role is viewer, invoker, deployer or admin", ErrInvalid)
	case !validScope(scope):
		return "", fmt.Errorf("%w: a scope is empty for everything, a team, or team/project", ErrInvalid)
	}
	token, sum := generate()
	err := t.cfg.Store.PutToken(ctx, Token{
		Name: name, Hash: hex.EncodeToString(sum[:]), Role: role, Scope: scope, CreatedAt: t.cfg.Now().UTC().Truncate(time.Microsecond),
	})
	t.cache.clear()
	if err != nil {
		return "", fmt.Errorf("issue token %s: %w", name, err)
	}
	return token, nil
}

// Revoke ends a token, at once on this node and within half a minute on others.
// It returns ErrNoToken where there is none of that name.
func (t *Tenants) Revoke(ctx context.Context, name string) error {
	if t.cfg.Store == nil {
		return ErrNoToken
	}
	err := t.cfg.Store.DeleteToken(ctx, name)
	t.cache.clear()
	if err != nil {
		return fmt.Errorf("revoke token %s: %w", name, err)
	}
	return nil
}

// Tokens lists issued tokens by name.
func (t *Tenants) Tokens(ctx context.Context) ([]Token, error) {
	if t.cfg.Store == nil {
		return nil, nil
	}
	list, err := t.cfg.Store.Tokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

func validScope(scope string) bool {
	team, project, both := strings.Cut(scope, "/")
	return scope == "" || function.ValidPart(team) && (!both || function.ValidPart(project))
}

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func generate() (token string, sum [sha256.Size]byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // ends the process rather than fail
	token = Prefix + encoding.EncodeToString(b[:])
	return token, sha256.Sum256([]byte(token))
}
