package function

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Weight is one version's share of an alias's traffic.
type Weight struct {
	Version int `json:"version"`
	Weight  int `json:"weight"` // at least 0, a share of the sum
}

// Sticky says what a visitor is recognised by, so that the same visitor meets the
// same version: by both values together where both are named. The zero value is not
// sticky, and neither is a visitor who sends none of them.
type Sticky struct {
	Header string `json:"header,omitempty"`
	Cookie string `json:"cookie,omitempty"`
	Issue  bool   `json:"issue,omitempty"` // who comes without the cookie while traffic is split is given one
}

// Alias is a movable name for versions. Its weights are positive in sum.
type Alias struct {
	Name     string
	Weights  []Weight
	Sticky   Sticky
	Parts    []Part // which visitors meet which version, see Arranged; nil: in the order of Weights
	Revision int64  // grows with each change; the ETag of the API
}

// MaxWeights bounds how many versions one alias can name.
const MaxWeights = 64

const maxWeight = 1_000_000

// tokenPattern is RFC 9110's token, bounded: what headers and cookies are named with.
var tokenPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$")

// reservedCookie matches the cookies of Hadron itself, which functions never see.
var reservedCookie = regexp.MustCompile("(?i)^(__Host-|__Secure-)?hadron_")

// ErrAlias is wrapped by every refusal of Alias.Validate.
var ErrAlias = errors.New("invalid alias")

// Validate checks shape only: that the versions exist is the registry's to say.
func (a Alias) Validate() error {
	if !ValidAlias(a.Name) {
		return fmt.Errorf("%w: the name %q must start with a lower-case letter and hold only a-z, 0-9 and -", ErrAlias, clip(a.Name))
	}
	if len(a.Weights) == 0 || len(a.Weights) > MaxWeights {
		return fmt.Errorf("%w: give 1 to %d weights", ErrAlias, MaxWeights)
	}
	if err := a.Sticky.validate(); err != nil {
		return err
	}
	sum := 0
	seen := make(map[int]bool, len(a.Weights))
	for _, w := range a.Weights {
		switch {
		case w.Version < 1:
			return fmt.Errorf("%w: version %d: versions count from 1", ErrAlias, w.Version)
		case w.Weight < 0 || w.Weight > maxWeight:
			return fmt.Errorf("%w: weight %d of version %d: weights are whole numbers from 0 to %d", ErrAlias, w.Weight, w.Version, maxWeight)
		case seen[w.Version]:
			return fmt.Errorf("%w: version %d stands there twice", ErrAlias, w.Version)
		}
		seen[w.Version] = true
		sum += w.Weight
	}
	if sum == 0 {
		return fmt.Errorf("%w: the weights add up to 0, so no version would be called", ErrAlias)
	}
	return nil
}

// Whole returns the one version that gets all traffic, or 0 where traffic is split.
func (a Alias) Whole() int {
	whole := 0
	for _, w := range a.Weights {
		if w.Weight == 0 {
			continue
		}
		if whole != 0 {
			return 0
		}
		whole = w.Version
	}
	return whole
}

func (s Sticky) validate() error {
	for _, by := range []string{s.Header, s.Cookie} {
		if by != "" && !tokenPattern.MatchString(by) {
			return fmt.Errorf("%w: %q cannot name a header or a cookie", ErrAlias, clip(by))
		}
	}
	switch {
	case reservedCookie.MatchString(s.Cookie):
		return fmt.Errorf("%w: cookies that begin with hadron_ are Hadron's own: name another", ErrAlias)
	case s.Issue && s.Cookie == "":
		return fmt.Errorf("%w: sticky.issue needs the name of the cookie to give out: set sticky.cookie", ErrAlias)
	case s.Issue && strings.HasPrefix(s.Cookie, "__"):
		return fmt.Errorf("%w: browsers take cookies that begin with __ under conditions only, so %q cannot be issued: name another", ErrAlias, clip(s.Cookie))
	}
	return nil
}
