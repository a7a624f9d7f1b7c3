package live

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// ServeHTTP serves one connection until it ends. Refusals before the upgrade are
// problem+json; a browser, which would not see them, is let in and told by a
// close code.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.cfg.Dev && !access.LoopbackHost(r.Host) && r.Host != h.externalHost() {
		h.refuse(w, http.StatusForbidden, "foreign_host", "This server runs with --dev and answers only under localhost or its external_url.")
		return
	}
	if !h.sameOrigin(r) {
		h.refuse(w, http.StatusForbidden, "cross_origin", "A page of another site may not connect.")
		return
	}
	r = withToken(r)
	who, err := h.cfg.Authenticate(r)
	browser := r.Header.Get("Origin") != ""
	if err == nil && !browser && !h.cfg.Dev && r.Header.Get("Authorization") == "" {
		// A browser always says where a websocket is opened from: a cookie without is no page's of ours.
		h.refuse(w, http.StatusForbidden, "cross_origin", "A connection by cookie must have an Origin.")
		return
	}
	if err != nil && (!browser || !websocket.IsWebSocketUpgrade(r)) {
		w.Header().Set("Www-Authenticate", `Bearer realm="hadron"`)
		detail := "Send a token of this server as \"Authorization: Bearer hdn_…\"."
		var expired *tenant.ExpiredError
		if errors.As(err, &expired) {
			detail = "It cannot be used: " + expired.Error() + "."
		}
		h.refuse(w, http.StatusUnauthorized, "unauthorized", detail)
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		h.refuse(w, http.StatusUpgradeRequired, "upgrade_required", "This is a websocket; docs/live-protocol.md describes it.")
		return
	}
	c := &client{
		hub: h, request: r, who: who,
		wake: make(chan struct{}, 1), replies: make(chan []byte, maxReplies),
	}
	if err := h.enter(c); err != nil {
		w.Header().Set("Retry-After", "5")
		h.refuse(w, http.StatusServiceUnavailable, "overloaded", "No more connections are taken now: "+err.Error()+".")
		return
	}
	defer h.leave(c)
	c.ctx, c.cancel = context.WithCancelCause(h.ctx)
	defer c.cancel(nil)
	h.serve(c, w, r, err)
}

func (h *Hub) serve(c *client, w http.ResponseWriter, r *http.Request, denied error) {
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	c.mu.Lock()
	c.conn = conn // Stop looks for it
	c.mu.Unlock()
	if denied != nil {
		h.metrics.refused.WithLabelValues("unauthorized").Inc()
		c.close(&closing{wire.CloseUnauthorized, "send a token of this server"})
		c.goodbye()
		return
	}
	h.log.LogAttrs(c.ctx, slog.LevelDebug, "client connected", slog.String("principal", c.who.Name))
	c.run()
	h.log.LogAttrs(c.ctx, slog.LevelDebug, "client left", slog.String("principal", c.who.Name), slog.Any("cause", context.Cause(c.ctx)))
}

func (h *Hub) refuse(w http.ResponseWriter, status int, code, detail string) {
	h.metrics.refused.WithLabelValues(code).Inc()
	w.Header().Set("Content-Type", wire.ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(wire.Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail})
}

// withToken moves the token that a browser puts among its subprotocols to where
// tokens are looked for.
func withToken(r *http.Request) *http.Request {
	if r.Header.Get("Authorization") != "" {
		return r
	}
	for _, offered := range websocket.Subprotocols(r) {
		if token, is := strings.CutPrefix(offered, wire.LiveTokenProtocol); is {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+token)
			return r
		}
	}
	return r
}

// sameOrigin keeps pages of other sites out: a browser sends cookies along with
// a websocket whoever opens it.
func (h *Hub) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if strings.EqualFold(u.Host, r.Host) {
		return true
	}
	own, err := url.Parse(h.cfg.ExternalURL)
	return err == nil && own.Host != "" && strings.EqualFold(own.Host, u.Host) && own.Scheme == u.Scheme
}

func (h *Hub) externalHost() string {
	u, err := url.Parse(h.cfg.ExternalURL)
	if err != nil {
		return ""
	}
	return u.Host
}
