package live

import (
	"errors"
	"log/slog"
	"time"

	"github.com/gorilla/websocket"

	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// closing is why the server ends a connection, as a close code.
type closing struct {
	code   int
	reason string
}

func (c *closing) Error() string { return c.reason }

// check pings, and looks again at who this is: tokens are revoked and changed
// while connections last.
func (c *client) check() error {
	who, err := c.hub.cfg.Authenticate(c.request)
	var expired *tenant.ExpiredError
	switch {
	case errors.As(err, &expired):
		return &closing{wire.CloseUnauthorized, expired.Error()}
	case errors.Is(err, tenant.ErrUnauthenticated):
		return &closing{wire.CloseUnauthorized, "the token is no longer valid"}
	case err != nil:
		c.hub.log.LogAttrs(c.ctx, slog.LevelWarn, "token not looked up again", slog.Any("error", err))
	case !who.Same(c.who):
		return &closing{wire.CloseAccessChanged, "access has changed"}
	}
	return c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.hub.cfg.WriteTimeout))
}

// close says why, where the other side may still listen, and ends reading.
func (c *client) close(err error) {
	bye := &closing{}
	switch {
	case errors.As(err, &bye):
	case errors.Is(err, errStopped):
		bye = &closing{websocket.CloseGoingAway, "the server is stopping"}
	}
	if bye.code != 0 {
		_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(bye.code, bye.reason), time.Now().Add(closeWait))
		_ = c.conn.SetReadDeadline(time.Now().Add(closeWait))
		return
	}
	_ = c.conn.Close()
}

// goodbye reads what the other side still sends until it has closed too: closing
// on unread bytes would reset the connection, and the reason with it.
func (c *client) goodbye() {
	for {
		if _, _, err := c.conn.NextReader(); err != nil {
			break
		}
	}
	_ = c.conn.Close()
}
