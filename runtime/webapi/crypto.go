package webapi

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/dop251/goja"
)

// Crypto is the class of the object crypto.
type Crypto struct {
	instance
	subtle *Subtle
}

// maxRandom is what getRandomValues takes at once, as the standard says.
const maxRandom = 65536

func newCryptoClass(r *Realm) *class {
	c := r.class("Crypto", 0, nil, nil)
	attribute(c, "subtle", func(self *Crypto) goja.Value {
		if self.subtle == nil {
			self.subtle = &Subtle{}
			r.use("SubtleCrypto").wrap(self.subtle)
		}
		return self.subtle.self
	}, nil)
	method(c, "getRandomValues", 1, func(_ *Crypto, args []goja.Value) goja.Value {
		o, ok := args[0].(*goja.Object)
		if !ok {
			panic(r.typeError("getRandomValues fills a typed array"))
		}
		b, ok := r.bytes(o)
		if !ok {
			panic(r.typeError("getRandomValues fills a typed array"))
		}
		if !integers(o) {
			panic(r.domException("TypeMismatchError", "getRandomValues fills a typed array of integers"))
		}
		if len(b) > maxRandom {
			panic(r.domException("QuotaExceededError", "getRandomValues fills at most %d bytes at once; these are %d", maxRandom, len(b)))
		}
		_, _ = rand.Read(b) // never fails, by its contract
		return o
	})
	method(c, "randomUUID", 0, func(*Crypto, []goja.Value) goja.Value { return r.vm.ToValue(randomUUID()) })
	return c
}

// integers reports whether a view is a typed array of integers.
func integers(o *goja.Object) bool {
	t := o.ExportType()
	return typedArray(t) && t.Elem().Kind().String()[0] != 'f'
}

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
