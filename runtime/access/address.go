package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress is where a request comes from: its peer, or, where that is a
// trusted proxy, the last address in X-Forwarded-For that is none. Empty where it
// cannot be told.
func ClientAddress(r *http.Request, trusted []netip.Prefix) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := at.Addr().Unmap().WithZone("")
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for len(chain) > 0 && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		before, err := netip.ParseAddr(strings.TrimSpace(chain[len(chain)-1]))
		if err != nil {
			break
		}
		addr, chain = before.Unmap().WithZone(""), chain[:len(chain)-1]
	}
	return addr.String()
}
