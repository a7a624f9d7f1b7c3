package tenant

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hadron/runtime/access"
)

// Claims are what a provider says of somebody, and what a session keeps of it.
type Claims struct {
	Issuer   string   `json:"issuer"`
	Subject  string   `json:"subject"`
	Email    string   `json:"email,omitempty"`    // empty unless the provider has verified it
	Username string   `json:"username,omitempty"` // as the provider shows it
	Groups   []string `json:"groups,omitempty"`
}

const maxUser = 128 // bytes of a name

// within drops the groups that no rule names: a session keeps what decides.
func (c Claims) within(rules []Rule) Claims {
	c.Groups = slices.DeleteFunc(slices.Clone(c.Groups), func(g string) bool {
		return !slices.ContainsFunc(rules, func(r Rule) bool { return r.Group == g })
	})
	slices.Sort(c.Groups)
	c.Groups = slices.Compact(c.Groups)
	return c
}

// user is the name that audit rows show: the verified address, else the name at
// the provider. It is nobody's of Hadron's own.
func (c Claims) user() (string, error) {
	for _, name := range []string{c.Email, c.Username, c.Subject} {
		bad := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == ':' })
		if name != "" && len(name) <= maxUser && utf8.ValidString(name) && !bad && !slices.Contains([]string{"admin", "dev", "hadron"}, name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%w: the provider gives this account no name that could be shown", ErrRefused)
}

// Rule grants something to a group, or to who has an address.
type Rule struct {
	Group string
	Email string // "ada@example.com", or "*@example.com" for all of a domain
	Grant access.Grant
}

func (r Rule) applies(c Claims) bool {
	if r.Group != "" {
		return slices.Contains(c.Groups, r.Group)
	}
	if domain, all := strings.CutPrefix(r.Email, "*@"); all {
		_, of, ok := strings.Cut(c.Email, "@")
		return ok && strings.EqualFold(of, domain)
	}
	return c.Email != "" && strings.EqualFold(r.Email, c.Email)
}

func granted(rules []Rule, c Claims) access.Grants {
	var out []access.Grant
	for _, r := range rules {
		if r.applies(c) {
			out = append(out, r.Grant)
		}
	}
	return access.NewGrants(out...)
}

// ParseRules reads oidc.grants: "group:sre=admin", "group:pay-devs=deployer:pay",
// "email:ada@example.com=admin:growth" or "email:*@example.com=viewer".
func ParseRules(texts []string) ([]Rule, error) {
	const form = `such as "group:sre=admin", "group:pay-devs=deployer:pay" or "email:*@example.com=viewer"`
	var out []Rule
	for _, text := range texts {
		// A group's name may hold any sign: the last one parts it from the grant.
		at := strings.LastIndexByte(text, '=')
		if at < 0 {
			return nil, fmt.Errorf("%q is no grant: write who=role:scope, %s", text, form)
		}
		who, what := strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+1:])
		grants, err := access.ParseGrants(what)
		if err != nil || grants == "" || strings.Contains(what, " ") {
			return nil, fmt.Errorf("%q grants nothing that is known: %w; write who=role:scope, %s", text, err, form)
		}
		var r Rule
		for r.Grant = range grants.All() {
		}
		group, isGroup := strings.CutPrefix(who, "group:")
		email, isEmail := strings.CutPrefix(who, "email:")
		switch local, domain, whole := strings.Cut(email, "@"); {
		case isGroup && group != "":
			r.Group = group
		case isEmail && whole && domain != "" && local != "" && (local == "*" || !strings.Contains(local, "*")):
			r.Email = email
		default:
			return nil, fmt.Errorf("%q names nobody: write who=role:scope, %s", text, form)
		}
		out = append(out, r)
	}
	return out, nil
}
