package engine

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hadron/runtime/invocation"
)

// Every way that an address can be written for another: what stands behind it
// decides, and a metadata address stays shut even where everything is opened.
func TestEmbeddedAddressesAreJudged(t *testing.T) {
	everything, err := newPolicy([]string{"*", "0.0.0.0/0", "::/0"})
	if err != nil {
		t.Fatal(err)
	}
	e := &egress{operator: everything, own: func() []net.Addr { return []net.Addr{&net.TCPAddr{IP: net.IPv4(10, 9, 8, 7), Port: 8080}} }}
	for ip, says := range map[string]string{
		"169.254.169.254":            "metadata",
		"::ffff:169.254.169.254":     "metadata",
		"::a9fe:a9fe":                "metadata", // IPv4-compatible
		"::ffff:0:a9fe:a9fe":         "metadata", // IPv4-translated
		"64:ff9b::a9fe:a9fe":         "metadata", // NAT64
		"64:ff9b:1:a9fe:a9:fe00::":   "metadata", // NAT64 with a /48
		"64:ff9b:1::a9fe:a9fe":       "metadata", // NAT64 with a /96
		"2002:a9fe:a9fe::1":          "metadata", // 6to4
		"2001:0:a9fe:a9fe::":         "metadata", // Teredo's server
		"2001:0:1:2:3:4:5601:5601":   "metadata", // Teredo's client, inverted
		"2a00:1::5efe:a9fe:a9fe":     "metadata", // ISATAP
		"2a00:1::200:5efe:a9fe:a9fe": "metadata",
		"fe80::a9fe:a9fe%eth0":       "metadata",
		"100.100.100.200":            "metadata",
		"fd00:ec2::254":              "metadata",
		"168.63.129.16":              "metadata",
		"10.9.8.7":                   "own",
		"::ffff:10.9.8.7":            "own",
		"64:ff9b::a09:807":           "own",
		"2002:a09:807::":             "own",
		"224.0.0.1":                  "private", // multicast
		"ff02::1":                    "private",
		"0.0.0.0":                    "private",
		"::":                         "private",
		"10.1.1.1":                   "", // the operator's list opens it
		"fd12::1":                    "",
	} {
		err := e.may("x", "8080", netip.MustParseAddr(ip), everything)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v, want %q", ip, err, says)
		}
	}
	for _, ip := range []string{
		"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "10.0.0.1", "172.31.255.255", "192.168.0.1",
		"169.254.0.1", "fe80::1", "fe80::1%lo", "fc00::1", "fdff::1", "fec0::1", "100.64.0.1", "100.127.255.255", "0.1.2.3", "192.0.0.8",
		"198.18.0.1", "198.51.100.1", "203.0.113.9", "240.0.0.1", "255.255.255.255", "224.0.0.251", "ff05::2", "64:ff9b::808:808",
		"64:ff9b:1::1", "2002:808:808::1", "2001:0:808:808::1", "2001:db8::1", "3fff::1", "::ffff:0:7f00:1", "100::1", "2a00:1::5efe:a00:1", "2a00:1::5efe:7f00:1",
	} {
		if e.may("x", "443", netip.MustParseAddr(ip), &policy{}) == nil {
			t.Errorf("%s is open by default", ip)
		}
	}
	for _, ip := range []string{"8.8.8.8", "2606:4700::1111", "172.15.255.255", "100.63.255.255", "11.0.0.1", "2a00:1::5efe:808:808"} {
		if err := e.may("x", "443", netip.MustParseAddr(ip), &policy{}); err != nil {
			t.Errorf("%s: %v", ip, err)
		}
	}
}

