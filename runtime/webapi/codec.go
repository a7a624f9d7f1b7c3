package webapi

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/dop251/goja"
)

func newAtob(r *Realm) goja.Value {
	return r.function("atob", 1, func(args []goja.Value) goja.Value {
		b, ok := forgivingBase64(r.text(args[0]))
		if !ok {
			panic(r.domException("InvalidCharacterError", "atob: the string is not base64"))
		}
		return r.vm.ToValue(textFromWire(string(b)))
	})
}

// forgivingBase64 decodes as the Infra standard does: white space is skipped, and
// padding may be left out but not be wrong.
func forgivingBase64(s string) ([]byte, bool) {
	s = strings.Map(func(c rune) rune {
		if strings.ContainsRune("\t\n\f\r ", c) {
			return -1
		}
		return c
	}, s)
	if len(s)%4 == 0 {
		s = strings.TrimSuffix(s, "=")
		if len(s)%4 == 3 {
			s = strings.TrimSuffix(s, "=")
		}
	}
	if strings.ContainsAny(s, "=\r\n") || len(s)%4 == 1 {
		return nil, false
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}

func newBtoa(r *Realm) goja.Value {
	return r.function("btoa", 1, func(args []goja.Value) goja.Value {
		s := r.text(args[0])
		for _, c := range s {
			if c > 0xff {
				panic(r.domException("InvalidCharacterError", "btoa: the string holds a character beyond U+00FF"))
			}
		}
		return r.vm.ToValue(base64.StdEncoding.EncodeToString([]byte(wireFromText(s))))
	})
}

// maxRandom is what getRandomValues takes at once, as the standard says.
const maxRandom = 65536

func newCrypto(r *Realm) goja.Value {
	o := r.vm.NewObject()
	put := func(name string, length int, fn func([]goja.Value) goja.Value) {
		_ = o.Set(name, r.function(name, length, fn))
	}
	put("randomUUID", 0, func([]goja.Value) goja.Value { return r.vm.ToValue(randomUUID()) })
	put("getRandomValues", 1, func(args []goja.Value) goja.Value {
		b, ok := r.bytes(args[0])
		if o, is := args[0].(*goja.Object); !ok || !is || !integers(o) {
			panic(r.domException("TypeMismatchError", "getRandomValues fills a typed array of integers"))
		}
		if len(b) > maxRandom {
			panic(r.domException("QuotaExceededError", "getRandomValues fills at most %d bytes at once; these are %d", maxRandom, len(b)))
		}
		_, _ = rand.Read(b) // never fails, by its contract
		return args[0]
	})
	(&class{realm: r}).tag(o, "Crypto")
	return o
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
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func newPerformance(r *Realm) goja.Value {
	o := r.vm.NewObject()
	_ = o.Set("now", r.function("now", 0, func([]goja.Value) goja.Value {
		return r.vm.ToValue(float64(time.Since(r.started).Microseconds()) / 1000)
	}))
	_ = o.Set("timeOrigin", float64(r.started.UnixMicro())/1000)
	(&class{realm: r}).tag(o, "Performance")
	return o
}

func newNavigator(r *Realm) goja.Value {
	o := r.vm.NewObject()
	_ = o.Set("userAgent", "Hadron")
	(&class{realm: r}).tag(o, "Navigator")
	return o
}
