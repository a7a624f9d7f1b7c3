package webapi

import (
	"context"
	"errors"
	"slices"

	"github.com/dop251/goja"
)

// Subtle is the class SubtleCrypto; it has no state.
type Subtle struct{ instance }

// maxHeavy bounds the operations of one realm that wait for their turn off the VM's
// goroutine; one runs at a time, so that a function has one more processor at most.
const maxHeavy = 64

// lightBytes is what is worked on without leaving the VM's goroutine.
const lightBytes = 256 << 10

func newSubtleClass(r *Realm) *class {
	c := r.class("SubtleCrypto", 0, nil, nil)
	add := func(name string, length int, fn func(args []goja.Value) goja.Value) {
		promised(c, name, length, func(_ *Subtle, args []goja.Value) goja.Value { return fn(args) })
	}
	add("encrypt", 3, func(args []goja.Value) goja.Value { return r.subtleCipher(args, opEncrypt, "encrypt") })
	add("decrypt", 3, func(args []goja.Value) goja.Value { return r.subtleCipher(args, opDecrypt, "decrypt") })
	add("sign", 3, r.subtleSign)
	add("verify", 4, r.subtleVerify)
	add("digest", 2, r.subtleDigest)
	add("generateKey", 3, r.subtleGenerate)
	add("deriveKey", 5, r.subtleDeriveKey)
	add("deriveBits", 2, r.subtleDeriveBits)
	add("importKey", 5, r.subtleImport)
	add("exportKey", 2, r.subtleExport)
	add("wrapKey", 4, r.subtleWrap)
	add("unwrapKey", 7, r.subtleUnwrap)
	return c
}

// perform runs an operation and promises what it makes: at once where that is
// quick, and off the VM's goroutine where it may not be.
func perform[T any](r *Realm, heavy bool, work func(context.Context) (T, error), wrap func(T) goja.Value) goja.Value {
	ctx := r.host.Context()
	if !heavy {
		if ctx == nil {
			ctx = context.Background() // the module is loading, and this is quick
		}
		out, err := work(ctx)
		if err != nil {
			return r.rejected(r.thrown(err))
		}
		return r.resolved(wrap(out))
	}
	if ctx == nil {
		panic(r.domException("NotSupportedError", "so much work cannot be done while the module loads; do it in the handler"))
	}
	if r.heavy == nil {
		r.heavy = make(chan struct{}, 1)
	}
	if r.heavies >= maxHeavy {
		panic(r.domException("QuotaExceededError", "more than %d operations wait for their turn", maxHeavy))
	}
	r.heavies++
	turn, site := r.heavy, r.here()
	p, resolve, reject := r.newPromise()
	off(r, func() (T, error) {
		var none T
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
		return work(ctx)
	}, func(out T, err error) {
		r.heavies--
		if err != nil {
			r.settle(reject, r.blame(r.thrown(err), site))
			return
		}
		var v goja.Value
		if ex := r.vm.Try(func() { v = wrap(out) }); ex != nil {
			r.settle(reject, ex.Value())
			return
		}
		r.settle(resolve, v)
	})
	return p
}

// thrown is what functions see of an operation's error.
func (r *Realm) thrown(err error) goja.Value {
	var e *refusal
	switch {
	case !errors.As(err, &e):
		return r.domException("OperationError", "the operation failed")
	case e.name == "TypeError":
		return r.typeError("%s", e.message)
	default:
		return r.domException(e.name, "%s", e.message)
	}
}

func (r *Realm) buffer(b []byte) goja.Value { return r.arrayBuffer(b) }

func (r *Realm) key(v goja.Value, what string) *CryptoKey {
	k, ok := unwrap[*CryptoKey](v)
	if !ok {
		panic(r.typeError("%s is no CryptoKey", what))
	}
	return k
}

// check refuses a key that is not for the algorithm or not for this.
func (r *Realm) check(k *CryptoKey, p *params, usage string) {
	if k.algorithm.name != p.name {
		panic(r.domException("InvalidAccessError", "the key is for %s, not %s", k.algorithm.name, p.name))
	}
	if !k.can(usage) {
		panic(r.domException("InvalidAccessError", "the key may not be used to %s", usage))
	}
}

func (a *algorithm) isHeavy(op operation, p *params, k *CryptoKey, size int) bool {
	return size > lightBytes || a.heavy != nil && a.heavy(op, p, k)
}

