package webapi

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// maxKey bounds the bytes of a key that is imported.
const maxKey = 64 << 10

// keyData is a key outside of its CryptoKey: bytes, or a JSON Web Key where the
// format is jwk.
type keyData struct {
	format string
	bytes  []byte
	jwk    *jwk
}

// jwk is a JSON Web Key. Its fields stand in the order that they are read and
// written in.
type jwk struct {
	Alg    *string   `json:"alg,omitempty"`
	Crv    *string   `json:"crv,omitempty"`
	D      *string   `json:"d,omitempty"`
	DP     *string   `json:"dp,omitempty"`
	DQ     *string   `json:"dq,omitempty"`
	E      *string   `json:"e,omitempty"`
	Ext    *bool     `json:"ext,omitempty"`
	K      *string   `json:"k,omitempty"`
	KeyOps *[]string `json:"key_ops,omitempty"`
	Kty    *string   `json:"kty,omitempty"`
	N      *string   `json:"n,omitempty"`
	Oth    []any     `json:"oth,omitempty"`
	P      *string   `json:"p,omitempty"`
	Q      *string   `json:"q,omitempty"`
	QI     *string   `json:"qi,omitempty"`
	Use    *string   `json:"use,omitempty"`
	X      *string   `json:"x,omitempty"`
	Y      *string   `json:"y,omitempty"`
}

// member is one field of a key that is a string.
type jwkMember struct {
	name string
	at   **string
}

func (j *jwk) early() []jwkMember {
	return []jwkMember{{"alg", &j.Alg}, {"crv", &j.Crv}, {"d", &j.D}, {"dp", &j.DP}, {"dq", &j.DQ}, {"e", &j.E}}
}

func (j *jwk) late() []jwkMember {
	return []jwkMember{{"p", &j.P}, {"q", &j.Q}, {"qi", &j.QI}, {"use", &j.Use}, {"x", &j.X}, {"y", &j.Y}}
}

// readJWK copies a key out of the function's object.
func (r *Realm) readJWK(o *goja.Object) *jwk {
	j := &jwk{}
	read := func(name string, at **string) {
		if v := r.member(o, name); !absent(v) {
			s := r.text(v)
			if len(s) > maxKey {
				panic(r.domException("DataError", "the member %s holds more than %d bytes", name, maxKey))
			}
			*at = &s
		}
	}
	for _, m := range j.early() {
		read(m.name, m.at)
	}
	if v := r.member(o, "ext"); !absent(v) {
		b := v.ToBoolean()
		j.Ext = &b
	}
	read("k", &j.K)
	if v := r.member(o, "key_ops"); !absent(v) {
		list := []string{}
		for _, item := range r.sequence(v, "key_ops") {
			list = append(list, r.text(item))
		}
		j.KeyOps = &list
	}
	read("kty", &j.Kty)
	read("n", &j.N)
	if v := r.member(o, "oth"); !absent(v) {
		j.Oth = []any{len(r.sequence(v, "oth"))}
	}
	for _, m := range j.late() {
		read(m.name, m.at)
	}
	return j
}

// writeJWK makes the function's object of a key.
func (r *Realm) writeJWK(j *jwk) *goja.Object {
	o := r.vm.NewObject()
	write := func(name string, s *string) {
		if s != nil {
			_ = o.Set(name, *s)
		}
	}
	for _, m := range j.early() {
		write(m.name, *m.at)
	}
	if j.Ext != nil {
		_ = o.Set("ext", *j.Ext)
	}
	write("k", j.K)
	if j.KeyOps != nil {
		_ = o.Set("key_ops", r.strings(*j.KeyOps))
	}
	write("kty", j.Kty)
	write("n", j.N)
	for _, m := range j.late() {
		write(m.name, *m.at)
	}
	return o
}

func (j *jwk) marshal() []byte {
	b, err := json.Marshal(j)
	if err != nil {
		return nil // strings, booleans and lists of them always marshal
	}
	return b
}

// parseJWK reads a key that was wrapped.
func parseJWK(b []byte) (*jwk, error) {
	j := &jwk{}
	if err := json.Unmarshal(b, j); err != nil {
		return nil, refuse("DataError", "the unwrapped key is no JSON Web Key")
	}
	if j.Kty == nil {
		return nil, refuse("DataError", "the unwrapped key has no kty")
	}
	return j, nil
}

func is(s *string, want string) bool { return s != nil && *s == want }

// jwkUse is what a key says that it may be used for.
type jwkUse struct {
	kty         string
	use         string // enc or sig
	algs        []string
	extractable bool
	usages      []string
}

// check refuses a key whose members say that it is something else.
func (j *jwk) check(want jwkUse) error {
	if !is(j.Kty, want.kty) {
		return refuse("DataError", "the kty of the key is not %s", want.kty)
	}
	if len(want.usages) > 0 && j.Use != nil && *j.Use != want.use {
		return refuse("DataError", "the use of the key is not %s", want.use)
	}
	if j.KeyOps != nil {
		seen := map[string]bool{}
		for _, op := range *j.KeyOps {
			if seen[op] {
				return refuse("DataError", "the key_ops name %q twice", clip(op))
			}
			seen[op] = true
		}
		for _, u := range want.usages {
			if !seen[u] {
				return refuse("DataError", "the key_ops do not name %q", u)
			}
		}
	}
	if j.Ext != nil && !*j.Ext && want.extractable {
		return refuse("DataError", "the key says that it is not extractable")
	}
	if len(want.algs) > 0 && j.Alg != nil && !slices.Contains(want.algs, *j.Alg) {
		return refuse("DataError", "the alg of the key is %q, not %s", clip(*j.Alg), strings.Join(want.algs, " or "))
	}
	return nil
}

func base64url(b []byte) *string {
	s := base64.RawURLEncoding.EncodeToString(b)
	return &s
}

// unbase64 decodes a member; nil where it is missing or malformed.
func unbase64(s *string, what string) ([]byte, error) {
	if s == nil {
		return nil, refuse("DataError", "the key has no %s", what)
	}
	b, err := base64.RawURLEncoding.DecodeString(*s)
	if err != nil || strings.ContainsAny(*s, "\r\n") {
		return nil, refuse("DataError", "the %s of the key is not base64url", what)
	}
	return b, nil
}

// maxModulus bounds the bits of numbers that keys hold.
const maxModulus = 16384

func unbase64Int(s *string, what string) (*big.Int, error) {
	b, err := unbase64(s, what)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 || len(b) > maxModulus/8 {
		return nil, refuse("DataError", "the %s of the key is too long or empty", what)
	}
	return new(big.Int).SetBytes(b), nil
}
