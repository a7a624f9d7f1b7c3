package webapi

import "strings"

// parseDataURL reads a data: URL, whose fragment is gone, as the Fetch standard does.
func parseDataURL(address string) (kind string, body []byte, ok bool) {
	head, data, ok := strings.Cut(strings.TrimPrefix(address, "data:"), ",")
	if !ok {
		return "", nil, false
	}
	body = []byte(percentDecode(data))
	head = strings.Trim(head, "\t\n\f\r ")
	if at := strings.LastIndexByte(head, ';'); at >= 0 && strings.EqualFold(strings.TrimLeft(head[at+1:], " "), "base64") {
		if body, ok = forgivingBase64(textFromWire(string(body))); !ok {
			return "", nil, false
		}
		head = strings.TrimRight(head[:at], " ")
	}
	if strings.HasPrefix(head, ";") {
		head = "text/plain" + head
	}
	m, valid := parseMIME(head)
	if !valid {
		return "text/plain;charset=US-ASCII", body, true
	}
	return m.String(), body, true
}
