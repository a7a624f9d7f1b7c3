package gateway

import (
	"net/url"
	"strings"

	"hadron/runtime/function"
)

// Prefix is what the path of every call begins with.
const Prefix = "/fn/"

// target is a path split into whom it calls and what the callee sees.
type target struct {
	name function.Name // not yet known to be well formed
	ref  string        // behind the "@"; meaningful where hasRef
	has  bool
	rest string // the callee's path, byte for byte; at least "/"
}

// rawPath is the path as the client wrote it. URL.EscapedPath is not enough: where
// one byte should have been escaped it escapes the whole path anew, and turns an
// escaped slash elsewhere into a real one.
func rawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// split reads /fn/{team}/{project}/{name}[@ref][/path]. Escapes are undone in the
// three parts of the name only, where they can hide nothing but an "@", a ":" or a
// letter: an escaped slash makes no name. It allocates only for escaped names.
func split(raw string) (target, bool) {
	s, ok := strings.CutPrefix(raw, Prefix)
	if !ok {
		return target{}, false
	}
	end := 0
	for range 2 {
		i := strings.IndexByte(s[end:], '/')
		if i < 0 {
			return target{}, false
		}
		end += i + 1
	}
	t := target{rest: "/"}
	whole := s
	if i := strings.IndexByte(s[end:], '/'); i >= 0 {
		whole, t.rest = s[:end+i], s[end+i:]
	}
	if strings.IndexByte(whole, '%') >= 0 {
		plain, err := url.PathUnescape(whole)
		if err != nil || strings.Count(plain, "/") != 2 {
			return target{}, false
		}
		whole = plain
	}
	base := strings.LastIndexByte(whole, '/') + 1
	last, ref, has := strings.Cut(whole[base:], "@")
	t.name, t.ref, t.has = function.Name(whole[:base+len(last)]), ref, has
	return t, true
}

// address is the absolute URL that the callee sees.
func (g *Gateway) address(rest string, u *url.URL) string {
	if u.RawQuery == "" && !u.ForceQuery {
		return g.origin + rest
	}
	return g.origin + rest + "?" + u.RawQuery
}
