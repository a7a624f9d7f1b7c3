package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

const (
	versionHeader   = "Hadron-Version"
	requestIDHeader = "Hadron-Request-Id"
	csrfHeader      = "Hadron-Csrf" // of a session of Hadron's own pages
)

// isHop reports whether a header, in canonical form, speaks of one connection only.
func isHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// isOriginWide reports whether a response header changes how a browser treats the
// whole origin: on a shared listener that is Hadron's own, not the function's.
func isOriginWide(name string) bool {
	switch name {
	case "Accept-Ch", "Alt-Svc", "Clear-Site-Data", "Critical-Ch", "Nel", "Public-Key-Pins", "Report-To", "Secure-Session-Registration",
		"Service-Worker-Allowed", "Set-Login", "Strict-Transport-Security", "Use-As-Dictionary":
		return true
	}
	return false
}

// named returns what the Connection header declares to be of this connection only,
// in canonical form.
func named(h http.Header) []string {
	var names []string
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				names = append(names, http.CanonicalHeaderKey(name))
			}
		}
	}
	return names
}

// bearer returns the hdn_ token of an Authorization value.
func bearer(value string) (string, bool) {
	scheme, token, _ := strings.Cut(textproto.TrimString(value), " ")
	token = textproto.TrimString(token)
	return token, strings.EqualFold(scheme, "Bearer") && strings.HasPrefix(token, "hdn_")
}

func hasToken(h http.Header) bool {
	return slices.ContainsFunc(h["Authorization"], func(v string) bool { _, ok := bearer(v); return ok })
}

// asking is r as Authorize sees it: with Hadron's token in its one plain form, or
// without any; what else stands in Authorization is the function's business.
func asking(r *http.Request) *http.Request {
	given := r.Header["Authorization"]
	if len(given) == 0 {
		return r
	}
	r = r.WithContext(r.Context())
	r.Header = maps.Clone(r.Header)
	delete(r.Header, "Authorization")
	for _, v := range given {
		if token, ok := bearer(v); ok {
			r.Header["Authorization"] = []string{"Bearer " + token}
			break
		}
	}
	return r
}

// requestHeader copies what a function may see of h: no header of the connection, no
// token and no cookie of Hadron's. Values are shared with h, which nobody changes.
func (g *Gateway) requestHeader(h http.Header, t invocation.Trace, traceparent []string) http.Header {
	out := make(http.Header, len(h)+5)
	drop := named(h)
	for name, values := range h {
		switch {
		case isHop(name) || name == "Expect" || name == csrfHeader || strings.HasPrefix(name, "Sec-Websocket-") || slices.Contains(drop, name):
			continue
		case name == "Cookie":
			values = withoutOwnCookies(values)
		case name == "Authorization" && hasToken(h):
			values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { _, ok := bearer(v); return ok })
		}
		if len(values) > 0 {
			out[name] = values
		}
	}
	delete(out, "Tracestate")
	if t.State != "" {
		out["Tracestate"] = []string{t.State}
	}
	out["Traceparent"] = traceparent
	out["Host"] = g.host
	return out
}

func isForwarded(name string) bool {
	return name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-")
}

func dropForwarded(h http.Header) {
	for name := range h {
		if isForwarded(name) {
			delete(h, name)
		}
	}
}

// setForwarded says in h who asked, how, and for which host. What the request itself
// says of that is believed from a trusted proxy only, and dropped otherwise.
func (g *Gateway) setForwarded(h http.Header, r *http.Request, value func(string) []string) {
	var peer netip.Addr
	if at, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		peer = at.Addr().Unmap().WithZone("")
	}
	trusted := peer.IsValid() && slices.ContainsFunc(g.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
	if !trusted {
		dropForwarded(h)
	}
	if peer.IsValid() {
		chain := text(peer, r.RemoteAddr)
		if before := h["X-Forwarded-For"]; len(before) > 0 {
			chain = strings.Join(before, ", ") + ", " + chain
		}
		h["X-Forwarded-For"] = value(chain)
	}
	if len(h["X-Forwarded-Proto"]) == 0 {
		proto := "http"
		if r.TLS != nil {
			proto = "https"
		}
		h["X-Forwarded-Proto"] = value(proto)
	}
	if len(h["X-Forwarded-Host"]) == 0 {
		h["X-Forwarded-Host"] = value(r.Host)
	}
}

// text is the address in words; those that stand in front of a port already need not
// be made again.
func text(peer netip.Addr, remote string) string {
	if at := strings.LastIndexByte(remote, ':'); at > 0 && peer.Is4() && remote[0] != '[' {
		return remote[:at]
	}
	return peer.String()
}

// checkHead says why a function's status and header cannot be sent.
func checkHead(status int, h http.Header, most function.Size) error {
	if status < 200 || status > 599 {
		return fmt.Errorf("the response's status %d is outside 200 to 599", status)
	}
	var size function.Size
	for name, values := range h {
		if !validName(name) {
			return fmt.Errorf("the response's header name %q is not valid", clip(name))
		}
		for _, v := range values {
			if !validValue(v) {
				return fmt.Errorf("the value of the response's header %s holds a control character", clip(name))
			}
			size += function.Size(len(name) + len(v))
		}
	}
	if size > most {
		return fmt.Errorf("%w: it holds %d bytes, and at most %s are sent", errHeaderTooLarge, size, most)
	}
	return nil
}

func clip(s string) string { return s[:min(len(s), 100)] }

// validName reports whether s is a token of RFC 9110.
func validName(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return true
}

func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// copyResponse adds to dst what of a function's checked header may leave. Its
// Content-Length is never believed: the gateway knows the body.
func copyResponse(dst, src http.Header, shared bool) {
	for name, values := range src {
		name = http.CanonicalHeaderKey(name)
		switch {
		case isHop(name), name == "Content-Length", hasPrefixFold(name, "Hadron-"), name == "Traceparent":
			continue
		case shared && isOriginWide(name):
			continue
		case name == "Set-Cookie" && slices.ContainsFunc(values, isOwnCookie):
			values = slices.DeleteFunc(slices.Clone(values), isOwnCookie)
		}
		if before := dst[name]; len(before) > 0 {
			values = append(slices.Clip(before), values...)
		}
		if len(values) > 0 {
			dst[name] = values
		}
	}
}
