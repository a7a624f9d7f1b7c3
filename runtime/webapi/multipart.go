package webapi

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/dop251/goja"
)

// newBoundary makes what separates the parts of a body.
func newBoundary() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	return "----HadronFormBoundary" + hex.EncodeToString(b[:])
}

var (
	formName  = strings.NewReplacer("\r\n", "%0D%0A", "\r", "%0D", "\n", "%0A", `"`, "%22")
	formPlain = strings.NewReplacer("%0D", "\r", "%0d", "\r", "%0A", "\n", "%0a", "\n", "%22", `"`)
)

// lines makes each line end in CRLF.
func lines(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.ReplaceAll(s, "\n", "\r\n")
}

// encodeForm writes a form as multipart/form-data.
func (r *Realm) encodeForm(f *FormData, boundary string) []byte {
	size := int64(len(boundary) + 8)
	for _, e := range f.entries {
		size += int64(len(e.name)+len(e.text)+len(boundary)) + 160
		if e.file != nil {
			size += int64(len(e.file.data) + len(e.file.name) + len(e.file.kind))
		}
	}
	if most := r.host.Limits().Bytes; size > most {
		panic(r.rangeError("the form is longer than the %d bytes that this function may hold", most))
	}
	var b bytes.Buffer
	b.Grow(int(size))
	for _, e := range f.entries {
		b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + formName.Replace(lines(e.name)) + `"`)
		if e.file == nil {
			b.WriteString("\r\n\r\n" + lines(e.text) + "\r\n")
			continue
		}
		kind := e.file.kind
		if kind == "" {
			kind = "application/octet-stream"
		}
		b.WriteString("; filename=\"" + formName.Replace(e.file.name) + "\"\r\nContent-Type: " + kind + "\r\n\r\n")
		b.Write(e.file.data)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes()
}

// parseForm reads a body as the form that its type says.
func (r *Realm) parseForm(contentType string, data []byte) goja.Value {
	f := &FormData{}
	m, _ := extractMIME(contentType)
	switch m.essence {
	case "application/x-www-form-urlencoded":
		for _, p := range parseQuery(string(data)) {
			r.addEntry(f, formEntry{name: p.name, text: p.value})
		}
	case "multipart/form-data":
		entries, err := parseMultipart(data, m.param("boundary"))
		if err != nil {
			panic(r.typeError("the body is no multipart/form-data: %s", err.Error()))
		}
		f.entries = entries
	default:
		panic(r.typeError("a form's body is multipart/form-data or application/x-www-form-urlencoded, and this one is %q", clip(contentType)))
	}
	return r.use("FormData").wrap(f)
}

var (
	errNoBoundary   = errors.New("the Content-Type has no boundary")
	errTruncated    = errors.New("it ends within a part")
	errPart         = errors.New("a part has no name")
	errPartHeader   = errors.New("a part's header cannot be read")
	errManyFields   = errors.New("it has too many parts")
	errAfterPart    = errors.New("there is text behind a boundary")
	errNoFirstBound = errors.New("it does not begin with its boundary")
)

// parseMultipart reads what encodeForm and browsers write.
func parseMultipart(data []byte, boundary string) ([]formEntry, error) {
	if boundary == "" {
		return nil, errNoBoundary
	}
	now := time.Now().UnixMilli()
	delimiter := []byte("--" + boundary)
	data = bytes.TrimLeft(data, "\r\n")
	rest, ok := bytes.CutPrefix(data, delimiter)
	if !ok {
		return nil, errNoFirstBound
	}
	between := append([]byte("\r\n"), delimiter...)
	var out []formEntry
	for {
		if bytes.HasPrefix(rest, []byte("--")) {
			return out, nil // what follows the last boundary is nobody's
		}
		rest = bytes.TrimLeft(rest, " \t")
		if rest, ok = bytes.CutPrefix(rest, []byte("\r\n")); !ok {
			if len(rest) == 0 {
				return nil, errTruncated
			}
			return nil, errAfterPart
		}
		if len(out) >= maxFormEntries {
			return nil, errManyFields
		}
		entry, body, err := partHeaders(rest)
		if err != nil {
			return nil, err
		}
		var content []byte
		// A part that is empty may have nothing between its headers and the boundary.
		if bytes.HasPrefix(body, delimiter) {
			rest = body[len(delimiter):]
		} else if content, rest, ok = bytes.Cut(body, between); !ok {
			return nil, errTruncated
		}
		if entry.file != nil {
			entry.file.data, entry.file.modified = bytes.Clone(content), now
		} else {
			entry.text = decodeUTF8(content)
		}
		out = append(out, entry)
	}
}

// partHeaders reads the headers of a part, and returns what stands behind them.
func partHeaders(b []byte) (e formEntry, body []byte, err error) {
	named, kind := false, "text/plain"
	var filename *string
	for {
		line, rest, ok := bytes.Cut(b, []byte("\r\n"))
		if !ok {
			return e, nil, errTruncated
		}
		b = rest
		if len(line) == 0 {
			break
		}
		name, value, ok := strings.Cut(string(line), ":")
		if !ok || !token(strings.TrimRight(name, " \t")) {
			return e, nil, errPartHeader
		}
		value = strings.Trim(value, " \t")
		switch strings.ToLower(strings.TrimRight(name, " \t")) {
		case "content-disposition":
			params, ok := disposition(value)
			if !ok {
				return e, nil, errPartHeader
			}
			if v, has := params["name"]; has {
				e.name, named = v, true
			}
			if v, has := params["filename"]; has {
				filename = &v
			}
		case "content-type":
			kind = blobKind(value)
		}
	}
	if !named {
		return e, nil, errPart
	}
	if filename != nil {
		e.file = &File{Blob: Blob{kind: kind}, name: *filename}
	}
	return e, b, nil
}

// disposition reads the parameters of a Content-Disposition: form-data.
func disposition(s string) (map[string]string, bool) {
	kind, rest, more := strings.Cut(s, ";")
	if !strings.EqualFold(strings.TrimRight(kind, " \t"), "form-data") {
		return nil, false
	}
	params := map[string]string{}
	for more {
		rest = strings.TrimLeft(rest, " \t")
		name, value, found := strings.Cut(rest, "=")
		if !found {
			return params, strings.Trim(rest, " \t;") == ""
		}
		quoted, is := strings.CutPrefix(value, `"`)
		if is {
			end := strings.IndexByte(quoted, '"')
			if end < 0 {
				return nil, false
			}
			value = quoted[:end]
			_, rest, more = strings.Cut(quoted[end+1:], ";")
		} else {
			value, rest, more = strings.Cut(value, ";")
			value = strings.TrimRight(value, " \t")
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, known := params[name]; !known {
			params[name] = decodeUTF8([]byte(formPlain.Replace(value)))
		}
	}
	return params, true
}
