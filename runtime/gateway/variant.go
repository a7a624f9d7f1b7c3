package gateway

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"hadron/runtime/function"
)

// variantHeader says by which alias and which way a call went whose alias splits its
// traffic: "live=7".
const variantHeader = "Hadron-Variant"

// cookieDays is how long a visitor keeps the cookie that he was issued.
const cookieDays = 90

// pick is the version that a call goes to, and how that came.
type pick struct {
	version  *version
	compared *side
	variant  string // empty: the alias does not split its traffic, or none was named
	issued   string // the value of Set-Cookie; empty: none
}

// pick picks the version that t means at this moment, for this caller; one who can
// keep cookies may be issued one. Its error wraps ErrNotFound where t means none.
func (g *Gateway) pick(ctx context.Context, h http.Header, rt *route, s *state, t target, cookies bool) (p pick, err error) {
	ref := function.Ref{Name: rt.name, Alias: function.Live}
	if t.has {
		if ref, err = function.ParseSelector(rt.name, t.ref); err != nil {
			return p, ErrNotFound
		}
	}
	if ref.Alias != "" {
		a := s.alias(ref.Alias)
		if a == nil {
			return p, ErrNotFound
		}
		who := recognise(a.Sticky, h)
		divided := a.Whole() == 0
		if divided && cookies && a.Sticky.Issue && who.cookie == "" {
			who.cookie = newRequestID()
			p.issued = g.issue(a.Sticky.Cookie, who.cookie, t)
		}
		number, at := a.Place(who.key(rt.name))
		p.compared = rt.compared(a, number, at)
		if divided {
			p.variant = a.Name + "=" + strconv.Itoa(number)
		}
		ref = function.Ref{Name: rt.name, Version: number}
	}
	if p.version = s.version(ref.Version); p.version == nil {
		p.version, err = g.resolved.find(ctx, rt, s, ref)
	}
	return p, err
}

// issue is the Set-Cookie of a visitor's new cookie. It is for the address called
// alone, so that functions do not hear of one another's visitors, nor aliases of one
// another's.
func (g *Gateway) issue(name, value string, t target) string {
	var b strings.Builder
	b.WriteString(name + "=" + value + "; Path=" + Prefix + string(t.name))
	if t.has {
		b.WriteString("@" + t.ref)
	}
	b.WriteString("; Max-Age=" + strconv.Itoa(cookieDays*24*60*60) + "; HttpOnly; SameSite=Lax")
	if strings.HasPrefix(g.origin, "https:") {
		b.WriteString("; Secure")
	}
	return b.String()
}

// visitor is what a caller is recognised by; empty where he sent nothing of it.
type visitor struct{ header, cookie string }

func recognise(by function.Sticky, h http.Header) (v visitor) {
	if by.Header != "" {
		v.header = h.Get(by.Header)
	}
	if by.Cookie != "" {
		v.cookie = cookie(h, by.Cookie)
	}
	return v
}

// key is what an alias is picked by: what the visitor is recognised by, else chance.
// The function's name is part of it, so that not the same visitors are everyone's
// first.
func (v visitor) key(name function.Name) uint64 {
	if v == (visitor{}) {
		return rand.Uint64()
	}
	h := fnv(fnvOffset, string(name))
	h = fnv(fnv(h, "\x00"), v.header)
	h = fnv(fnv(h, "\x00"), v.cookie)
	return mix(h)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// fnv is FNV-1a: nodes and restarts must agree on it, so no seeded hash will do.
func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// mix spreads h over all bits: in FNV the last bytes alone move little of the key.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
