// Package vlq reads and writes the numbers of a source map's mappings: base 64, five bits a
// digit, the lowest first, and the sixth says that another follows
// (https://tc39.es/ecma426/#sec-base64-vlq).
package vlq

import "strings"

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// Read reads the number that s begins with, its sign in the lowest bit, and how many
// characters it takes. It fails where s begins with none, or with one of more than 35 bits.
func Read[T string | []byte](s T) (value, length int, ok bool) {
	for shift := 0; length < len(s) && shift <= 30; shift += 5 {
		digit := strings.IndexByte(digits, s[length])
		if digit < 0 {
			return 0, 0, false
		}
		length++
		value |= digit & 31 << shift
		if digit&32 == 0 {
			return value, length, true
		}
	}
	return 0, 0, false
}

// Append writes a number, its sign in the lowest bit.
func Append(b []byte, value int) []byte {
	for {
		digit := value & 31
		if value >>= 5; value > 0 {
			digit |= 32
		}
		b = append(b, digits[digit])
		if value == 0 {
			return b
		}
	}
}
