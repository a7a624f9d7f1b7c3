package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"time"

	"hadron/runtime/access"
)

var (
	// ErrNoToken is returned where no token of that name or hash is kept.
	ErrNoToken = errors.New("no such token")
	// ErrTokenExists is returned for a name that a token of the team has already.
	ErrTokenExists = errors.New("a token of this name is there already; take another name, or ask for it to be replaced")
	// ErrTooManyTokens is returned when a team has as many as it may.
	ErrTooManyTokens = errors.New("the team has as many tokens as it may; revoke one that is no longer used")
	// ErrInvalid is wrapped by refusals to issue a token.
	ErrInvalid = errors.New("invalid token request")
	// ErrAbove is wrapped where a token was to be allowed more than who asks for it.
	ErrAbove = errors.New("a token may not be allowed more than who makes it")
)

// Token is an issued token as it is kept: without the token.
type Token struct {
	Name      string // unique within the scope's team
	Hash      string // SHA-256 in hex
	Role      access.Role
	Scope     access.Scope
	CreatedAt time.Time
	CreatedBy string
	ExpiresAt time.Time // zero: never
	UsedAt    time.Time // about; zero: never
}

// Team is whose token it is; empty: the whole installation's.
func (t Token) Team() string { return t.Scope.Team() }

// ID names the token among those of all teams: "ci", or "growth/ci".
func (t Token) ID() string {
	if team := t.Team(); team != "" {
		return team + "/" + t.Name
	}
	return t.Name
}

// Put says how a token is stored.
type Put struct {
	Replace bool // in place of one of its name, which ends
	Most    int  // tokens of its team; 0: as many as it likes
}

// Store keeps tokens. A name is unique within its team, a hash among all. Each
// write leaves a row in the log of changes, in the same transaction.
type Store interface {
	// PutToken returns ErrTokenExists and ErrTooManyTokens. Tokens of the team that
	// expired a month ago are dropped on the way.
	PutToken(ctx context.Context, t Token, how Put) error
	// TokenByHash returns ErrNoToken where there is none.
	TokenByHash(ctx context.Context, hash string) (Token, error)
	// Tokens lists those of the scopes, by team and name.
	Tokens(ctx context.Context, scopes []access.Scope) ([]Token, error)
	// DeleteToken returns ErrNoToken where there is none.
	DeleteToken(ctx context.Context, team, name, by string) error
	// UseTokens writes when tokens were used last, by hash.
	UseTokens(ctx context.Context, at map[string]time.Time) error
}

// Request asks for a token.
type Request struct {
	Name    string
	Role    access.Role
	Scope   access.Scope
	Expiry  time.Duration // 0: Config.TokenExpiry; at most Config.MaxTokenExpiry
	Replace bool          // one of that name, which ends
}

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Issue makes a token on behalf of by, and returns it, the only time that it can
// be seen. Errors wrap ErrInvalid, ErrAbove, ErrTokenExists or ErrTooManyTokens.
func (t *Tenants) Issue(ctx context.Context, by access.Principal, r Request) (string, Token, error) {
	if !access.CanIn(by, access.Administer, r.Scope) || !(access.Grant{Role: r.Role, Scope: r.Scope}).Within(by.Grants) {
		return "", Token{}, fmt.Errorf("%w: %s holds %s", ErrAbove, by.Name, by.Grants)
	}
	if r.Expiry == 0 {
		r.Expiry = t.cfg.TokenExpiry
	}
	if r.Expiry < time.Minute || r.Expiry > t.cfg.MaxTokenExpiry {
		return "", Token{}, fmt.Errorf("%w: it may last from a minute to %s, the operator's maximum, not %s", ErrInvalid, days(t.cfg.MaxTokenExpiry), days(r.Expiry))
	}
	return t.issue(ctx, by.Name, r, t.now().Add(r.Expiry), t.cfg.MaxTokens)
}

// IssueOwn makes a token for Hadron's own use, such as a data source's: without
// end, and in place of the one before.
func (t *Tenants) IssueOwn(ctx context.Context, name string, role access.Role) (string, error) {
	token, _, err := t.issue(ctx, "hadron", Request{Name: name, Role: role, Replace: true}, time.Time{}, 0)
	return token, err
}

func (t *Tenants) issue(ctx context.Context, by string, r Request, expires time.Time, most int) (string, Token, error) {
	switch _, err := access.ParseScope(string(r.Scope)); {
	case t.cfg.Store == nil:
		return "", Token{}, fmt.Errorf("%w: this server keeps no tokens", ErrInvalid)
	case !namePattern.MatchString(r.Name):
		return "", Token{}, fmt.Errorf("%w: a name holds at most 63 of a-z, 0-9, dot, _ and -", ErrInvalid)
	case !r.Role.Valid():
		return "", Token{}, fmt.Errorf("%w: a role is viewer, invoker, deployer or admin", ErrInvalid)
	case err != nil:
		return "", Token{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	token, sum := generate(Prefix)
	kept := Token{
		Name: r.Name, Hash: hex.EncodeToString(sum[:]), Role: r.Role, Scope: r.Scope,
		CreatedAt: t.now(), CreatedBy: by, ExpiresAt: expires,
	}
	err := t.cfg.Store.PutToken(ctx, kept, Put{Replace: r.Replace, Most: most})
	t.cache.clear()
	if err != nil {
		return "", Token{}, fmt.Errorf("issue token %s: %w", kept.ID(), err)
	}
	return token, kept, nil
}

// Revoke ends a token of a team (empty: of the whole installation), at once on
// this node and within half a minute on others. It returns ErrNoToken where there
// is none, or none that by may administer.
func (t *Tenants) Revoke(ctx context.Context, by access.Principal, team, name string) error {
	list, err := t.Tokens(ctx, by)
	if err != nil {
		return err
	}
	for _, tok := range list {
		if tok.Team() != team || tok.Name != name {
			continue
		}
		err := t.cfg.Store.DeleteToken(ctx, team, name, by.Name)
		t.cache.clear()
		if err != nil {
			return fmt.Errorf("revoke token %s: %w", tok.ID(), err)
		}
		return nil
	}
	return fmt.Errorf("%s: %w", Token{Name: name, Scope: access.Scope(team)}.ID(), ErrNoToken)
}

// Tokens lists the issued tokens that by may administer, by team and name.
func (t *Tenants) Tokens(ctx context.Context, by access.Principal) ([]Token, error) {
	scopes := by.Grants.Scopes(access.Administer)
	if t.cfg.Store == nil || len(scopes) == 0 {
		return nil, nil
	}
	list, err := t.cfg.Store.Tokens(ctx, scopes)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// days prints a long duration as people say it.
func days(d time.Duration) string {
	if d >= 48*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func generate(prefix string) (token string, sum [sha256.Size]byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // ends the process rather than fail
	token = prefix + encoding.EncodeToString(b[:])
	return token, sha256.Sum256([]byte(token))
}
