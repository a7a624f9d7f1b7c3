// Package tenant says who somebody is: it makes the first admin token, issues
// others, signs people in, and turns the token or session of a request into a
// principal. Tokens and sessions are kept as hashes only. They are 256 random
// bits, so a plain SHA-256 is enough.
package tenant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"hadron/runtime/access"
)

// Prefix starts every token of Hadron. Other bearer tokens belong to functions.
const Prefix = "hdn_"

// maxToken bounds what is hashed for a stranger.
const maxToken = 256

// ErrUnauthenticated is returned for a token or session that is nobody's.
var ErrUnauthenticated = errors.New("this token is not known here; give a current one")

// ExpiredError is an ErrUnauthenticated: whose it was is known, and its time is over.
type ExpiredError struct {
	Session bool // it was no token
	At      time.Time
}

func (e *ExpiredError) Error() string {
	if e.Session {
		return "this session has ended; sign in again"
	}
	return "this token expired on " + e.At.UTC().Format("2006-01-02 at 15:04 MST") + "; make a new one with hadron token create"
}

// Is makes an ExpiredError an ErrUnauthenticated too.
func (e *ExpiredError) Is(target error) bool { return target == ErrUnauthenticated }

// The bounds where none are configured.
const (
	defaultTokenExpiry    = 90 * 24 * time.Hour
	defaultMaxTokenExpiry = 366 * 24 * time.Hour
	defaultMaxTokens      = 100
	defaultSessionIdle    = 8 * time.Hour
	defaultSessionLife    = 24 * time.Hour
	defaultMaxSessions    = 10
)

// Config of Tenants.
type Config struct {
	Dev            bool             // everybody is the admin "dev", and no admin token is made
	AdminTokenFile string           // holds the admin token; empty: one is made in DataDir, once
	DataDir        string           // must be there
	Terminal       io.Writer        // a made token is shown here, once; nil: it goes to <DataDir>/admin-token
	Store          Store            // of issued tokens; nil: none are
	Sessions       SessionStore     // nil: nobody signs in
	Log            Log              // of changes; nil: none are known
	Logger         *slog.Logger     // discards unless given
	Now            func() time.Time // time.Now unless given

	TokenExpiry    time.Duration // of tokens that ask for none; default 90 days
	MaxTokenExpiry time.Duration // default 366 days
	MaxTokens      int           // of a team; default 100

	ExternalURL string        // where browsers reach this server; https makes cookies Secure
	SessionIdle time.Duration // after which an unused session ends; default 8 h
	SessionLife time.Duration // after which any session ends; default 24 h
	MaxSessions int           // of one user, the oldest makes room; default 10
	Provider    Provider      // of identities; nil: people sign in with tokens only
	Rules       []Rule        // what the provider's people may do
}

func (c *Config) setDefaults() {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("component", "tenant")
	if c.Now == nil {
		c.Now = time.Now
	}
	for value, def := range map[*time.Duration]time.Duration{
		&c.TokenExpiry: defaultTokenExpiry, &c.MaxTokenExpiry: defaultMaxTokenExpiry,
		&c.SessionIdle: defaultSessionIdle, &c.SessionLife: defaultSessionLife,
	} {
		if *value <= 0 {
			*value = def
		}
	}
	c.TokenExpiry = min(c.TokenExpiry, c.MaxTokenExpiry)
	for value, def := range map[*int]int{&c.MaxTokens: defaultMaxTokens, &c.MaxSessions: defaultMaxSessions} {
		if *value <= 0 {
			*value = def
		}
	}
}

// Tenants authenticates. Its methods are safe for concurrent use.
type Tenants struct {
	cfg   Config
	admin [sha256.Size]byte // of the admin token; unused in Dev
	cache *cache

	stopOnce sync.Once
	stop     chan struct{}
	wg       sync.WaitGroup
}

// New reads the admin token, or makes it where there is none yet.
func New(cfg Config) (*Tenants, error) {
	cfg.setDefaults()
	t := &Tenants{cfg: cfg, cache: newCache(cfg.Now), stop: make(chan struct{})}
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

func (t *Tenants) now() time.Time { return t.cfg.Now().UTC().Truncate(time.Microsecond) }

// everything is what the admin token and --dev grant.
var everything = access.Granted(access.Admin, access.Everything)

// Authenticate returns whose token it is, ErrUnauthenticated, or an *ExpiredError,
// which is one too. In Dev it returns the admin "dev" for any token and for none.
func (t *Tenants) Authenticate(ctx context.Context, token string) (access.Principal, error) {
	if t.cfg.Dev {
		return access.Principal{Name: "dev", Grants: everything}, nil
	}
	if !strings.HasPrefix(token, Prefix) || len(token) > maxToken {
		return access.Principal{}, ErrUnauthenticated
	}
	return t.bySum(ctx, sha256.Sum256([]byte(token)))
}

// bySum is Authenticate of the token with this hash.
func (t *Tenants) bySum(ctx context.Context, sum [sha256.Size]byte) (access.Principal, error) {
	if subtle.ConstantTimeCompare(sum[:], t.admin[:]) == 1 {
		return access.Principal{Name: "admin", Grants: everything}, nil
	}
	if t.cfg.Store == nil {
		return access.Principal{}, ErrUnauthenticated
	}
	// Looked up by hash: how long it takes tells nothing of the token.
	p, drops, ok := t.cache.get(sum)
	if !ok {
		kept, err := t.cfg.Store.TokenByHash(ctx, hex.EncodeToString(sum[:]))
		if errors.Is(err, ErrNoToken) {
			return access.Principal{}, ErrUnauthenticated
		}
		if err != nil {
			return access.Principal{}, fmt.Errorf("authenticate: %w", err)
		}
		p = access.Principal{Name: "token:" + kept.ID(), Grants: access.Granted(kept.Role, kept.Scope), Until: kept.ExpiresAt}
		t.cache.put(sum, p, drops)
	}
	if !p.Until.IsZero() && !t.cfg.Now().Before(p.Until) {
		return access.Principal{}, &ExpiredError{At: p.Until}
	}
	return p, nil
}