// What a manifest opens counts only within what the operator opens.
func TestManifestOpensWithinTheOperators(t *testing.T) {
	operator, err := newPolicy([]string{"10.1.0.0/16", "*.svc.internal:8443"})
	if err != nil {
		t.Fatal(err)
	}
	e := &egress{operator: operator, own: func() []net.Addr { return nil }}
	for _, c := range []struct {
		allow          []string
		host, port, ip string
		want           bool
	}{
		{[]string{"10.1.2.0/24"}, "a", "80", "10.1.2.3", true},
		{[]string{"10.0.0.0/8"}, "a", "80", "10.2.0.1", false},
		{[]string{"10.1.2.0/24"}, "a", "80", "10.1.3.3", false},
		{[]string{"*"}, "a", "80", "10.1.2.3", true},
		{[]string{"*"}, "a", "80", "192.168.1.1", false},
		{[]string{"db.svc.internal"}, "db.svc.internal", "8443", "192.168.1.1", true},
		{[]string{"db.svc.internal"}, "db.svc.internal", "80", "192.168.1.1", false},
		{[]string{"db.svc.internal"}, "DB.svc.internal.", "8443", "192.168.1.1", true},
		{[]string{"db.svc.internal"}, "evil.example", "8443", "192.168.1.1", false},
		{nil, "db.svc.internal", "8443", "192.168.1.1", false},
	} {
		allow, err := newPolicy(c.allow)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.may(c.host, c.port, netip.MustParseAddr(c.ip), allow); (err == nil) != c.want {
			t.Errorf("%v: %s:%s at %s: %v", c.allow, c.host, c.port, c.ip, err)
		}
	}
}

// A name that answers with a public address first and a private one next: each
// connection is judged by the one answer that it dials.
func TestRebindingNamesReachNothing(t *testing.T) {
	f := newFixture(t, nil)
	var mu sync.Mutex
	var lookups int
	var dialled []string
	f.egress.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if host != "rebind.example" {
			return nil, errors.New("unknown host")
		}
		mu.Lock()
		defer mu.Unlock()
		lookups++
		if lookups%2 == 1 {
			return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("::ffff:10.0.0.1")}, nil
	}
	f.egress.connect = func(_ context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		dialled = append(dialled, address)
		return nil, errors.New("nobody there")
	}
	id := f.add(1, handlerCode(`
		const said = [];
		for (let i = 0; i < 4; i++) said.push(await fetch("http://rebind.example:81/").then(r => "reached", e => e.message));
		return Response.json(said)`))
	s := ok(t, f, id, get(id, "/"))
	mu.Lock()
	defer mu.Unlock()
	if lookups != 4 || len(dialled) != 2 || dialled[0] != "8.8.8.8:81" || dialled[1] != "8.8.8.8:81" {
		t.Fatalf("%d lookups, dialled %v; the function saw %s", lookups, dialled, s.body.String())
	}
	if !strings.Contains(s.body.String(), "private") {
		t.Errorf("the function saw %s", s.body.String())
	}
}

// A proxy in the environment would dial for the function, and check nothing.
func TestNoProxyOfTheEnvironmentIsUsed(t *testing.T) {
	var proxied atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	f := newFixture(t, nil)
	f.egress.lookup = func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	id := f.add(1, handlerCode(`return new Response(await fetch("http://example.com/").then(() => "reached", e => e.message))`))
	if s := ok(t, f, id, get(id, "/")); proxied.Load() != 0 || !strings.Contains(s.body.String(), "private") {
		t.Errorf("%d requests reached the proxy; the function saw %s", proxied.Load(), s.body.String())
	}
}

// A fetch ends with its invocation, whatever the upstream does.
func TestFetchEndsWithItsInvocation(t *testing.T) {
	ended := make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
		ended <- struct{}{}
	}))
	defer server.Close()
	f := newFixture(t, func(c *Config) { c.PrivateAllow = []string{"127.0.0.1"} })
	id := f.add(1, handlerCode(`const r = await fetch("`+server.URL+`" + new URL(request.url).pathname); return new Response(await r.text())`), allow("127.0.0.1"))
	for _, path := range []string{"/never", "/drip"} {
		s := newSink()
		began := time.Now()
		out := f.Invoke(withTimeout(t, 100*time.Millisecond), get(id, path), s)
		if out.Code != invocation.Timeout || time.Since(began) > 2*time.Second {
			t.Errorf("%s: %+v after %s", path, out, time.Since(began))
		}
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the upstream still serves a request whose invocation is over", path)
		}
	}
}

// An upstream's header is bounded before any of it is kept for the function.
func TestUpstreamHeadersAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 40 {
			w.Header().Add("X-Long", strings.Repeat("x", 10_000)+string(rune('a'+i%26)))
		}
	}))
	defer server.Close()
	f := newFixture(t, func(c *Config) { c.PrivateAllow = []string{"127.0.0.1"} })
	id := f.add(1, handlerCode(`return new Response(await fetch("`+server.URL+`").then(() => "reached", e => e.message))`), allow("127.0.0.1"))
	if s := ok(t, f, id, get(id, "/")); !strings.Contains(s.body.String(), "fetch failed") {
		t.Errorf("the function saw %q", s.body.String())
	}
}