func (r *Realm) subtleCipher(args []goja.Value, op operation, usage string) goja.Value {
	k, data := r.key(args[1], "the key of "+usage), r.copied(args[2], "the data")
	a, p := r.normalize(args[0], op)
	r.check(k, p, usage)
	do := a.encrypt
	if op == opDecrypt {
		do = a.decrypt
	}
	return perform(r, a.isHeavy(op, p, k, len(data)), func(context.Context) ([]byte, error) { return do(p, k, data) }, r.buffer)
}

func (r *Realm) subtleSign(args []goja.Value) goja.Value {
	k, data := r.key(args[1], "the key of sign"), r.copied(args[2], "the data")
	a, p := r.normalize(args[0], opSign)
	r.check(k, p, "sign")
	return perform(r, a.isHeavy(opSign, p, k, len(data)), func(context.Context) ([]byte, error) { return a.sign(p, k, data) }, r.buffer)
}

func (r *Realm) subtleVerify(args []goja.Value) goja.Value {
	k := r.key(args[1], "the key of verify")
	signature, data := r.copied(args[2], "the signature"), r.copied(args[3], "the data")
	a, p := r.normalize(args[0], opVerify)
	r.check(k, p, "verify")
	return perform(r, a.isHeavy(opVerify, p, k, len(data)), func(context.Context) (bool, error) { return a.verify(p, k, signature, data) },
		func(ok bool) goja.Value { return r.vm.ToValue(ok) })
}

func (r *Realm) subtleDigest(args []goja.Value) goja.Value {
	data := r.copied(args[1], "the data")
	_, p := r.normalize(args[0], opDigest)
	return perform(r, len(data) > lightBytes, func(context.Context) ([]byte, error) { return digest(p.name, data), nil }, r.buffer)
}

// usageList reads a sequence of usages.
func (r *Realm) usageList(v goja.Value) []string {
	var list []string
	for _, item := range r.sequence(v, "the list of usages") {
		u := r.text(item)
		if !slices.Contains(usages, u) {
			panic(r.typeError("%q is no usage of a key", clip(u)))
		}
		list = append(list, u)
	}
	return ordered(list)
}

func (r *Realm) subtleGenerate(args []goja.Value) goja.Value {
	extractable, list := args[1].ToBoolean(), r.usageList(args[2])
	a, p := r.normalize(args[0], opGenerate)
	return perform(r, a.isHeavy(opGenerate, p, nil, 0), func(context.Context) (keyPair, error) {
		return a.generate(p, extractable, list)
	}, r.generated)
}

// bits reads how many bits are to be derived; -1 stands for null.
func (r *Realm) bits(v goja.Value) int {
	if nullish(v) {
		return -1
	}
	return int(uint32(v.ToInteger()))
}

func (r *Realm) subtleDeriveBits(args []goja.Value) goja.Value {
	k, n := r.key(args[1], "the base key"), r.bits(arg(args, 2))
	a, p := r.normalize(args[0], opDerive)
	r.check(k, p, "deriveBits")
	r.bounded(n)
	return perform(r, a.isHeavy(opDerive, p, k, 0), func(ctx context.Context) ([]byte, error) { return a.derive(ctx, p, k, n) }, r.buffer)
}

func (r *Realm) bounded(bits int) {
	if int64(bits)/8 > r.host.Limits().Bytes {
		panic(r.domException("OperationError", "at most %d bytes can be derived", r.host.Limits().Bytes))
	}
}

func (r *Realm) subtleDeriveKey(args []goja.Value) goja.Value {
	k := r.key(args[1], "the base key")
	extractable, list := args[3].ToBoolean(), r.usageList(args[4])
	a, p := r.normalize(args[0], opDerive)
	target, want := r.normalize(args[2], opImport)
	_, sized := r.normalize(args[2], opLength)
	r.check(k, p, "deriveKey")
	return perform(r, a.isHeavy(opDerive, p, k, 0), func(ctx context.Context) (*CryptoKey, error) {
		n, err := target.length(sized)
		if err != nil {
			return nil, err
		}
		secret, err := a.derive(ctx, p, k, n)
		if err != nil {
			return nil, err
		}
		return imported(target, want, keyData{format: "raw", bytes: secret}, extractable, list)
	}, func(k *CryptoKey) goja.Value { return r.cryptoKey(k) })
}

// imported makes a key, and refuses one that could be used for nothing.
func imported(a *algorithm, p *params, in keyData, extractable bool, list []string) (*CryptoKey, error) {
	k, err := a.take(p, in, extractable, list)
	if err == nil && k.kind != "public" && len(k.usages) == 0 {
		return nil, refuse("SyntaxError", "a %s key needs a usage", k.kind)
	}
	return k, err
}

