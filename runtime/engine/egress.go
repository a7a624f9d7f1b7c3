package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// egress is the way out for fetch. Addresses are checked when they are dialled, on
// what the name resolved to, so that no name can lead where an address may not.
type egress struct {
	external *url.URL
	own      func() []net.Addr
	operator *policy
	lookup   func(ctx context.Context, network, host string) ([]netip.Addr, error)
	connect  func(ctx context.Context, network, address string) (net.Conn, error) // to an address, never a name

	mu         sync.Mutex
	public     *http.Transport            // for versions that open nothing
	transports map[string]*http.Transport // by what is opened: connections are not shared across
}

// maxTransports bounds the connection pools; the oldest ones are not told apart, so
// all go when there are too many.
const maxTransports = 256

func newEgress(cfg Config) (*egress, error) {
	e := &egress{own: cfg.Own, transports: map[string]*http.Transport{}}
	if cfg.ExternalURL != "" {
		u, err := url.Parse(cfg.ExternalURL)
		if err != nil || u.Host == "" {
			return nil, errors.New("the external URL is not absolute")
		}
		e.external = u
	}
	var err error
	if e.operator, err = newPolicy(cfg.PrivateAllow); err != nil {
		return nil, fmt.Errorf("read private_allow: %w", err)
	}
	e.lookup = net.DefaultResolver.LookupNetIP
	e.connect = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	e.public = e.transport(&policy{})
	return e, nil
}

func (e *egress) transport(allow *policy) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return e.dial(ctx, network, address, allow)
		},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    64,
		MaxConnsPerHost:        512,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
}

// transportFor returns the connection pool of versions that open the same.
func (e *egress) transportFor(allow *policy) *http.Transport {
	if allow.key == "" {
		return e.public
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.transports[allow.key]
	if t == nil {
		if len(e.transports) >= maxTransports {
			for key, old := range e.transports {
				old.CloseIdleConnections()
				delete(e.transports, key)
			}
		}
		t = e.transport(allow)
		e.transports[allow.key] = t
	}
	return t
}

func (e *egress) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.public.CloseIdleConnections()
	for _, t := range e.transports {
		t.CloseIdleConnections()
	}
}

const errPrivate = refusal("the address is private: open it with fetch.allow, within what the operator allows")

// dial asks the resolver once: the addresses that it named are judged, and those
// that may be are dialled as they are, so that a second answer has no say.
func (e *egress) dial(ctx context.Context, network, address string, allow *policy) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.New("the address is malformed")
	}
	ips, err := e.lookup(ctx, "ip", host)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s cannot be resolved", host)
	}
	var last error
	for _, ip := range ips {
		ip = ip.Unmap()
		if err := e.may(host, port, ip, allow); err != nil {
			last = err
			continue
		}
		conn, err := e.connect(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}
		last = fmt.Errorf("no connection to %s: %w", host, dialCause(err))
	}
	if last == nil {
		last = fmt.Errorf("%s has no address", host)
	}
	return nil, last
}

// dialCause takes addresses out of an error: the name is what the author knows.
func dialCause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// may decides on one resolved address, and on those of IPv4 within it, which a
// translator on the way would reach instead.
func (e *egress) may(host, port string, ip netip.Addr, allow *policy) error {
	ip = ip.Unmap().WithZone("")
	for _, at := range append(embedded(ip), ip) {
		switch {
		case e.isOwn(at, port):
			return refusal("the address is Hadron's own; functions reach each other through external_url + /fn/")
		case metadataAddress(at):
			return refusal("metadata addresses cannot be fetched")
		}
	}
	switch {
	case ip.IsMulticast(), ip.IsUnspecified():
		return errPrivate
	case !private(ip):
		return nil
	case allow.covers(host, port, ip) && e.operator.covers(host, port, ip):
		return nil
	}
	return errPrivate
}

