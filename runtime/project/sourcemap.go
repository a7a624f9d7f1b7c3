package project

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/go-sourcemap/sourcemap"
)

// sourceMap is a source map of revision 3, whole: no sections.
type sourceMap struct {
	Version        int       `json:"version"`
	Sources        []string  `json:"sources"`
	SourcesContent []*string `json:"sourcesContent,omitempty"`
	Names          []string  `json:"names"`
	Mappings       string    `json:"mappings"`
}

const maxSources = 20_000

// parseSourceMap reads an uploaded map. The names of its files are made plain and
// relative, whatever they were, since they are shown and never opened.
func parseSourceMap(data string) (*sourceMap, error) {
	if len(data) > MaxSourceMap {
		return nil, &SourceError{Text: fmt.Sprintf("the source map holds %d bytes; at most %d are taken", len(data), MaxSourceMap)}
	}
	var raw struct {
		sourceMap
		SourceRoot string            `json:"sourceRoot"`
		Sections   []json.RawMessage `json:"sections"`
	}
	if err := json.Unmarshal([]byte(data), &raw); err != nil {
		return nil, &SourceError{Text: "the source map is not a JSON source map: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	m := raw.sourceMap
	switch {
	case m.Version != 3:
		return nil, &SourceError{Text: "the source map is not of revision 3"}
	case len(raw.Sections) > 0:
		return nil, &SourceError{Text: "the source map has sections; give a flat one"}
	case len(m.Sources) > maxSources:
		return nil, &SourceError{Text: fmt.Sprintf("the source map names %d files; at most %d are taken", len(m.Sources), maxSources)}
	}
	for i, name := range m.Sources {
		if raw.SourceRoot != "" {
			name = strings.TrimSuffix(raw.SourceRoot, "/") + "/" + name
		}
		m.Sources[i] = plainPath(name)
	}
	// esbuild would look on disk for a text that is missing here.
	contents := make([]*string, len(m.Sources))
	empty := ""
	for i := range contents {
		contents[i] = &empty
		if i < len(m.SourcesContent) && m.SourcesContent[i] != nil {
			contents[i] = m.SourcesContent[i]
		}
	}
	m.SourcesContent = contents
	return &m, nil
}

// plainPath makes a file's name relative to its project: no scheme, no root, no
// way up, no control characters.
func plainPath(name string) string {
	if _, rest, ok := strings.Cut(name, "://"); ok {
		name = rest
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ReplaceAll(name, `\`, "/"))
	if len(name) > 1024 {
		name = name[len(name)-1024:]
	}
	name = strings.ToValidUTF8(name, "")
	if len(name) > 1 && name[1] == ':' {
		name = name[2:]
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// lookup finds the author's places of one generated text.
type lookup struct {
	of       *sourceMap
	consumer *sourcemap.Consumer // nil where the map cannot be read
}

func (m *sourceMap) lookup() (l lookup) {
	l.of = m
	// The library reads maps that anyone may have sent: a fault of its own is a miss.
	defer func() {
		if recover() != nil {
			l.consumer = nil
		}
	}()
	data, err := json.Marshal(m.numbered())
	if err != nil {
		return l
	}
	l.consumer, _ = sourcemap.Parse("", data)
	return l
}

// original says where a place of the generated text stands in the author's file;
// line from 1, column from 1 in UTF-16 units.
func (l lookup) original(line, column int) (file string, fileLine, fileColumn int, ok bool) {
	if l.consumer == nil {
		return "", 0, 0, false
	}
	defer func() {
		if recover() != nil {
			file, fileLine, fileColumn, ok = "", 0, 0, false
		}
	}()
	source, _, fileLine, fileColumn, ok := l.consumer.Source(line, column-1)
	at, found := l.of.index(source)
	if !ok || !found || fileLine < 1 || fileColumn < 0 {
		return "", 0, 0, false
	}
	return l.of.Sources[at], fileLine, fileColumn + 1, true
}

// content is the text of a file of the map, or "".
func (m *sourceMap) content(file string) string {
	for i, name := range m.Sources {
		if name == file && i < len(m.SourcesContent) && m.SourcesContent[i] != nil {
			return *m.SourcesContent[i]
		}
	}
	return ""
}

// numbered is the map with numbers for file names: they pass through any tool
// unchanged, and index finds them again.
func (m *sourceMap) numbered() *sourceMap {
	out := *m
	out.Sources = make([]string, len(m.Sources))
	for i := range out.Sources {
		out.Sources[i] = "f" + strconv.Itoa(i)
	}
	return &out
}

func (m *sourceMap) index(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name[strings.LastIndexByte(name, '/')+1:], "f")
	i, err := strconv.Atoi(digits)
	return i, ok && err == nil && i >= 0 && i < len(m.Sources)
}
