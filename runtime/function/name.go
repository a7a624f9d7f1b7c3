// Package function holds the words every other package uses to speak of a
// function: its name, references, versions, manifest and aliases. It is a leaf:
// values and validation only, no I/O.
package function

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Live is the alias that a reference without "@" means.
const Live = "live"

// Name is a function's full name, "team/project/name". A Name made by ParseName
// is well formed; the zero value is no function.
type Name string

var (
	partPattern   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	aliasPattern  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{12,64}$`)
)

// NameError says which part of a name or reference is malformed.
type NameError struct {
	Input   string
	Problem string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("%q is not a function name: %s", e.Input, e.Problem)
}

// ParseName reads "team/project/name". Its error is a *NameError.
func ParseName(s string) (Name, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return "", &NameError{clip(s), `write it as "team/project/name"`}
	}
	for i, label := range []string{"team", "project", "name"} {
		if !partPattern.MatchString(parts[i]) {
			return "", &NameError{clip(s), fmt.Sprintf("the %s %q must start with a lower-case letter and hold at most 63 of a-z, 0-9 and -", label, clip(parts[i]))}
		}
	}
	return Name(s), nil
}

// ValidPart reports whether s can be a team, a project or the last part of a name.
func ValidPart(s string) bool { return partPattern.MatchString(s) }

// ValidAlias reports whether s can name an alias.
func ValidAlias(s string) bool { return aliasPattern.MatchString(s) }

// Team is the first part of the name.
func (n Name) Team() string { return n.part(0) }

// Project is the second part of the name.
func (n Name) Project() string { return n.part(1) }

// Base is the last part of the name.
func (n Name) Base() string { return n.part(2) }

func (n Name) part(i int) string {
	rest := string(n)
	for ; i > 0; i-- {
		_, rest, _ = strings.Cut(rest, "/")
	}
	head, _, _ := strings.Cut(rest, "/")
	return head
}

// ID names one immutable version of one function. Version numbers are never used
// again, also after a delete, so an ID means the same bytes for ever.
type ID struct {
	Name    Name
	Version int
	// Baseline names VMs of the version's own that serve what a rollout's canary is
	// compared with: the same bytes, and as young and as little called as the canary's.
	Baseline bool
}

// Plain is the version itself, whichever of its VMs id names.
func (id ID) Plain() ID { return ID{Name: id.Name, Version: id.Version} }

func (id ID) String() string { return string(id.Name) + "@" + strconv.Itoa(id.Version) }

// Ref is what people write to mean a version: exactly one of Alias, Version and
// Digest is set.
type Ref struct {
	Name    Name
	Alias   string
	Version int    // from 1
	Digest  string // "sha256:" and at least 12 hex digits
}

// ParseRef reads "team/project/name" with an optional "@7", "@sha256:…" or
// "@alias"; without one it means the alias live. Its error is a *NameError.
func ParseRef(s string) (Ref, error) {
	base, at, found := strings.Cut(s, "@")
	name, err := ParseName(base)
	if err != nil {
		return Ref{}, err
	}
	if !found {
		return Ref{Name: name, Alias: Live}, nil
	}
	return ParseSelector(name, at)
}

// ParseSelector reads what stands behind the "@" of a reference. Its error is a *NameError.
func ParseSelector(name Name, at string) (Ref, error) {
	switch {
	case at != "" && at[0] >= '0' && at[0] <= '9':
		n, err := strconv.Atoi(at)
		if err != nil || n < 1 || strconv.Itoa(n) != at {
			return Ref{}, &NameError{string(name) + "@" + clip(at), "a version is a number from 1, without leading zeros"}
		}
		return Ref{Name: name, Version: n}, nil
	case strings.HasPrefix(at, "sha256:"):
		if !digestPattern.MatchString(at) {
			return Ref{}, &NameError{string(name) + "@" + clip(at), "a digest is sha256: and 12 to 64 lower-case hex digits"}
		}
		return Ref{Name: name, Digest: at}, nil
	case ValidAlias(at):
		return Ref{Name: name, Alias: at}, nil
	}
	return Ref{}, &NameError{string(name) + "@" + clip(at), `behind "@" stands a version (7), a digest (sha256:…) or an alias (live)`}
}

func (r Ref) String() string {
	switch {
	case r.Version != 0:
		return string(r.Name) + "@" + strconv.Itoa(r.Version)
	case r.Digest != "":
		return string(r.Name) + "@" + r.Digest
	}
	return string(r.Name) + "@" + r.Alias
}

// clip bounds what an error quotes of its input.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
