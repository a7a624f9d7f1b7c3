package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // the page that stands in for the app
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed unbuilt.html
var unbuilt []byte

// maxFile bounds what is held in memory twice; the whole app is far below it.
const maxFile = 8 << 20

// policy lets the app load only its own files and talk only to its own origin.
// What a function answers is shown as text, never as a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// site is the app in memory, plain and compressed, made once.
type site struct {
	files map[string]*file
	index *file
}

type file struct {
	plain, zipped []byte // zipped is nil where it would not be smaller
	kind, etag    string
	immutable     bool
}

func newSite(root fs.FS) *site {
	s := &site{files: make(map[string]*file)}
	// An embedded tree cannot fail to be read; a file that does is left out and answers 404.
	_ = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return nil
		}
		data, err := fs.ReadFile(root, name)
		if err != nil || len(data) > maxFile {
			return nil
		}
		s.files[name] = newFile(name, data)
		return nil
	})
	s.index = s.files["index.html"]
	if s.index == nil {
		s.index = newFile("index.html", unbuilt)
	}
	return s
}

func newFile(name string, data []byte) *file {
	sum := sha256.Sum256(data)
	f := &file{
		plain: data, kind: mime.TypeByExtension(path.Ext(name)), etag: hex.EncodeToString(sum[:12]),
		immutable: strings.HasPrefix(name, "assets/"), // Vite puts a hash of the content in these names
	}
	if f.kind == "" {
		f.kind = "application/octet-stream"
	}
	if !compressible(f.kind) {
		return f
	}
	var buf bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is valid
	if _, err := w.Write(data); err == nil && w.Close() == nil && buf.Len() < len(data) {
		f.zipped = buf.Bytes()
	}
	return f
}

func compressible(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.Contains(kind, "javascript") || strings.Contains(kind, "json") || strings.Contains(kind, "svg")
}

// ServeHTTP answers GET and HEAD.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "The web app answers GET only.", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	f := s.files[name]
	if f == nil {
		if path.Ext(name) != "" { // a file that is not there must not be answered with a page
			http.Error(w, "There is no such file in the web app.", http.StatusNotFound)
			return
		}
		f = s.index
	}
	f.serve(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, tag := f.plain, `"`+f.etag+`"`
	if f.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			body, tag = f.zipped, `"`+f.etag+`-gz"`
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client may have left
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.ReplaceAll(quality, " ", ""), "q="), "0.") != "" || quality == ""
		}
	}
	return false
}

func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(part), "W/") == tag {
			return true
		}
	}
	return false
}
