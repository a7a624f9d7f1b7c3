package webapi

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

var errHost = errors.New("the host is malformed")

// names parses the hosts that are not plain ASCII: the tables of international
// names are the library's.
var names = whatwg.NewParser()

// parseHost reads and serialises a host; opaque ones are those of schemes that the
// standard does not know.
func parseHost(s string, opaque bool) (string, error) {
	if strings.HasPrefix(s, "[") {
		if !strings.HasSuffix(s, "]") {
			return "", errHost
		}
		return parseIPv6(s[1 : len(s)-1])
	}
	if opaque {
		if holds(s, forbiddenHost) {
			return "", errHost
		}
		return encode(s, setControl), nil
	}
	domain, err := asciiDomain(percentDecode(s))
	if err != nil || domain == "" || holds(domain, forbiddenDomain) {
		return "", errHost
	}
	if endsInNumber(domain) {
		return parseIPv4(domain)
	}
	return domain, nil
}

// asciiDomain lowers a domain, and encodes one of other letters.
func asciiDomain(s string) (string, error) {
	plain, lower := true, true
	for i := range len(s) {
		plain = plain && s[i] < 0x80
		lower = lower && (s[i] < 'A' || s[i] > 'Z')
	}
	if plain {
		if !lower {
			s = strings.ToLower(s)
		}
		if !strings.Contains(s, "xn--") {
			return s, nil
		}
		if holds(s, forbiddenDomain) {
			return "", errHost
		}
	}
	s = decodeUTF8([]byte(s))
	if strings.HasPrefix(s, "\ufeff") || len(s) > maxDomain {
		return "", errHost
	}
	u, err := names.Parse("http://" + encode(s, setComponent|forbiddenDomain) + "/")
	if err != nil {
		return "", errHost
	}
	return u.Hostname(), nil
}

// maxDomain bounds what is looked up in the tables.
const maxDomain = 4096

func endsInNumber(s string) bool {
	s = strings.TrimSuffix(s, ".")
	last := s[strings.LastIndexByte(s, '.')+1:]
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	_, ok := numberIPv4(last)
	return ok
}

// numberIPv4 reads a part of an address, in one of three notations. What is out of
// all bounds becomes the most there is.
func numberIPv4(s string) (uint64, bool) {
	base := 10
	switch {
	case s == "":
		return 0, false
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	if s == "" {
		return 0, true
	}
	for i := range len(s) {
		if d := unhex(s[i]); d < 0 || d >= base {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil {
		return 1 << 63, true
	}
	return n, true
}

func parseIPv4(s string) (string, error) {
	parts := strings.Split(strings.TrimSuffix(s, "."), ".")
	if len(parts) > 4 {
		return "", errHost
	}
	var ip uint64
	for i, part := range parts {
		n, ok := numberIPv4(part)
		last := i == len(parts)-1
		if !ok || !last && n > 255 || last && n >= 1<<(8*(5-len(parts))) {
			return "", errHost
		}
		if last {
			ip += n
		} else {
			ip += n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}).String(), nil
}

func parseIPv6(s string) (string, error) {
	ip, err := netip.ParseAddr(s)
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return "", errHost
	}
	bytes := ip.As16()
	var pieces [8]uint16
	for i := range pieces {
		pieces[i] = uint16(bytes[2*i])<<8 | uint16(bytes[2*i+1])
	}
	from, length := -1, 1 // the longest run of zeros, of two at least
	for i := 0; i < 8; i++ {
		n := 0
		for i+n < 8 && pieces[i+n] == 0 {
			n++
		}
		if n > length {
			from, length = i, n
		}
		i += n
	}
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i < 8; i++ {
		if i == from {
			b.WriteByte(':')
			if i == 0 {
				b.WriteByte(':')
			}
			i += length - 1
			continue
		}
		b.WriteString(strconv.FormatUint(uint64(pieces[i]), 16))
		if i < 7 {
			b.WriteByte(':')
		}
	}
	b.WriteByte(']')
	return b.String(), nil
}
