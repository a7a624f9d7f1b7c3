package dashgen

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// readable is v's JSON with sorted keys, indented, and with > as it is: the SDK's own
// marshalers escape it, and expressions are full of it.
func readable(v any) ([]byte, error) {
	escaped, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var plain any
	decoder := json.NewDecoder(bytes.NewReader(escaped))
	decoder.UseNumber()
	if err := decoder.Decode(&plain); err != nil {
		return nil, err
	}
	return append(appendValue(make([]byte, 0, 3*len(escaped)), plain, 0), '\n'), nil
}

// appendValue writes what a json.Decoder made, as a json.Encoder would. It is written
// by hand because a start may render a hundred thousand dashboards.
func appendValue(b []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return append(b, "{}"...)
		}
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			b = appendBreak(b, i > 0, depth+1)
			b = append(appendString(b, key), ": "...)
			b = appendValue(b, v[key], depth+1)
		}
		return append(appendBreak(b, false, depth), '}')
	case []any:
		if len(v) == 0 {
			return append(b, "[]"...)
		}
		b = append(b, '[')
		for i, one := range v {
			b = appendValue(appendBreak(b, i > 0, depth+1), one, depth+1)
		}
		return append(appendBreak(b, false, depth), ']')
	case string:
		return appendString(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

func appendBreak(b []byte, comma bool, depth int) []byte {
	if comma {
		b = append(b, ',')
	}
	b = append(b, '\n')
	for range depth {
		b = append(b, "  "...)
	}
	return b
}

// appendString quotes a string. What is rare is left to the library.
func appendString(b []byte, s string) []byte {
	start := len(b)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c >= 0x80:
			return appendRare(b[:start], s)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func appendRare(b []byte, s string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}
