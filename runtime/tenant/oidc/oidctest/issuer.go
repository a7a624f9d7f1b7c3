// Package oidctest is an OpenID Connect issuer for tests: it keeps what it gave
// out, and refuses what a real one refuses.
package oidctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Issuer is one. Its fields may be changed under Lock.
type Issuer struct {
	*httptest.Server
	ClientID, Secret string

	sync.Mutex
	User   map[string]any       // claims of who signs in
	Change func(map[string]any) // bends an id token's claims; nil: they are right
	Forge  bool                 // signs with a key that it does not publish
	Down   bool                 // answers 503
	Ask    bool                 // shows a page with a button before it sends the browser back
	Asked  int                  // requests of the discovery document
	codes  map[string]grant
	keys   []*rsa.PrivateKey // the last one signs
	forged *rsa.PrivateKey
}

// grant is what a code stands for.
type grant struct {
	redirect, challenge, nonce string
	until                      time.Time
}

// Start starts an issuer that ends with the test.
func Start(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{ClientID: "hadron", Secret: "s3cret-of-the-client", codes: map[string]grant{}}
	i.User = map[string]any{"sub": "u1", "email": "ada@example.com", "email_verified": true, "groups": []string{"sre"}}
	i.keys = []*rsa.PrivateKey{key(tb)}
	i.forged = key(tb)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.jwks)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.Lock()
		down := i.Down
		i.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(i.Close)
	return i
}

func key(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// Rotate signs with a new key from now on.
func (i *Issuer) Rotate(tb testing.TB) {
	i.Lock()
	defer i.Unlock()
	i.keys = append(i.keys, key(tb))
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	i.Lock()
	i.Asked++
	i.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	i.Lock()
	defer i.Unlock()
	var set jose.JSONWebKeySet
	for n, k := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &k.PublicKey, KeyID: fmt.Sprint(n), Algorithm: "RS256", Use: "sig"})
	}
	answer(w, http.StatusOK, set)
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != i.ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "" {
		http.Error(w, "not a request of the code flow with PKCE", http.StatusBadRequest)
		return
	}
	i.Lock()
	defer i.Unlock()
	code := rand.Text()
	i.codes[code] = grant{q.Get("redirect_uri"), q.Get("code_challenge"), q.Get("nonce"), time.Now().Add(time.Minute)}
	back := q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	if i.Ask {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Issuer</title><h1>Who are you?</h1><a id="continue" href="%s">Continue</a>`, html.EscapeString(back))
		return
	}
	http.Redirect(w, r, back, http.StatusFound)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.Lock()
	defer i.Unlock()
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	if id != i.ClientID || secret != i.Secret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	g, known := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code")) // once
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || time.Now().After(g.until) || r.FormValue("grant_type") != "authorization_code" ||
		r.FormValue("redirect_uri") != g.redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": i.URL, "aud": i.ClientID, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "nonce": g.nonce}
	for name, v := range i.User {
		claims[name] = v
	}
	if i.Change != nil {
		i.Change(claims)
	}
	signed, err := i.sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": signed})
}

func (i *Issuer) sign(claims map[string]any) (string, error) {
	with := jose.JSONWebKey{Key: i.keys[len(i.keys)-1], KeyID: fmt.Sprint(len(i.keys) - 1)}
	if i.Forge {
		with.Key = i.forged
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: with}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	token, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return token.CompactSerialize()
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has left needs none
}
