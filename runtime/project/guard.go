package project

import (
	"fmt"
	"strings"
)

// What a compiler can be made to do by a small text was measured: forty kilobytes
// of nested blocks cost esbuild 40 s and 800 MB, two thousand nested functions
// 20 s, a sum of twenty thousand terms costs goja 3 s, and either dies, with its
// process, of a stack that outgrows Go's limit. guard counts what makes them so
// before they are called. It reads tokens and no grammar: a text written to
// mislead it (in JSX, where prose looks like strings) may, so an untrusted source
// is best compiled in a process of its own. What passes was seen to take up to 10 s
// a megabyte, and more where it is made of errors.
const (
	maxDepth = 200
	maxChain = 10_000      // operators, calls and members in one expression; else-ifs in one statement
	maxWork  = 500_000_000 // each nesting by its depth squared, each link of a chain by its place
	maxSame  = 100         // declarations of one name in one block: each tells of the first, which costs the way back to it
)

// level is an open bracket.
type level struct {
	open    byte // ( [ { $ for a template's, 0 at the top
	control bool // ( of if, while, for and with: what follows its end begins anew
	value   bool // { of an object literal: its end is a value
	list    bool // [ or the ( of a call: its commas part values that no compiler chains
	chain   int
	commas  int
	arrows  int
	cases   int
	names   map[string]int // that let, const and class declare, by how often
	again   bool           // one of them too often
}

// guarding is the state of a scan.
type guarding struct {
	src     string
	at      int
	levels  []level
	work    int
	value   bool   // the token before ends a value
	word    string // the token before, where it is a word or an operator
	closed  bool   // the token before is }
	newline bool   // a line ended since the token before
	pending bool   // ; was seen: the chain ends unless else follows
}

// guard says at which byte a source is too deep or too long for a compiler, or "".
func guard(src string) (int, string) {
	g := guarding{src: src, levels: make([]level, 1, maxDepth+1)}
	for g.at < len(src) {
		at := g.at
		g.step()
		switch top := g.top(); {
		case len(g.levels) > maxDepth:
			return at, fmt.Sprintf("nested more than %d brackets deep", maxDepth)
		case top.chain > maxChain:
			return at, fmt.Sprintf("an expression of more than %d parts: build it in a loop, or keep it as data", maxChain)
		case g.work > maxWork:
			return at, "too much nesting or too long expressions for the compiler; split the module's largest functions"
		case top.again:
			return at, fmt.Sprintf("a name is declared more than %d times in one block", maxSame)
		}
	}
	return 0, ""
}

func (g *guarding) top() *level { return &g.levels[len(g.levels)-1] }

// step reads one token, or blank.
func (g *guarding) step() {
	c := g.src[g.at]
	switch {
	case c == '\n' || c == '\r':
		g.newline = true
		g.at++
	case c == ' ' || c == '\t' || c == 0x0b || c == 0x0c:
		g.at++
	case strings.HasPrefix(g.src[g.at:], "//"):
		g.at = g.indexFrom(g.at, "\n")
	case strings.HasPrefix(g.src[g.at:], "/*"):
		g.at = min(len(g.src), g.indexFrom(g.at+2, "*/")+2)
	case c == '"' || c == '\'':
		g.begin("")
		g.quoted(c)
		g.end(true, "")
	case c == '`':
		g.begin("")
		g.at++
		g.template()
	case isWord(c):
		start := g.at
		for g.at < len(g.src) && isWord(g.src[g.at]) {
			g.at++
		}
		g.wordToken(g.src[start:g.at])
	case c == '(' || c == '[' || c == '{':
		g.open(c)
	case c == ')' || c == ']' || c == '}':
		g.close(c)
	case c == '/' && !g.value:
		g.begin("")
		g.regexp()
		g.end(true, "")
	default:
		g.operator(c)
	}
}

// begin sees the start of a value or a keyword: after a line's end, or after }, it
// is a statement of its own.
func (g *guarding) begin(word string) {
	fresh := g.pending || (g.value && g.newline) || (g.closed && !g.value)
	g.pending = false
	if fresh && word != "else" && word != "catch" && word != "finally" && word != "in" && word != "of" && word != "instanceof" {
		g.reset()
	}
}

func (g *guarding) reset() {
	top := g.top()
	top.chain, top.commas, top.arrows = 0, 0, 0
}

func (g *guarding) end(value bool, word string) {
	g.value, g.word, g.closed, g.newline = value, word, false, false
}

