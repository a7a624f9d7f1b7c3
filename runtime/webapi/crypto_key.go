package webapi

import (
	"slices"

	"github.com/dop251/goja"
)

// usages are what a key may be used for, in the order that keys list them.
var usages = []string{"encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"}

// keyAlgorithm is what a key says of its algorithm.
type keyAlgorithm struct {
	name     string
	hash     string // of HMAC and RSA
	length   int    // bits, of AES and HMAC
	modulus  int    // bits, of RSA
	exponent []byte // of RSA, big-endian
	curve    string // of EC
}

// CryptoKey is the class of that name. Its material never changes.
type CryptoKey struct {
	instance
	kind        string // secret, public or private
	extractable bool
	algorithm   keyAlgorithm
	usages      []string
	material    any // []byte, or a key of crypto/rsa, ecdsa, ed25519 or ecdh

	describes *goja.Object // what algorithm answers, made once
	lists     *goja.Object // what usages answers, made once
}

// can reports whether the key may be used so.
func (k *CryptoKey) can(usage string) bool { return slices.Contains(k.usages, usage) }

// secret is the material of a key that is plain bytes.
func (k *CryptoKey) secret() []byte {
	b, _ := k.material.([]byte)
	return b
}

// ordered is the usages in their order, each once.
func ordered(list []string) []string {
	out := []string{}
	for _, u := range usages {
		if slices.Contains(list, u) {
			out = append(out, u)
		}
	}
	return out
}

// only is what of a list is among some.
func only(list []string, some ...string) []string {
	out := []string{}
	for _, u := range list {
		if slices.Contains(some, u) {
			out = append(out, u)
		}
	}
	return out
}

// within fails with a SyntaxError if a usage is not among those that a key of its
// kind has.
func within(list []string, some ...string) error {
	for _, u := range list {
		if !slices.Contains(some, u) {
			return refuse("SyntaxError", "such a key cannot be used to %s", u)
		}
	}
	return nil
}

func newCryptoKeyClass(r *Realm) *class {
	c := r.class("CryptoKey", 0, nil, nil)
	attribute(c, "type", func(k *CryptoKey) goja.Value { return r.vm.ToValue(k.kind) }, nil)
	attribute(c, "extractable", func(k *CryptoKey) goja.Value { return r.vm.ToValue(k.extractable) }, nil)
	attribute(c, "algorithm", func(k *CryptoKey) goja.Value {
		if k.describes == nil {
			k.describes = r.describe(k.algorithm)
		}
		return k.describes
	}, nil)
	attribute(c, "usages", func(k *CryptoKey) goja.Value {
		if k.lists == nil {
			k.lists = r.strings(k.usages)
		}
		return k.lists
	}, nil)
	return c
}

func (r *Realm) strings(list []string) *goja.Object {
	items := make([]any, len(list))
	for i, s := range list {
		items[i] = s
	}
	return r.vm.NewArray(items...)
}

func (r *Realm) describe(a keyAlgorithm) *goja.Object {
	o := r.vm.NewObject()
	_ = o.Set("name", a.name)
	if a.modulus > 0 {
		_ = o.Set("modulusLength", a.modulus)
		_ = o.Set("publicExponent", r.uint8Array(slices.Clone(a.exponent)))
	}
	if a.hash != "" {
		hash := r.vm.NewObject()
		_ = hash.Set("name", a.hash)
		_ = o.Set("hash", hash)
	}
	if a.length > 0 {
		_ = o.Set("length", a.length)
	}
	if a.curve != "" {
		_ = o.Set("namedCurve", a.curve)
	}
	return o
}

// cryptoKey makes the function's side of a key.
func (r *Realm) cryptoKey(k *CryptoKey) *goja.Object {
	if k.self == nil {
		r.use("CryptoKey").wrap(k)
	}
	return k.self
}

// keyPair is what generateKey makes of asymmetric algorithms.
type keyPair struct{ public, private *CryptoKey }

func (r *Realm) generated(p keyPair) goja.Value {
	if p.public == nil {
		return r.cryptoKey(p.private)
	}
	o := r.vm.NewObject()
	_ = o.Set("privateKey", r.cryptoKey(p.private))
	_ = o.Set("publicKey", r.cryptoKey(p.public))
	return o
}
