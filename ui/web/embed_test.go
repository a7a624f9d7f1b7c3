package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

const script = "export const long = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';"

func built() http.Handler {
	return newSite(fstest.MapFS{
		".gitkeep":             {Data: []byte("x")},
		"index.html":           {Data: []byte("<!doctype html><title>app</title>" + strings.Repeat(" ", 200))},
		"theme.js":             {Data: []byte("1")},
		"assets/app-ab12.js":   {Data: []byte(script)},
		"assets/logo-cd34.png": {Data: []byte("\x89PNG")},
	})
}

func get(h http.Handler, path string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPathsOfTheAppGetItsPage(t *testing.T) {
	for _, path := range []string{"/", "/f/growth/signup/greeting", "/alerts", "/deployments?x=1", "/../../etc", "//evil"} {
		r := get(built(), path)
		if r.StatusCode != http.StatusOK || !strings.Contains(text(t, r), "<title>app</title>") {
			t.Errorf("%s: status %d, not the app's page", path, r.StatusCode)
		}
		if got := r.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control is %q; an old page would ask for files that are gone", path, got)
		}
	}
}

func TestMissingFilesAreNotPages(t *testing.T) {
	for _, path := range []string{"/assets/app-old.js", "/favicon.ico", "/.gitkeep"} {
		if r := get(built(), path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, r.StatusCode)
		}
	}
}

func TestAssetsAreCachedAndCompressed(t *testing.T) {
	r := get(built(), "/assets/app-ab12.js", "Accept-Encoding", "br, gzip")
	if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control is %q", got)
	}
	if got := r.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding is %q", got)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(z); err != nil || string(body) != script {
		t.Errorf("body is %q, %v", body, err)
	}
	for _, accept := range []string{"", "br", "gzip;q=0"} {
		if r := get(built(), "/assets/app-ab12.js", "Accept-Encoding", accept); r.Header.Get("Content-Encoding") != "" || text(t, r) != script {
			t.Errorf("Accept-Encoding %q was answered with gzip", accept)
		}
	}
	again := get(built(), "/assets/app-ab12.js", "Accept-Encoding", "gzip", "If-None-Match", r.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || text(t, again) != "" {
		t.Errorf("status %d for the same ETag", again.StatusCode)
	}
	if r := get(built(), "/assets/logo-cd34.png", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" {
		t.Error("a PNG was compressed")
	}
}

func TestHeadersGuardEveryAnswer(t *testing.T) {
	for _, path := range []string{"/", "/assets/app-ab12.js", "/nope.js"} {
		h := get(built(), path).Header
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "connect-src 'self'"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: the policy lacks %q", path, want)
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the policy is unsafe", path)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: nosniff is missing", path)
		}
	}
}

func TestOnlyReads(t *testing.T) {
	w := httptest.NewRecorder()
	built().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST: status %d", w.Code)
	}
	w = httptest.NewRecorder()
	built().ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("HEAD: status %d, %d bytes", w.Code, w.Body.Len())
	}
}

func TestNothingBuiltSaysHow(t *testing.T) {
	r := get(newSite(fstest.MapFS{".gitkeep": {}}), "/")
	if r.StatusCode != http.StatusOK || !strings.Contains(text(t, r), "make build") {
		t.Error("the page does not say how to build the app")
	}
}

// What a browser must have before it shows the overview stays under 250 KB gzipped.
func TestFirstLoadIsSmall(t *testing.T) {
	page := text(t, get(Handler(), "/"))
	if !strings.Contains(page, `id="root"`) {
		t.Skip("the app is not built: make build")
	}
	const most = 250_000
	sum := 0
	for _, m := range regexp.MustCompile(`(?:src|href)="(/[^"]+\.(?:js|css))"`).FindAllStringSubmatch(page, -1) {
		r := get(Handler(), m[1], "Accept-Encoding", "gzip")
		data, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v", m[1], r.StatusCode, err)
		}
		sum += len(data)
	}
	if sum == 0 || sum > most {
		t.Errorf("the first load is %d bytes gzipped, at most %d: load a page or a part of it later", sum, most)
	}
	t.Logf("the first load is %d bytes gzipped", sum)
}

func TestEmbedded(t *testing.T) {
	if r := get(Handler(), "/"); r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("status %d, %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
}