// embedded lists the IPv4 addresses that an IPv6 one may stand for: in NAT64 (RFC
// 6052, at each length of prefix), 6to4, Teredo, ISATAP and IPv4-compatible form.
func embedded(ip netip.Addr) []netip.Addr {
	if !ip.Is6() {
		return nil
	}
	b := ip.As16()
	v4 := func(at ...int) netip.Addr {
		return netip.AddrFrom4([4]byte{b[at[0]], b[at[1]], b[at[2]], b[at[3]]})
	}
	switch {
	case within(ip, translated):
		return []netip.Addr{v4(12, 13, 14, 15), v4(6, 7, 9, 10), v4(7, 9, 10, 11), v4(9, 10, 11, 12)}
	case b[0] == 0x20 && b[1] == 0x02:
		return []netip.Addr{v4(2, 3, 4, 5)}
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0:
		return []netip.Addr{v4(4, 5, 6, 7), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return []netip.Addr{v4(12, 13, 14, 15)}
	}
	return nil
}

// translated are the prefixes of NAT64, and of IPv4-compatible and IPv4-translated
// addresses.
var translated = prefixes("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")

func (e *egress) isOwn(ip netip.Addr, port string) bool {
	for _, addr := range e.own() {
		tcp, ok := addr.(*net.TCPAddr)
		if !ok || fmt.Sprint(tcp.Port) != port {
			continue
		}
		listen := tcp.AddrPort().Addr().Unmap()
		if listen == ip || ip.IsLoopback() && listen.IsUnspecified() || listen.IsUnspecified() && local(ip) {
			return true
		}
	}
	return false
}

// local reports whether an address is of this machine.
func local(ip netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == ip {
				return true
			}
		}
	}
	return false
}

// notPublic are the ranges that are not the internet's, beside those that netip
// knows: shared, benchmark, documentation, reserved and translation prefixes.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::ffff:0:0:0/96",
)

// metadataNets are where clouds serve credentials; no configuration opens them.
var metadataNets = prefixes("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "169.254.0.23/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fe80::a9fe:a9fe/128")

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

func within(ip netip.Addr, nets []netip.Prefix) bool {
	ip = ip.WithZone("")
	for _, n := range nets {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

func metadataAddress(ip netip.Addr) bool { return within(ip, metadataNets) }

func private(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() ||
		ip.IsInterfaceLocalMulticast() || within(ip, notPublic) {
		return true
	}
	for _, v4 := range embedded(ip) { // of ISATAP, whose prefix may be anybody's
		if private(v4) || v4.IsUnspecified() || v4.IsMulticast() {
			return true
		}
	}
	return false
}

// policy is a list of hosts, host:port, addresses and CIDRs.
type policy struct {
	key   string
	hosts []hostRule
	nets  []netRule
}

type hostRule struct{ host, port string }

type netRule struct {
	net  netip.Prefix
	port string
}

func newPolicy(list []string) (*policy, error) {
	p := &policy{key: strings.Join(list, "\n")}
	for _, entry := range list {
		text, port := entry, ""
		if h, n, err := net.SplitHostPort(entry); err == nil {
			if _, err := strconv.ParseUint(n, 10, 16); err != nil {
				return nil, fmt.Errorf("%q is no host, host:port, address or CIDR", entry)
			}
			text, port = h, n
		}
		text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
		if prefix, err := netip.ParsePrefix(text); err == nil {
			p.nets = append(p.nets, netRule{prefix, port})
			continue
		}
		if ip, err := netip.ParseAddr(text); err == nil {
			ip = ip.Unmap()
			p.nets = append(p.nets, netRule{netip.PrefixFrom(ip, ip.BitLen()), port})
			continue
		}
		if text == "" || strings.ContainsAny(text, "/ ") {
			return nil, fmt.Errorf("%q is no host, host:port, address or CIDR", entry)
		}
		p.hosts = append(p.hosts, hostRule{strings.ToLower(text), port})
	}
	return p, nil
}

func (p *policy) covers(host, port string, ip netip.Addr) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range p.hosts {
		if (r.host == host || r.host == "*" || strings.HasPrefix(r.host, "*.") && strings.HasSuffix(host, r.host[1:])) && (r.port == "" || r.port == port) {
			return true
		}
	}
	for _, r := range p.nets {
		if r.net.Contains(ip) && (r.port == "" || r.port == port) {
			return true
		}
	}
	return false
}
