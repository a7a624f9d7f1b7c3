package function

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Digest is "sha256:" and the SHA-256 of the canonical JSON (RFC 8785) of
// {"manifest": …, "source": …}; manifest is the author's own JSON, before
// defaults, so that a changed default does not change a version. Spaces, the order
// of keys and the spelling of numbers and strings do not change it. An empty
// manifest is {}. Its error is a *ManifestError.
func Digest(source string, manifest []byte) (string, error) {
	var m any
	if len(bytes.TrimSpace(manifest)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(manifest))
		dec.UseNumber()
		if err := dec.Decode(&m); err != nil {
			return "", badKey("", "not JSON: %v", err)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return "", badKey("", "there is more behind the first JSON value")
		}
	}
	if m == nil {
		m = map[string]any{}
	}
	text, err := appendCanonical(make([]byte, 0, len(source)+len(source)/8+len(manifest)+64), map[string]any{"manifest": m, "source": source})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// appendCanonical writes a value as RFC 8785 has it: no spaces, keys in the order
// of their UTF-16 units, numbers as ECMAScript prints them, strings with the fewest
// escapes.
func appendCanonical(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return fmt.Appendf(b, "%t", v), nil
	case string:
		return appendCanonicalString(b, v), nil
	case json.Number:
		f, err := v.Float64()
		if err != nil || math.IsInf(f, 0) {
			return nil, badKey("", "%s is out of range", clip(v.String()))
		}
		text, err := json.Marshal(f + 0) // -0 is written as 0
		if err != nil {
			return nil, badKey("", "%v", err)
		}
		return append(b, text...), nil
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendCanonical(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.SortedFunc(maps.Keys(v), compareUTF16) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendCanonicalString(b, key), ':')
			var err error
			if b, err = appendCanonical(b, v[key]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return nil, badKey("", "holds a %T", v)
}

func appendCanonicalString(b []byte, s string) []byte {
	const short = "btn_fr" // \b to \r, from 8; 0x0b has no short form
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= 0x08 && r <= 0x0d && r != 0x0b:
			b = append(b, '\\', short[r-0x08])
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

func compareUTF16(a, b string) int {
	if isASCII(a) && isASCII(b) {
		return cmp.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
