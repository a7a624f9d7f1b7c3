package engine

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/invocation"
)

// ways writes a value in the ways that lines, errors and addresses hold it.
var ways = map[string]func(string) string{
	"plain":      func(s string) string { return s },
	"json":       func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"quoted":     strconv.Quote,
	"query":      url.QueryEscape,
	"path":       url.PathEscape,
	"lower":      func(s string) string { return lowerEscapes(url.QueryEscape(s)) },
	"hex":        func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":        func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64url":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"basic":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte("user:" + s)) },
	"within b64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("ab" + s + "tail")) },
}

// However a secret is written into a text, nothing of six bytes of it is left.
func TestTextsAreRedacted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ -~é]{8,40}`).Draw(t, "value")
		if len(strings.TrimSpace(value)) < 8 {
			t.Skip()
		}
		how := rapid.SampledFrom([]string{"plain", "json", "quoted", "query", "path", "lower", "hex", "HEX", "base64", "base64url", "basic", "within b64"}).Draw(t, "how")
		s := NewSecrets(map[string]string{"KEY": value, "OTHER": "another value of somebody"})
		before, after := rapid.StringMatching(`[A-Z]{0,5} `).Draw(t, "before"), rapid.StringMatching(` [A-Z]{0,5}`).Draw(t, "after")
		got := s.text(before + ways[how](value) + after)
		if !strings.Contains(got, "[redacted KEY]") || strings.Contains(got, ways[how](value)) || !strings.HasPrefix(got, before) {
			t.Fatalf("%s of %q became %q", how, value, got)
		}
	})
}

func TestCutTextsAreRedacted(t *testing.T) {
	value := "sk_live_0123456789abcdef"
	s := NewSecrets(map[string]string{"KEY": value})
	for n := minRedacted; n < len(value); n++ {
		for _, text := range []string{"token " + value[:n], "token " + value[:n] + "… (9 bytes more)", "a " + value[:n] + "… (1 bytes more) b"} {
			if got := s.text(text); strings.Contains(got, value[:minRedacted]) {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
	if text := "token sk_li and nothing more"; s.text(text) != text {
		t.Error("what is no secret was taken for one")
	}
}

func TestFieldsStayJSON(t *testing.T) {
	s := NewSecrets(map[string]string{"PIN": "12345678", "QUOTE": `a"b\c` + "\nline two of it"})
	for _, fields := range []string{
		`{"pin":12345678}`, `{"pin":"12345678","n":1.5,"list":[12345678,{"12345678":true}]}`,
		`{"q":"a\"b\\c\nline two of it"}`, `{"other":1}`,
	} {
		got := s.json(json.RawMessage(fields))
		if !json.Valid(got) || strings.Contains(string(got), "12345678") || strings.Contains(string(got), "line two") {
			t.Errorf("%s became %s", fields, got)
		}
	}
	if got := s.json(json.RawMessage(`{"other":1}`)); string(got) != `{"other":1}` {
		t.Errorf("%s", got)
	}
	pem := "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END KEY-----\n"
	if got := NewSecrets(map[string]string{"PEM": pem}).text("line MIIEvQIBADANBgkqhkiG9w0"); strings.Contains(got, "MIIE") {
		t.Errorf("one line of a key: %s", got)
	}
}

func TestFailuresAndLabelsAreRedacted(t *testing.T) {
	s := NewSecrets(map[string]string{"KEY": "hunter2hunter2"})
	f := &invocation.Failure{Name: "hunter2hunter2", Message: "with hunter2hunter2", Stack: []invocation.Frame{{Function: "hunter2hunter2", File: "hunter2hunter2.ts"}}}
	if got := fmt.Sprintf("%+v", *s.failure(f)); strings.Contains(got, "hunter2") {
		t.Error(got)
	}
	if !strings.Contains(f.Message, "hunter2") {
		t.Error("the failure given was changed")
	}
	if got := s.labels([]invocation.Label{{Name: "a", Value: "x-hunter2hunter2"}}); got[0].Value != "x-[redacted KEY]" {
		t.Errorf("%v", got)
	}
	var none *Secrets
	if none.text("hunter2hunter2") != "hunter2hunter2" || none.failure(f) != f || !none.Equal(NewSecrets(nil)) {
		t.Error("without secrets something was changed")
	}
}

func BenchmarkText(b *testing.B) {
	s := NewSecrets(map[string]string{"A": "sk_live_0123456789abcdef", "B": "another secret value", "C": strings.Repeat("k", 64)})
	line := "GET /orders/123 answered 200 in 12 ms for customer 4711 with 3 items"
	b.ReportAllocs()
	for b.Loop() {
		s.text(line)
	}
}
