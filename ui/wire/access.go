package wire

import (
	"encoding/json"
	"time"
)

// Grant is one role over one scope: empty for everything, a team, or team/project.
type Grant struct {
	Role  string `json:"role"`
	Scope string `json:"scope"`
}

// Session is who asks, and how people can sign in here.
type Session struct {
	Name      string     `json:"name"` // empty: nobody is signed in
	Kind      string     `json:"kind"` // token, session or dev; empty for nobody
	Grants    []Grant    `json:"grants"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	CSRF      string     `json:"csrf,omitempty"` // what requests by cookie carry as Hadron-Csrf
	Provider  bool       `json:"provider"`       // GET /api/v1/signin goes to an identity provider
}

// SignIn signs a browser in with a token.
type SignIn struct {
	Token string `json:"token"`
}

// Token is an issued token, without the token.
type Token struct {
	Name      string     `json:"name"` // unique within the scope's team
	Team      string     `json:"team"` // of the scope; empty: the whole installation's
	Role      string     `json:"role"`
	Scope     string     `json:"scope"`
	CreatedAt time.Time  `json:"createdAt"`
	CreatedBy string     `json:"createdBy"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	Expired   bool       `json:"expired"`
	UsedAt    *time.Time `json:"usedAt,omitempty"` // to about a minute
}

// TokenList is tokens, and how many there may be of one team. Expired ones count as long as they are listed.
type TokenList struct {
	Items   []Token `json:"items"`
	PerTeam int     `json:"perTeam"` // of the whole installation's own, too
}

// CreateToken asks for a token.
type CreateToken struct {
	Name    string `json:"name"`
	Role    string `json:"role"`
	Scope   string `json:"scope,omitempty"`
	Expires string `json:"expires,omitempty"` // "30d"; the server's default unless given
	Replace bool   `json:"replace,omitempty"` // the one of that name, which ends
}

// CreatedToken holds a new token, the only time that it is shown.
type CreatedToken struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret"`
}

// Change is one row of the audit log: who changed what, from where.
type Change struct {
	ID       int64           `json:"id"`
	Time     time.Time       `json:"time"`
	Author   string          `json:"author"`
	Kind     string          `json:"kind"`
	Did      string          `json:"did"` // the kind in words, between author and what it was done to
	Function string          `json:"function,omitempty"`
	Subject  string          `json:"subject,omitempty"` // of what is no function: token:…, team:…, secret:…
	Scope    string          `json:"scope"`
	Message  string          `json:"message,omitempty"`
	Origin   string          `json:"origin,omitempty"`  // token, session, dev or server
	Address  string          `json:"address,omitempty"` // of the author's client, for those who administer the scope
	Agent    string          `json:"agent,omitempty"`   // the same
	Before   json.RawMessage `json:"before" tstype:"unknown"`
	After    json.RawMessage `json:"after" tstype:"unknown"`
}
