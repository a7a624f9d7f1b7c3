package webapi

import (
	"bytes"
	"context"
	"crypto"
	_ "crypto/sha1" // the hashes that the standard names
	_ "crypto/sha256"
	_ "crypto/sha512"
	"fmt"
	"math"
	"reflect"

	"github.com/dop251/goja"
)

// operation is what an algorithm is asked for.
type operation int

const (
	opEncrypt operation = iota
	opDecrypt
	opSign
	opVerify
	opDigest
	opDerive
	opWrap
	opUnwrap
	opGenerate
	opImport
	opLength // of a key that is to be derived
)

// algorithm is one that SubtleCrypto knows. What it cannot do is nil.
type algorithm struct {
	name    string
	reads   map[operation]func(r *Realm, o *goja.Object, p *params)
	usages  []string // that its secret keys may have
	heavy   func(op operation, p *params, k *CryptoKey) bool
	encrypt func(p *params, k *CryptoKey, data []byte) ([]byte, error)
	decrypt func(p *params, k *CryptoKey, data []byte) ([]byte, error)
	sign    func(p *params, k *CryptoKey, data []byte) ([]byte, error)
	verify  func(p *params, k *CryptoKey, signature, data []byte) (bool, error)
	// derive is given the bits wanted, or -1 for as many as there are.
	derive   func(ctx context.Context, p *params, k *CryptoKey, bits int) ([]byte, error)
	generate func(p *params, extractable bool, usages []string) (keyPair, error)
	take     func(p *params, in keyData, extractable bool, usages []string) (*CryptoKey, error)
	give     func(k *CryptoKey, format string) (keyData, error)
	length   func(p *params) (int, error) // -1: as many as there are
}

// params are the members of a normalised algorithm, copied out of the function's
// objects.
type params struct {
	name       string
	hash       string
	curve      string
	length     int // bits; -1 where none was given
	modulus    int
	exponent   []byte
	iv         []byte
	extra      []byte // additionalData
	label      []byte
	salt       []byte
	info       []byte
	tag        int // bits
	saltLength int
	iterations int
	public     *CryptoKey
}

// refusal is the error of an operation, to be thrown under that name.
type refusal struct{ name, message string }

func (e *refusal) Error() string { return e.name + ": " + e.message }

func refuse(name, format string, args ...any) error {
	return &refusal{name: name, message: fmt.Sprintf(format, args...)}
}

var hashes = map[string]crypto.Hash{
	"SHA-1": crypto.SHA1, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
}

func digest(hash string, data []byte) []byte {
	h := hashes[hash].New()
	h.Write(data)
	return h.Sum(nil)
}

// algorithmName reads what names an algorithm, and the object that its members are
// to be read of.
func (r *Realm) algorithmName(v goja.Value) (string, *goja.Object) {
	o, ok := v.(*goja.Object)
	if !ok {
		return r.text(v), r.vm.NewObject()
	}
	name := r.member(o, "name")
	if absent(name) {
		panic(r.typeError("an algorithm has a name"))
	}
	return r.text(name), o
}

// normalize reads an algorithm as the standard says: a name, or an object with one.
func (r *Realm) normalize(v goja.Value, op operation) (*algorithm, *params) {
	name, o := r.algorithmName(v)
	a := algorithms()[upper(name)]
	if a == nil || a.reads[op] == nil {
		panic(r.domException("NotSupportedError", "the algorithm %q is not known for this operation", clip(name)))
	}
	p := &params{name: a.name, length: -1, tag: 128}
	a.reads[op](r, o, p)
	return a, p
}

var bytesType = reflect.TypeFor[[]byte]()

// Readers of the members that algorithms take. Each reads what the standard's
// dictionary of that name has.

func readNothing(*Realm, *goja.Object, *params) {}

func readHash(r *Realm, o *goja.Object, p *params) {
	v := r.member(o, "hash")
	if absent(v) {
		panic(r.typeError("%s needs a hash", p.name))
	}
	name, _ := r.algorithmName(v)
	p.hash = upper(name)
	if _, known := hashes[p.hash]; !known {
		panic(r.domException("NotSupportedError", "the hash %q is not known", clip(name)))
	}
}

func readHashAndLength(r *Realm, o *goja.Object, p *params) {
	readHash(r, o, p)
	if v := r.member(o, "length"); !absent(v) {
		p.length = r.enforce(v, math.MaxUint32, "length")
	}
}

