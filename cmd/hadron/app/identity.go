package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/runtime/tenant/oidc"
	"hadron/ui/wire"
)

func (c AuthConfig) validate() error {
	for flag, d := range map[string]function.Duration{
		"token-expiry": c.TokenExpiry, "token-max-expiry": c.TokenMaxExpiry, "session-idle": c.SessionIdle, "session-max": c.SessionMax,
	} {
		if time.Duration(d) < 5*time.Minute {
			return fmt.Errorf("%w: --auth.%s is %s; give at least 5m", ErrConfig, flag, d)
		}
	}
	if c.TokenExpiry > c.TokenMaxExpiry {
		return fmt.Errorf("%w: --auth.token-expiry is %s, more than --auth.token-max-expiry", ErrConfig, c.TokenExpiry)
	}
	if c.TokensPerTeam < 1 {
		return fmt.Errorf("%w: --auth.tokens-per-team is at least 1", ErrConfig)
	}
	return nil
}

func (c OIDCConfig) validate() error {
	if c.Issuer == "" {
		if c.ClientID != "" || c.ClientSecretFile != "" || len(c.Grants) > 0 {
			return fmt.Errorf("%w: oidc.… is set without --oidc.issuer; give it, or none of them", ErrConfig)
		}
		return nil
	}
	if len(c.Grants) == 0 {
		return fmt.Errorf("%w: --oidc.grants is empty, so nobody who signs in may do anything; give one such as group:sre=admin", ErrConfig)
	}
	if _, err := tenant.ParseRules(c.Grants); err != nil {
		return fmt.Errorf("%w: --oidc.grants: %w", ErrConfig, err)
	}
	return nil
}

const maxSecretFile = 4096

// identityProvider makes what people sign in with; nil where none is configured.
func (a *App) identityProvider() (tenant.Provider, []tenant.Rule, error) {
	c := a.cfg.OIDC
	if c.Issuer == "" {
		return nil, nil, nil
	}
	rules, err := tenant.ParseRules(c.Grants)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: --oidc.grants: %w", ErrConfig, err)
	}
	secret := ""
	if c.ClientSecretFile != "" {
		f, err := os.Open(c.ClientSecretFile)
		if err != nil {
			return nil, nil, fmt.Errorf("read oidc.client_secret_file: %w", err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
		if err != nil {
			return nil, nil, fmt.Errorf("read oidc.client_secret_file: %w", err)
		}
		if secret = strings.TrimSpace(string(b)); secret == "" {
			return nil, nil, fmt.Errorf("%w: %s, the oidc.client_secret_file, is empty", ErrConfig, c.ClientSecretFile)
		}
	}
	p, err := oidc.New(oidc.Config{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: secret, Scopes: c.Scopes, GroupsClaim: c.GroupsClaim,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	a.parts.provider = p
	return p, rules, nil
}

// providerPart says how the identity provider does; nothing where there is none.
func (a *App) providerPart() []wire.Part {
	if a.parts.provider == nil {
		return nil
	}
	part := wire.Part{Name: "sign-in", State: wire.PartOK}
	if problem := a.parts.provider.Problem(); problem != "" {
		part.State, part.Detail = wire.PartDegraded, problem
	}
	return []wire.Part{part}
}