// keyFormat reads the name of a format.
func (r *Realm) keyFormat(v goja.Value) string {
	f := r.text(v)
	if !slices.Contains([]string{"raw", "spki", "pkcs8", "jwk"}, f) {
		panic(r.typeError("%q is no format of keys", clip(f)))
	}
	return f
}

func (r *Realm) subtleImport(args []goja.Value) goja.Value {
	in := keyData{format: r.keyFormat(args[0])}
	b, isBuffer := r.bytes(args[1])
	o, isObject := args[1].(*goja.Object)
	switch {
	case isBuffer == (in.format == "jwk") || !isObject:
		panic(r.typeError("the key data is not what the format %s takes", in.format))
	case isBuffer:
		in.bytes = slices.Clone(b)
	default:
		in.jwk = r.readJWK(o)
	}
	if len(in.bytes) > maxKey {
		panic(r.domException("DataError", "the key data holds more than %d bytes", maxKey))
	}
	extractable, list := args[3].ToBoolean(), r.usageList(args[4])
	a, p := r.normalize(args[2], opImport)
	return perform(r, false, func(context.Context) (*CryptoKey, error) { return imported(a, p, in, extractable, list) },
		func(k *CryptoKey) goja.Value { return r.cryptoKey(k) })
}

// exported is the material of a key in a format.
func exported(k *CryptoKey, format string) (keyData, error) {
	a := algorithms()[upper(k.algorithm.name)]
	if a.give == nil {
		return keyData{}, refuse("NotSupportedError", "keys of %s cannot be exported", a.name)
	}
	if !k.extractable {
		return keyData{}, refuse("InvalidAccessError", "the key is not extractable")
	}
	out, err := a.give(k, format)
	if out.jwk != nil {
		out.jwk.KeyOps, out.jwk.Ext = &k.usages, &k.extractable
	}
	return out, err
}

func (r *Realm) subtleExport(args []goja.Value) goja.Value {
	format, k := r.keyFormat(args[0]), r.key(args[1], "the key of exportKey")
	return perform(r, false, func(context.Context) (keyData, error) { return exported(k, format) }, func(out keyData) goja.Value {
		if out.jwk != nil {
			return r.writeJWK(out.jwk)
		}
		return r.buffer(out.bytes)
	})
}

// wrapping finds what is to encrypt or decrypt a key: what the algorithm has for
// keys, or what it has for data.
func (r *Realm) wrapping(v goja.Value, own, general operation) (*algorithm, *params) {
	name := v
	if o, ok := v.(*goja.Object); ok {
		name = r.member(o, "name")
	}
	if !absent(name) {
		if a := algorithms()[upper(r.text(name))]; a != nil && a.reads[own] != nil {
			return r.normalize(v, own)
		}
	}
	return r.normalize(v, general)
}

func (r *Realm) subtleWrap(args []goja.Value) goja.Value {
	format := r.keyFormat(args[0])
	k, with := r.key(args[1], "the key to wrap"), r.key(args[2], "the wrapping key")
	a, p := r.wrapping(args[3], opWrap, opEncrypt)
	r.check(with, p, "wrapKey")
	return perform(r, a.isHeavy(opEncrypt, p, with, 0), func(context.Context) ([]byte, error) {
		out, err := exported(k, format)
		if err != nil {
			return nil, err
		}
		if out.jwk != nil {
			out.bytes = out.jwk.marshal()
		}
		return a.encrypt(p, with, out.bytes)
	}, r.buffer)
}

func (r *Realm) subtleUnwrap(args []goja.Value) goja.Value {
	format, wrapped := r.keyFormat(args[0]), r.copied(args[1], "the wrapped key")
	with := r.key(args[2], "the unwrapping key")
	extractable, list := args[5].ToBoolean(), r.usageList(args[6])
	a, p := r.wrapping(args[3], opUnwrap, opDecrypt)
	target, want := r.normalize(args[4], opImport)
	r.check(with, p, "unwrapKey")
	return perform(r, a.isHeavy(opDecrypt, p, with, len(wrapped)), func(context.Context) (*CryptoKey, error) {
		in := keyData{format: format}
		var err error
		if in.bytes, err = a.decrypt(p, with, wrapped); err != nil {
			return nil, err
		}
		if len(in.bytes) > maxKey {
			return nil, refuse("DataError", "the key data holds more than %d bytes", maxKey)
		}
		if format == "jwk" {
			if in.jwk, err = parseJWK(in.bytes); err != nil {
				return nil, err
			}
		}
		return imported(target, want, in, extractable, list)
	}, func(k *CryptoKey) goja.Value { return r.cryptoKey(k) })
}
