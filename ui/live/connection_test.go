package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"hadron/runtime/access"
	"hadron/ui/live"
	"hadron/ui/wire"
)

func TestBadClients(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.MaxSubscriptions = 1; c.MaxClients = 4 })
	p := w.dial("hdn_admin")
	for _, text := range []string{`nonsense`, `{}`, `[]`, `{"type":"shout"}`, `{"type":"subscribe","topic":7}`, `{"type":"subscribe","topic":"overview","after":-1}`} {
		p.send("%s", text)
		if m := p.next(); m.Code != wire.LiveInvalidMessage {
			t.Errorf("%s: %+v", text, m)
		}
	}
	p.ask("overview")
	p.ask("overview") // the same again is the same one
	if m := p.ask("alerts"); m.Code != wire.LiveTooMany {
		t.Errorf("a second subscription: %+v", m)
	}
	_ = p.conn.WriteMessage(websocket.BinaryMessage, []byte{1})
	if code := p.closed(); code != websocket.CloseUnsupportedData {
		t.Errorf("binary: %d", code)
	}
	p = w.dial("hdn_admin")
	p.send(`{"type":"subscribe","topic":"%s"}`, strings.Repeat("x", 5000))
	if code := p.closed(); code != websocket.CloseMessageTooBig {
		t.Errorf("large: %d", code)
	}
	p = w.dial("hdn_admin")
	for range 300 {
		if p.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"unsubscribe","topic":"x"}`)) != nil {
			break
		}
	}
	if code := p.closed(); code != wire.CloseFlood {
		t.Errorf("flood: %d", code)
	}
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.MaxClients = 1; c.Dev = true; c.ExternalURL = "http://hadron.example" })
	try := func(header http.Header) (*websocket.Conn, int, string) {
		t.Helper()
		conn, res, err := (&websocket.Dialer{Subprotocols: header["Sub"]}).Dial(strings.Replace(w.http.URL, "http", "ws", 1), without(header, "Sub"))
		if err == nil {
			_ = res.Body.Close()
			return conn, res.StatusCode, ""
		}
		var p wire.Problem
		body, _ := io.ReadAll(res.Body)
		_ = json.Unmarshal(body, &p)
		return nil, res.StatusCode, p.Code
	}
	for _, c := range []struct {
		header http.Header
		status int
		code   string
	}{
		{http.Header{}, 401, "unauthorized"},
		{http.Header{"Authorization": {"Bearer hdn_wrong"}}, 401, "unauthorized"},
		{http.Header{"Authorization": {"Bearer hdn_admin"}, "Origin": {"http://evil.example"}}, 403, "cross_origin"},
		{http.Header{"Authorization": {"Bearer hdn_admin"}, "Origin": {"null"}}, 403, "cross_origin"},
		{http.Header{"Authorization": {"Bearer hdn_admin"}, "Host": {"evil.example"}}, 403, "foreign_host"},
	} {
		if conn, status, code := try(c.header); conn != nil || status != c.status || code != c.code {
			t.Errorf("%v: %d %s", c.header, status, code)
		}
	}
	// A browser cannot read a status: it is told by a close code.
	conn, _, _ := try(http.Header{"Origin": {w.http.URL}, "Sub": {wire.LiveProtocol, wire.LiveTokenProtocol + "hdn_wrong"}})
	if conn == nil {
		t.Fatal("a browser was not let in to be told")
	}
	if code := (&peer{t: t, conn: conn}).closed(); code != wire.CloseUnauthorized {
		t.Errorf("close code %d", code)
	}
	for testutil.ToFloat64(gauge(t, w.reg, "hadron_live_clients")) > 0 {
		w.step()
	}
	conn, _, _ = try(http.Header{"Origin": {"http://hadron.example"}, "Sub": {wire.LiveProtocol, wire.LiveTokenProtocol + "hdn_admin"}})
	if conn == nil || conn.Subprotocol() != wire.LiveProtocol {
		t.Fatal("a browser with a token was not let in")
	}
	defer func() { _ = conn.Close() }()
	if _, status, code := try(http.Header{"Authorization": {"Bearer hdn_admin"}}); status != 503 || code != "overloaded" {
		t.Errorf("one too many: %d %s", status, code)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL, http.NoBody)
	req.Header.Set("Authorization", "Bearer hdn_admin")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if res.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("plain HTTP: %s", res.Status)
	}
}

func without(h http.Header, name string) http.Header {
	h = h.Clone()
	h.Del(name)
	return h
}

func TestAccessThatChangesEndsTheConnection(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.Ping = 10 * time.Millisecond; c.Patience = time.Minute })
	changed, revoked := w.dial("hdn_pay"), w.dial("hdn_admin")
	w.mu.Lock()
	w.tokens["hdn_pay"] = access.Principal{Name: "pat", Grants: access.Granted(access.Viewer, "home")}
	delete(w.tokens, "hdn_admin")
	w.mu.Unlock()
	if code := changed.closed(); code != wire.CloseAccessChanged {
		t.Errorf("changed: %d", code)
	}
	if code := revoked.closed(); code != wire.CloseUnauthorized {
		t.Errorf("revoked: %d", code)
	}
}

// A token's end closes the connection in that moment, long before the next ping.
func TestExpiryEndsTheConnection(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.Ping = time.Hour })
	w.mu.Lock()
	w.tokens["hdn_brief"] = access.Principal{Name: "bea", Grants: access.Granted(access.Viewer, "pay"), Until: time.Now().Add(300 * time.Millisecond)}
	w.mu.Unlock()
	if code := w.dial("hdn_brief").closed(); code != wire.CloseUnauthorized {
		t.Errorf("closed with %d", code)
	}
}

// Somebody with grants in two teams sees both, and shares topics with whoever sees the same.
func TestSeveralGrants(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for _, name := range []string{"pay/core/charge", "home/bff/tv", "ops/jobs/report"} {
		w.set(name, "healthy")
	}
	both := access.NewGrants(access.Grant{Role: access.Deployer, Scope: "pay"}, access.Grant{Role: access.Viewer, Scope: "home/bff"}, access.Grant{Role: access.Invoker, Scope: "ops"})
	same := access.NewGrants(access.Grant{Role: access.Viewer, Scope: "pay"}, access.Grant{Role: access.Admin, Scope: "home/bff"})
	w.mu.Lock()
	w.tokens["hdn_both"], w.tokens["hdn_same"] = access.Principal{Name: "bo", Grants: both}, access.Principal{Name: "sam", Grants: same}
	w.mu.Unlock()
	bo, sam := w.dial("hdn_both"), w.dial("hdn_same")
	if bo.hello.Epoch != sam.hello.Epoch {
		t.Error("two epochs for those who see the same")
	}
	want(t, bo.ask("overview"), "snapshot", "overview", "function", "home/bff/tv", "pay/core/charge")
	if m := bo.ask("function:ops/jobs/report"); m.Code != wire.LiveForbidden { // it may call it, so it may know that it is there
		t.Errorf("%+v", m)
	}
}

func TestSlowClientHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := open(t, func(c *live.Config) { c.WriteTimeout = time.Second })
	big := strings.Repeat("x", 20<<10)
	fill := func(n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i := range 50 {
			name := fmt.Sprintf("pay/core/f%02d", i)
			w.healths[name] = wire.Health{Function: name, State: fmt.Sprint(n), Reason: big}
		}
	}
	fill(0)
	slow, quick := w.dial("hdn_admin"), w.dial("hdn_admin")
	quick.ask("overview")
	slow.send(`{"type":"subscribe","topic":"overview"}`) // and then reads nothing
	for n := 1; testutil.ToFloat64(gauge(t, w.reg, "hadron_live_slow_clients_total")) == 0; n++ {
		if n > 2000 {
			t.Fatal("a client that reads nothing is never dropped")
		}
		fill(n)
		w.step()
		if m := quick.next(); texts(t, m, "state")[0] != fmt.Sprint(n) {
			t.Fatalf("step %d: the quick client got %s", n, texts(t, m, "state")[0])
		}
	}
}

func TestStopSaysGoodbye(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	p := w.dial("hdn_admin")
	p.ask("logs:pay/core/charge")
	done := make(chan error, 1)
	go func() { done <- w.hub.Stop(context.Background()) }()
	if code := p.closed(); code != websocket.CloseGoingAway {
		t.Errorf("close code %d", code)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := w.hub.Stop(context.Background()); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := w.hub.Start(context.Background()); err == nil {
		t.Error("started again")
	}
	res, err := http.Get(w.http.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
}
