package webapi

import (
	"encoding/base64"
	"strings"

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

const base64Spaces = "\t\n\f\r "

// forgivingBase64 decodes as the Infra standard does: white space is skipped, and
// padding may be left out but not be wrong.
func forgivingBase64(s string) ([]byte, bool) {
	if strings.ContainsAny(s, base64Spaces) {
		s = strings.Map(func(c rune) rune {
			if strings.ContainsRune(base64Spaces, c) {
				return -1
			}
			return c
		}, s)
	}
	if len(s)%4 == 0 {
		s = strings.TrimSuffix(s, "=")
		if len(s)%4 == 3 {
			s = strings.TrimSuffix(s, "=")
		}
	}
	if strings.IndexByte(s, '=') >= 0 || len(s)%4 == 1 {
		return nil, false
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil
}

func newBtoa(r *Realm) goja.Value {
	return r.function("btoa", 1, func(args []goja.Value) goja.Value {
		s := r.text(args[0])
		if !ascii(s) {
			for _, c := range s {
				if c > 0xff {
					panic(r.domException("InvalidCharacterError", "btoa: the string holds a character beyond U+00FF"))
				}
			}
			s = wireFromText(s)
		}
		return r.vm.ToValue(base64.StdEncoding.EncodeToString([]byte(s)))
	})
}
