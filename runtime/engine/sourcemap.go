package engine

import (
	"bytes"
	"errors"
	"strings"

	"hadron/runtime/vlq"
)

// shiftMap fits a source map to how goja looks into it: the first line is moved by
// the prologue, what stands behind quotes by those, and all by one, since goja counts
// columns from 1 and maps do not. Of the map, what positions need is left: it is cut out
// of the text, since nothing is to be decoded twice, and the authors' files in it not once.
// What comes of a text that is no JSON is none either.
func shiftMap(data []byte, first int, quoted []place) ([]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	root, sources, mappings, err := cutMap(data)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(root)+len(sources)+len(mappings)+128)
	out = append(out, `{"version":3,`...)
	if root != nil {
		out = append(append(append(out, `"sourceRoot":`...), root...), ',')
	}
	out = append(append(append(out, `"sources":`...), sources...), `,"mappings":"`...)
	for i := 0; len(mappings) > 0; i++ {
		line, rest, more := bytes.Cut(mappings, []byte(";"))
		mappings = rest
		by := 1
		if i == 0 {
			by += first
		}
		n := 0
		for n < len(quoted) && quoted[n].line == i {
			n++
		}
		if out, err = shiftLine(out, line, by, quoted[:n]); err != nil {
			return nil, err
		}
		quoted = quoted[n:]
		if more {
			out = append(out, ';')
		}
	}
	return append(out, `"}`...), nil
}

var errMap = errors.New("read source map: the map is malformed")

// cutMap returns the values of a map's members that positions need, as they are written;
// that of mappings without its quotes, since nothing in it is ever escaped.
func cutMap(data []byte) (root, sources, mappings []byte, err error) {
	rest := bytes.TrimSpace(data)
	if len(rest) == 0 || rest[0] != '{' {
		return nil, nil, nil, errMap
	}
	sources = []byte("[]")
	for separator := byte('{'); separator != '}'; {
		if rest = bytes.TrimSpace(rest[1:]); separator == '{' && len(rest) > 0 && rest[0] == '}' {
			break
		}
		var key, value []byte
		if key, rest = cutValue(rest); len(key) == 0 || len(rest) == 0 || rest[0] != ':' {
			return nil, nil, nil, errMap
		}
		if value, rest = cutValue(bytes.TrimSpace(rest[1:])); len(value) == 0 || len(rest) == 0 {
			return nil, nil, nil, errMap
		}
		switch string(key) {
		case `"sourceRoot"`:
			root = value
		case `"sources"`:
			sources = value
		case `"mappings"`:
			if value[0] != '"' {
				return nil, nil, nil, errMap
			}
			mappings = value[1 : len(value)-1]
		}
		if separator = rest[0]; separator != ',' && separator != '}' {
			return nil, nil, nil, errMap
		}
	}
	return root, sources, mappings, nil
}

// cutValue returns the JSON value that data begins with, and what follows behind spaces;
// no value where it has no end. Who decodes the value finds out whether it is one.
func cutValue(data []byte) (value, rest []byte) {
	depth, at := 0, 0
	for at < len(data) {
		switch c := data[at]; c {
		case '"':
			n := endOfText(data[at:])
			if n == 0 {
				return nil, nil
			}
			at += n
		case '[', '{':
			depth++
			at++
			continue
		case ']', '}':
			depth--
			at++
		default:
			at++
			for at < len(data) && strings.IndexByte(",:[]{}\" \t\r\n", data[at]) < 0 {
				at++
			}
		}
		if depth <= 0 {
			return data[:at], bytes.TrimLeft(data[at:], " \t\r\n")
		}
	}
	return nil, nil
}

// endOfText is where the text ends that data begins with; 0: nowhere.
func endOfText(data []byte) int {
	for at := 1; at < len(data); at++ {
		n := bytes.IndexByte(data[at:], '"')
		if n < 0 {
			return 0
		}
		at += n
		slashes := 0
		for data[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at + 1
		}
	}
	return 0
}

// shiftLine moves the entries of one line, of which each tells how far it is from the
// one before.
func shiftLine(out, line []byte, by int, quoted []place) ([]byte, error) {
	column := 0
	for len(line) > 0 {
		entry, rest, more := bytes.Cut(line, []byte(","))
		distance, length, ok := vlq.Read(entry)
		if !ok {
			return nil, errors.New("read source map: the mappings are malformed")
		}
		column += distance >> 1 // never negative: its sign bit is 0
		for len(quoted) > 0 && quoted[0].column < column {
			by += quotes
			quoted = quoted[1:]
		}
		out = append(vlq.Append(out, distance+by<<1), entry[length:]...)
		if by = 0; more && len(quoted) == 0 { // the rest moves with this one
			return append(append(out, ','), rest...), nil
		}
		if line = rest; more {
			out = append(out, ',')
		}
	}
	return out, nil
}
