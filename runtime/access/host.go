package access

import (
	"net"
	"net/netip"
	"strings"
)

// LoopbackHost reports whether a Host header names this machine by a loopback
// address or as localhost. A server that asks for no token checks it, so that a
// page of another site cannot reach it by pointing its own name at 127.0.0.1.
func LoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
