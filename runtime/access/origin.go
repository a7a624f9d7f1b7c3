package access

import (
	"context"
	"strings"
)

// Origin is where a change comes from; the audit log keeps it beside who made it.
type Origin struct {
	Kind    string // how the author was known: token, session, dev, or server for Hadron itself
	Address string // of the client, behind trusted proxies; empty for server
	Agent   string // the client's User-Agent, at most MaxAgent bytes
}

// The kinds of origin.
const (
	ByToken   = "token"
	BySession = "session"
	ByDev     = "dev"    // a server that asks for no token
	ByServer  = "server" // Hadron itself: a rollout that goes on, a schedule
)

// MaxAgent bounds Origin.Agent, in bytes.
const MaxAgent = 200

type originKey struct{}

// WithOrigin says where what is done under ctx comes from. It travels in the
// context since every write keeps it and none decides by it.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	if len(o.Agent) > MaxAgent {
		o.Agent = strings.ToValidUTF8(o.Agent[:MaxAgent], "")
	}
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns where what is done under ctx comes from: Hadron itself, unless
// it was said.
func OriginOf(ctx context.Context) Origin {
	if o, said := ctx.Value(originKey{}).(Origin); said {
		return o
	}
	return Origin{Kind: ByServer}
}
