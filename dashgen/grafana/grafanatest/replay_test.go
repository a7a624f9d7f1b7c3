package grafanatest

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The default client keeps connections for a while; the servers are closed.
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

type exchange struct {
	Name    string
	Request struct {
		Method, Path, Auth string
		Body               json.RawMessage
		Raw                *string
	}
	Response struct {
		Status int
		Body   any
	}
}

var (
	served = regexp.MustCompile(`^/api/(health|nosuch|search|folders|dashboards/(db|uid)|datasources)`)
	// What the client never asks, and quirks of the recorded version that its README tells a fake not to copy.
	unserved = regexp.MustCompile(`/(counts|id/|proxy/)|/health.+|datasources/[0-9]+|/uid/.+/health$`)
)

// TestRecorded plays recordings of a real Grafana against the fake: for the same
// requests in the same order, the same statuses, sentences and values.
func TestRecorded(t *testing.T) {
	s := New(t)
	alias := strings.NewReplacer()
	var aliases []string
	played := 0
	for _, e := range recordings(t) {
		if e.Name == "rule-create" {
			s.AddAlertRule("fold1")
		}
		if !served.MatchString(e.Request.Path) || unserved.MatchString(e.Request.Path) || e.Name == "badtoken" || e.Name == "badpw" {
			continue
		}
		played++
		status, text := play(t, s, e)
		if status != e.Response.Status {
			t.Errorf("%s: status %d, the real one answers %d", e.Name, status, e.Response.Status)
			continue
		}
		if ours, theirs := field(text, "uid"), fieldOf(e.Response.Body, "uid"); ours != theirs && strings.HasPrefix(ours, "auto-") || strings.HasPrefix(ours, "source-") {
			aliases = append(aliases, ours, theirs)
			alias = strings.NewReplacer(aliases...)
		}
		var got any
		if err := json.Unmarshal([]byte(alias.Replace(text)), &got); err != nil {
			t.Fatalf("%s: %v", e.Name, err)
		}
		compare(t, e.Name, got, e.Response.Body, status >= 400)
	}
	if played < 68 {
		t.Errorf("only %d recordings were played", played)
	}
}

func recordings(t *testing.T) []exchange {
	t.Helper()
	dir := os.Getenv("HADRON_CONTRACTS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "contracts")
	} else if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", "..", dir) // it is given from the root of the repository
	}
	f, err := os.Open(filepath.Join(dir, "grafana", "recorded-9.3.0.jsonl"))
	if err != nil {
		t.Skip("The recordings of a real Grafana are not here: set HADRON_CONTRACTS to the directory that holds grafana/.")
	}
	defer f.Close()
	var out []exchange
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

func play(t *testing.T, s *Server, e exchange) (int, string) {
	t.Helper()
	body := string(e.Request.Body)
	if body == "null" {
		body = ""
	}
	if e.Request.Raw != nil {
		body = *e.Request.Raw
	}
	req, err := http.NewRequestWithContext(t.Context(), e.Request.Method, s.URL+e.Request.Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	token := s.Token
	switch {
	case strings.Contains(e.Name, "viewer"):
		token = s.viewer
	case strings.Contains(e.Name, "editor"):
		token = s.editor
	}
	if e.Request.Auth != "none" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func field(text, key string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return ""
	}
	return fieldOf(v, key)
}

func fieldOf(v any, key string) string {
	m, _ := v.(map[string]any)
	if inner, ok := m["datasource"].(map[string]any); ok {
		m = inner
	}
	text, _ := m[key].(string)
	return text
}

// Values that differ between any two servers.
var volatile = []string{"accessErrorId", "traceID", "created", "updated", "commit", "typeLogoUrl"}

// compare holds what the fake says to what the real one said; the fake may say
// less, but an error must be told in the same words.
func compare(t *testing.T, at string, got, want any, whole bool) {
	switch g := got.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			t.Errorf("%s: an object, the real one says %v", at, want)
			return
		}
		for key, value := range g {
			if !slices.Contains(volatile, key) && at != "health" {
				compare(t, at+"."+key, value, w[key], whole)
			}
		}
		for key := range w {
			if _, said := g[key]; whole && !said && !slices.Contains(volatile, key) {
				t.Errorf("%s lacks %q", at, key)
			}
		}
	case []any:
		w, _ := want.([]any)
		if len(g) != len(w) {
			t.Errorf("%s: %d entries, the real one has %d", at, len(g), len(w))
			return
		}
		for i := range g {
			compare(t, at, g[i], w[i], whole)
		}
	default:
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, the real one says %v", at, got, want)
		}
	}
}
