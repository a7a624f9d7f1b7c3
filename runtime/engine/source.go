package engine

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
)

// The bundle becomes the body of a function on its own first line, so that line
// numbers stay those of the bundle.
const (
	prologue = "(function(exports,module," + powerName + "," + shiftName + "){"
	epilogue = "\n})"
)

// bundleText is a bundle as it is compiled.
type bundleText struct {
	text   string
	tree   *ast.Program
	quoted []place // words that stand in quotes and did not, in order
}

// place is where something is in a bundle, as its builder wrote it: both from 0,
// columns in bytes.
type place struct{ line, column int }

// quotes is how many bytes a word grows by that is put in quotes.
const quotes = len(`""`)

// accessorFields finds what may be a class field named get, set or async. goja's
// parser takes such a word for the start of a method, unless a semicolon follows.
var accessorFields = regexp.MustCompile(`[{;}]\s*(?:static\s+)?(get|set|async)\s*[=}]`)

// maxQuoting bounds how often a bundle is parsed again.
const maxQuoting = 20

// parseBundle parses a bundle under the given name. Class fields that goja's parser
// refuses are put in quotes: of what looks like one, only where the parser fails, so
// that it is none in a string and no assignment.
func parseBundle(name string, code []byte) (b bundleText, err error) {
	body := string(code)
	if strings.HasPrefix(body, "#!") {
		body = "//" + body[2:]
	}
	var at []int // offsets in body of what is quoted, in order
	for range maxQuoting {
		b.text = prologue + quoteWords(body, at) + epilogue
		b.tree, err = parser.ParseFile(nil, name, b.text, 0, parser.WithDisableSourceMaps)
		if err == nil {
			break
		}
		found := refusedFields(b.text, err)
		if len(found) == 0 {
			break
		}
		for i, offset := range found {
			found[i] = unquoted(at, offset-len(prologue))
		}
		at = append(at, found...)
		slices.Sort(at)
	}
	b.quoted = placesOf(body, at)
	return b, err
}

// quoteWords puts the words that begin at the offsets in quotes.
func quoteWords(text string, at []int) string {
	if len(at) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + quotes*len(at))
	from := 0
	for _, start := range at {
		end := start
		for end < len(text) && text[end] >= 'a' && text[end] <= 'z' {
			end++
		}
		b.WriteString(text[from:start])
		b.WriteByte('"')
		b.WriteString(text[start:end])
		b.WriteByte('"')
		from = end
	}
	b.WriteString(text[from:])
	return b.String()
}

// unquoted is where an offset was before the words at the given ones were quoted.
func unquoted(at []int, offset int) int {
	n := 0
	for n < len(at) && at[n]+n*quotes < offset {
		n++
	}
	return offset - n*quotes
}

// refusedFields are the offsets in text of the words get, set and async behind which
// the parser met what it did not expect.
func refusedFields(text string, err error) []int {
	var list parser.ErrorList
	if !errors.As(err, &list) {
		return nil
	}
	type position struct{ line, column int }
	refused := make(map[position]bool, len(list))
	for _, e := range list {
		refused[position{e.Position.Line, e.Position.Column}] = true
	}
	var out []int
	lines := file.NewFile("", text, 1)
	for _, m := range accessorFields.FindAllStringSubmatchIndex(text, -1) {
		for past := range 2 { // the parser's positions are behind the = or }, or on the next line
			if at := lines.Position(m[1] + past); refused[position{at.Line, at.Column}] {
				out = append(out, m[2])
				break
			}
		}
	}
	return out
}

// placesOf makes places of offsets, which are in order.
func placesOf(text string, at []int) []place {
	var out []place
	line, begins := 0, 0
	for _, offset := range at {
		for {
			n := strings.IndexByte(text[begins:offset], '\n')
			if n < 0 {
				break
			}
			line++
			begins += n + 1
		}
		out = append(out, place{line, offset - begins})
	}
	return out
}
