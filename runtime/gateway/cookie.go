package gateway

import (
	"net/http"
	"strings"
)

// ownCookie is what the names of Hadron's cookies begin with.
const ownCookie = "hadron_"

// isOwnCookie reports whether a cookie pair, or a name alone, is Hadron's. A pair
// without a name counts by its value: browsers send `=hadron_x` as `hadron_x`.
func isOwnCookie(pair string) bool {
	pair = strings.TrimLeft(pair, " \t=")
	for _, prefix := range []string{"__Host-", "__Secure-"} {
		if hasPrefixFold(pair, prefix) {
			pair = pair[len(prefix):]
			break
		}
	}
	return hasPrefixFold(pair, ownCookie)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// withoutOwnCookies returns the Cookie lines without Hadron's cookies, the very
// slice where there are none.
func withoutOwnCookies(lines []string) []string {
	found := false
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			found = found || isOwnCookie(pair)
		}
	}
	if !found {
		return lines
	}
	var kept []string
	for _, line := range lines {
		var pairs []string
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.Trim(pair, " \t"); pair != "" && !isOwnCookie(pair) {
				pairs = append(pairs, pair)
			}
		}
		if len(pairs) > 0 {
			kept = append(kept, strings.Join(pairs, "; "))
		}
	}
	return kept
}

// cookie returns the value of the first cookie of that name.
func cookie(h http.Header, name string) string {
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if n, value, ok := strings.Cut(strings.Trim(pair, " \t"), "="); ok && n == name {
				return value
			}
		}
	}
	return ""
}
