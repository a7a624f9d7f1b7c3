package webapi

import (
	"math"
)

// maxJSONDepth bounds how deep JSON is nested, read or written. Both recurse in
// native code, where neither the call stack's bound nor an interrupt helps.
const maxJSONDepth = 2000

// Parts of a text become JavaScript values only when they are touched if they are
// at least lazyPart bytes long, in a text of at least lazyText: below that, building
// them costs less than putting it off.
const (
	lazyText = 1 << 10
	lazyPart = 256
)

// jsonNode is an object or array of a scanned text that is worth being put off.
type jsonNode struct {
	start, end int32
	next       int32 // the first node behind it
	canonical  bool  // JSON.stringify would write these very bytes
}

// jsonScanner checks a text and finds its nodes. Positions are bytes.
type jsonScanner struct {
	text  string
	part  int // how long a node is at least
	pos   int
	depth int
	nodes []jsonNode
	loose int      // what was met so far that JSON.stringify would write otherwise
	keys  []uint32 // hashes of the keys of the objects that are open
	deep  bool     // it is nested too deep, rather than malformed
}

// scan reads the whole text; false means that it is no JSON, from pos on.
func (s *jsonScanner) scan() bool {
	s.space()
	if !s.value() {
		return false
	}
	s.space()
	return s.pos == len(s.text)
}

func (s *jsonScanner) space() {
	start := s.pos
	for s.pos < len(s.text) && isJSONSpace(s.text[s.pos]) {
		s.pos++
	}
	if s.pos > start {
		s.loose++
	}
}

func (s *jsonScanner) value() bool {
	if s.pos >= len(s.text) {
		return false
	}
	switch c := s.text[s.pos]; c {
	case '"':
		_, ok := s.string()
		return ok
	case '{', '[':
		return s.container(c)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *jsonScanner) word(w string) bool {
	n := wordPrefix(s.text[s.pos:], w)
	s.pos += n
	return n == len(w)
}

func (s *jsonScanner) container(open byte) bool {
	if s.depth++; s.depth > maxJSONDepth {
		s.deep = true
		return false
	}
	start, loose, node := s.pos, s.loose, len(s.nodes)
	s.nodes = append(s.nodes, jsonNode{start: int32(start)})
	s.pos++
	s.space()
	read := s.elements
	if open == '{' {
		read = s.members
	}
	if !read() {
		return false
	}
	s.depth--
	if s.pos-start < s.part {
		s.nodes = s.nodes[:node] // what it holds is smaller still
		return true
	}
	n := &s.nodes[node]
	n.end, n.next, n.canonical = int32(s.pos), int32(len(s.nodes)), s.loose == loose
	return true
}

func (s *jsonScanner) elements() bool {
	if s.pos < len(s.text) && s.text[s.pos] == ']' {
		s.pos++
		return true
	}
	for {
		if !s.value() {
			return false
		}
		s.space()
		if s.pos >= len(s.text) {
			return false
		}
		switch s.text[s.pos] {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			return true
		default:
			return false
		}
	}
}

func (s *jsonScanner) members() bool {
	if s.pos < len(s.text) && s.text[s.pos] == '}' {
		s.pos++
		return true
	}
	first := len(s.keys)
	var many map[uint32]struct{}
	last := int64(-1) // the index that the key before was; MaxInt64: it was none
	for {
		at := s.pos
		if at >= len(s.text) || s.text[at] != '"' {
			return false
		}
		hash, ok := s.string()
		if !ok {
			return false
		}
		many = s.key(hash, first, many)
		// Keys like array indexes come first and ascending, whatever the text says.
		if c := s.text[at+1]; c >= '0' && c <= '9' {
			if i, is := arrayIndex(s.text[at+1 : s.pos-1]); is {
				if i <= last {
					s.loose++
				}
				last = i
			} else {
				last = math.MaxInt64
			}
		} else {
			last = math.MaxInt64
		}
		s.space()
		if s.pos >= len(s.text) || s.text[s.pos] != ':' {
			return false
		}
		s.pos++
		s.space()
		if !s.value() {
			return false
		}
		s.space()
		if s.pos >= len(s.text) {
			return false
		}
		switch s.text[s.pos] {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			s.keys = s.keys[:first]
			return true
		default:
			return false
		}
	}
}

// key notes one that may have been there before: equal hashes count as equal keys.
func (s *jsonScanner) key(hash uint32, first int, many map[uint32]struct{}) map[uint32]struct{} {
	const few = 24
	if many == nil {
		for _, h := range s.keys[first:] {
			if h == hash {
				s.loose++
			}
		}
		s.keys = append(s.keys, hash)
		if len(s.keys)-first <= few {
			return nil
		}
		many = make(map[uint32]struct{}, 4*few)
		for _, h := range s.keys[first:] {
			many[h] = struct{}{}
		}
		return many
	}
	n := len(many)
	if many[hash] = struct{}{}; len(many) == n {
		s.loose++
	}
	return many
}

// string reads one and returns a hash of its text.
func (s *jsonScanner) string() (hash uint32, ok bool) {
	text, i := s.text, s.pos+1
	hash = 2166136261
	for i < len(text) {
		c := text[i]
		if plainText[c] {
			hash = (hash ^ uint32(c)) * 16777619
			i++
			continue
		}
		switch {
		case c == '"':
			s.pos = i + 1
			return hash, true
		case c != '\\' || i+1 >= len(text):
			s.pos = i
			return 0, false
		}
		hash = (hash ^ uint32(text[i+1])) * 16777619
		switch text[i+1] {
		case '"', '\\', 'b', 'f', 'n', 'r', 't':
			i += 2
		case '/':
			s.loose++
			i += 2
		case 'u':
			unit, ok := hex4(text[i+2:])
			if !ok {
				s.pos = i
				return 0, false
			}
			if unit >= ' ' || shortEscape(byte(unit)) != 0 || upperHex(text[i+2:i+6]) {
				s.loose++
			}
			hash = (hash ^ uint32(unit)) * 16777619
			i += 6
		default:
			s.pos = i
			return 0, false
		}
	}
	s.pos = i
	return 0, false
}

// number reads one and notes whether JavaScript would write it as it stands.
func (s *jsonScanner) number() bool {
	n, ok := readNumber(s.text[s.pos:])
	text := s.text[s.pos : s.pos+n.length]
	s.pos += n.length
	if ok && !n.canonical(text) {
		s.loose++
	}
	return ok
}