func readLength(r *Realm, o *goja.Object, p *params) {
	p.length = r.enforce(r.required(o, "length", p.name), math.MaxUint16, "length")
}

func readCurve(r *Realm, o *goja.Object, p *params) {
	p.curve = r.text(r.required(o, "namedCurve", p.name))
	if curves[p.curve] == nil {
		panic(r.domException("NotSupportedError", "the curve %q is not known", clip(p.curve)))
	}
}

func readModulus(r *Realm, o *goja.Object, p *params) {
	readHash(r, o, p)
	p.modulus = r.enforce(r.required(o, "modulusLength", p.name), math.MaxUint32, "modulusLength")
	v := r.required(o, "publicExponent", p.name)
	b, ok := r.bytes(v)
	if !ok || v.ExportType() != bytesType {
		panic(r.typeError("the publicExponent is a Uint8Array"))
	}
	p.exponent = bytes.TrimLeft(bytes.Clone(b), "\x00")
}

func readIV(r *Realm, o *goja.Object, p *params) { p.iv = r.requiredBuffer(o, "iv", p.name) }

func readCounter(r *Realm, o *goja.Object, p *params) {
	p.iv = r.requiredBuffer(o, "counter", p.name)
	p.length = r.enforce(r.required(o, "length", p.name), math.MaxUint8, "length")
}

func readGCM(r *Realm, o *goja.Object, p *params) {
	if v := r.member(o, "additionalData"); !absent(v) {
		p.extra = r.copied(v, "additionalData")
	}
	p.iv = r.requiredBuffer(o, "iv", p.name)
	if v := r.member(o, "tagLength"); !absent(v) {
		p.tag = r.enforce(v, math.MaxUint8, "tagLength")
	}
}

func readLabel(r *Realm, o *goja.Object, p *params) {
	if v := r.member(o, "label"); !absent(v) {
		p.label = r.copied(v, "label")
	}
}

func readSaltLength(r *Realm, o *goja.Object, p *params) {
	p.saltLength = r.enforce(r.required(o, "saltLength", p.name), math.MaxUint32, "saltLength")
}

func readHKDF(r *Realm, o *goja.Object, p *params) {
	readHash(r, o, p)
	p.info = r.requiredBuffer(o, "info", p.name)
	p.salt = r.requiredBuffer(o, "salt", p.name)
}

func readPBKDF2(r *Realm, o *goja.Object, p *params) {
	readHash(r, o, p)
	p.iterations = r.enforce(r.required(o, "iterations", p.name), math.MaxUint32, "iterations")
	p.salt = r.requiredBuffer(o, "salt", p.name)
}

func readPublic(r *Realm, o *goja.Object, p *params) {
	key, ok := unwrap[*CryptoKey](r.required(o, "public", p.name))
	if !ok {
		panic(r.typeError("the public member of %s is a CryptoKey", p.name))
	}
	p.public = key
}

func (r *Realm) required(o *goja.Object, member, of string) goja.Value {
	v := r.member(o, member)
	if absent(v) {
		panic(r.typeError("%s needs %s", of, member))
	}
	return v
}

func (r *Realm) requiredBuffer(o *goja.Object, member, of string) []byte {
	return r.copied(r.required(o, member, of), member)
}

// copied is a copy of what a buffer or view holds.
func (r *Realm) copied(v goja.Value, what string) []byte {
	b, ok := r.bytes(v)
	if !ok {
		panic(r.typeError("%s is no ArrayBuffer or view of one", what))
	}
	if int64(len(b)) > r.host.Limits().Bytes {
		panic(r.domException("OperationError", "%s holds %d bytes, and at most %d can be taken", what, len(b), r.host.Limits().Bytes))
	}
	return bytes.Clone(b)
}

// enforce converts as WebIDL does under EnforceRange.
func (r *Realm) enforce(v goja.Value, most float64, what string) int {
	if goja.IsBigInt(v) {
		panic(r.typeError("%s is a BigInt, not a number", what))
	}
	f := math.Trunc(v.ToNumber().ToFloat())
	if !(f >= 0 && f <= most) {
		panic(r.typeError("%s is no whole number from 0 to %.0f", what, most))
	}
	return int(f)
}