func (g *guarding) wordToken(word string) {
	declares := !g.newline && (g.word == "let" || g.word == "const" || g.word == "class") && word != "enum" && word != "extends" && word != "implements"
	g.begin(word)
	if top := g.top(); declares {
		if top.names == nil {
			top.names = map[string]int{}
		}
		top.names[word]++
		top.again = top.names[word] > maxSame
	}
	switch word {
	case "if", "else", "while", "for", "do", "with", "new", "typeof", "void", "delete", "await", "yield",
		"in", "of", "instanceof", "return", "throw", "case", "extends", "keyof", "try", "async", "default":
		g.link()
		if word == "case" {
			g.top().cases++ // each is compared with all before it
			g.work += 8 * g.top().cases
		}
		// await, of and async can be names; then a / behind them is read wrongly for the line.
		g.end(word == "async" || word == "of" || word == "default", word)
		return
	}
	g.end(true, word)
}

// link counts one more part of the chain at hand.
func (g *guarding) link() {
	top := g.top()
	top.chain++
	g.work += 2 * top.chain
}

func (g *guarding) open(c byte) {
	g.at++
	l := level{open: c}
	switch {
	case c == '{':
		l.value = g.isExpression()
		g.begin("{")
	case g.value:
		l.list = true
		g.link() // a call or a member
	default:
		l.list = c == '['
		l.control = c == '(' && (g.word == "if" || g.word == "while" || g.word == "for" || g.word == "with")
		g.begin(string(rune(c)))
	}
	g.push(l)
}

func (g *guarding) push(l level) {
	g.levels = append(g.levels, l)
	g.work += len(g.levels) * len(g.levels)
	g.end(false, string(rune(l.open)))
}

// isExpression reports whether a { here opens an object, as far as one token says.
func (g *guarding) isExpression() bool {
	switch g.word {
	case "return", "throw", "typeof", "in", "of", "case", "await", "yield", "=", "(", ",", "[", "?", "&", "|", "+":
		return true
	}
	return false
}

func (g *guarding) close(c byte) {
	g.at++
	if len(g.levels) == 1 {
		g.end(true, "") // one too many: the compiler will say so
		return
	}
	top := *g.top()
	g.levels = g.levels[:len(g.levels)-1]
	if top.open == '$' && c == '}' {
		g.template()
		return
	}
	if c == '}' {
		g.end(top.value, "")
		g.closed = true
	} else {
		g.end(!top.control, "")
	}
	g.pending = false
}

func (g *guarding) operator(c byte) {
	g.at++
	rest := g.src[g.at:]
	top := g.top()
	switch c {
	case ';':
		g.pending = true
		g.end(false, "")
		return
	case ',':
		if top.list {
			g.reset()
		} else {
			top.chain, top.arrows = 0, 0
			top.commas++
			g.work += 2 * top.commas
		}
	case ':':
		top.commas = 0
		g.link()
	case '=':
		if strings.HasPrefix(rest, ">") {
			g.at++
			top.arrows++
			g.work += top.arrows * top.arrows
		}
		g.link()
	case '+', '-':
		if len(rest) > 0 && rest[0] == c {
			g.at++
			g.link()
			g.end(g.value, "")
			return
		}
		g.link()
	default:
		g.link()
	}
	g.pending = false
	g.end(false, string(rune(c)))
}

// quoted passes a string; one that its line leaves open ends there.
func (g *guarding) quoted(quote byte) {
	for g.at++; g.at < len(g.src); g.at++ {
		switch g.src[g.at] {
		case quote:
			g.at++
			return
		case '\\':
			g.at++
		case '\n':
			return
		}
	}
	g.at = len(g.src)
}

// template passes a template's text up to its end or its next ${.
func (g *guarding) template() {
	for ; g.at < len(g.src); g.at++ {
		switch g.src[g.at] {
		case '`':
			g.at++
			g.end(true, "")
			return
		case '\\':
			g.at++
		case '$':
			if strings.HasPrefix(g.src[g.at:], "${") {
				g.at += 2
				g.push(level{open: '$'})
				return
			}
		}
	}
	g.at = len(g.src)
}

// regexp passes a regular expression, which ends on its line.
func (g *guarding) regexp() {
	class := false
	for g.at++; g.at < len(g.src); g.at++ {
		switch c := g.src[g.at]; {
		case c == '\\':
			g.at++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '\n':
			return
		case c == '/' && !class:
			g.at++
			return
		}
	}
	g.at = len(g.src)
}

func (g *guarding) indexFrom(at int, text string) int {
	if n := strings.Index(g.src[min(at, len(g.src)):], text); n >= 0 {
		return at + n
	}
	return len(g.src)
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80 || c == '#' || c == '@'
}
